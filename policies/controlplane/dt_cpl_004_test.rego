package dualtrack.programs.dt_cpl_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.programs.dt_cpl_004

found(doc) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_cpl_004.findings with input as doc with data.context as fx.facts
}

said(doc) := {f.message | some f in findings} if {
	findings := dt_cpl_004.findings with input as doc with data.context as fx.facts
}

good := [
	"etcd",
	"--client-cert-auth=true",
	"--peer-client-cert-auth",
	"--trusted-ca-file=/etc/kubernetes/pki/etcd/ca.crt",
	"--listen-client-urls=https://127.0.0.1:2379",
	"--initial-cluster=a=https://10.0.0.1:2380",
	"--quota-backend-bytes=4294967296",
	"--snapshot-count=10000",
]

static(more) := fx.pod({"containers": [{"name": "etcd", "command": good, "args": more}]})

arg := "/spec/containers/0/args/0"

test_pass_static if found(static([])) == set()

test_fail_static_bare if {
	doc := fx.pod({"containers": [{"name": "etcd", "command": ["/usr/local/bin/etcd"]}]})
	said(doc) == {
		"etcd does not ask for certificates: client-cert-auth is not on",
		"etcd does not ask for certificates: peer-client-cert-auth is not on",
		"etcd's own default holds for quota-backend-bytes",
		"etcd's own default holds for snapshot-count",
	}
	found(doc) == {["/spec/containers/0", "error"], ["/spec/containers/0", "warning"]}
}

test_fail_static_flags if {
	every flag in [
		"--client-cert-auth=false",
		"--auto-tls",
		"--peer-auto-tls=true",
		"--listen-client-urls=https://127.0.0.1:2379,http://0.0.0.0:2379",
		"--listen-peer-urls=http://10.0.0.1:2380",
		"--advertise-client-urls=http://10.0.0.1:2379",
		"--initial-advertise-peer-urls=http://10.0.0.1:2380",
		"--trusted-ca-file=/etc/kubernetes/pki/ca.crt",
		"--initial-cluster=a=https://a:2380,b=https://b:2380",
	] {
		found(static([flag])) == {[arg, "error"]}
	}
}

test_pass_static_flags if {
	every flag in [
		"--auto-tls=false",
		"--listen-metrics-urls=http://127.0.0.1:2381",
		"--initial-cluster=a=https://a:2380,b=https://b:2380,c=https://c:2380",
		"--initial-cluster=a=https://a:2380,a=https://b:2380",
	] {
		found(static([flag])) == set()
	}
}

server(args) := fx.pod({"containers": [{"name": "s", "command": ["kube-apiserver"], "args": args}]})

test_fail_one_ca if found(server(["--client-ca-file=/ca.crt", "--etcd-cafile=/ca.crt"])) == {["/spec/containers/0/args/1", "error"]}

test_pass_two_cas if {
	found(server(["--client-ca-file=/ca.crt", "--etcd-cafile=/etcd.crt"])) == set()
	found(server(["--etcd-cafile=/etcd.crt"])) == set()
}

kubeadm(etcd) := fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", "etcd": etcd})

sized := {"quota-backend-bytes": "4294967296", "snapshot-count": "10000"}

test_pass_kubeadm if found(kubeadm({"local": {"extraArgs": sized}})) == set()

test_fail_kubeadm_sizes if found(kubeadm({"local": {}})) == {["/etcd/local/extraArgs", "warning"]}

test_fail_kubeadm_flag if {
	findings := dt_cpl_004.findings with input as kubeadm({"local": {"extraArgs": object.union(sized, {"auto-tls": "true"})}}) with data.context as fx.facts
	{[f.pointer, f.patch] | some f in findings} == {["/etcd/local/extraArgs/auto-tls", [{"op": "remove", "path": "/etcd/local/extraArgs/auto-tls"}]]}
}

external(endpoints, ca) := kubeadm({"external": {"endpoints": endpoints, "caFile": ca}})

test_pass_external if found(external(["https://a:2379"], "/etcd/ca.crt")) == set()

test_fail_external if {
	found(external(["http://a:2379"], "")) == {["/etcd/external/endpoints/0", "error"]}
	found(external(["https://a:2379", "https://b:2379"], "")) == {["/etcd/external/endpoints", "error"]}
	found(external([], "/etc/kubernetes/pki/ca.crt")) == {["/etcd/external/caFile", "error"]}
}

cluster(etcd) := fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "hub"}, "spec": {"etcd": etcd}})

test_pass_cluster if {
	found(cluster({})) == set()
	found(cluster({"members": 3, "extraArgs": {"log-level": "info"}})) == set()
}

test_fail_cluster if {
	found(cluster({"members": 4})) == {["/spec/etcd/members", "error"]}
	found(cluster({"extraArgs": {"client-cert-auth": "false"}})) == {["/spec/etcd/extraArgs/client-cert-auth", "error"]}
}

# A switch takes no word of its own: this leaves it on.
test_fail_switch_with_a_word if found(static(["--auto-tls", "false"])) == {[arg, "error"]}

told(doc) := findings if {
	findings := dt_cpl_004.findings with input as doc with data.context as fx.facts
}

test_fail_static_findings if {
	args := [
		"--client-cert-auth=false",
		"--auto-tls",
		"--listen-peer-urls=https://10.0.0.1:2380, http://10.0.0.1:2380",
		"--initial-cluster=a=https://a:2380,b=https://b:2380",
		"--trusted-ca-file=/etc/kubernetes/pki/ca.crt",
	]
	command := ["etcd", "--peer-client-cert-auth", "--snapshot-count=10000"]
	told(fx.pod({"containers": [{"name": "store", "command": command, "args": args}]})) == {
		{
			"pointer": "/spec/containers/0/args/0",
			"container": "store",
			"message": "etcd does not ask for certificates: client-cert-auth is not on",
			"mend": "set client-cert-auth to true",
		},
		{
			"pointer": "/spec/containers/0/args/1",
			"container": "store",
			"message": "etcd makes certificates for itself that nobody can check: auto-tls",
			"mend": "give it certificates of its own CA",
			"patch": null,
		},
		{
			"pointer": "/spec/containers/0/args/2",
			"container": "store",
			"message": "etcd is reached without TLS: listen-peer-urls has an http URL",
			"mend": "use https",
		},
		{
			"pointer": "/spec/containers/0/args/3",
			"container": "store",
			"message": "etcd has 2 members: an even number survives no more losses than one less",
			"mend": "run 1, 3 or 5 members",
		},
		{
			"pointer": "/spec/containers/0/args/4",
			"container": "store",
			"message": "etcd trusts the cluster's own CA, and with it every certificate of a user or node",
			"mend": "give etcd a CA of its own",
		},
		{
			"pointer": "/spec/containers/0",
			"container": "store",
			"severity": "warning",
			"message": "etcd's own default holds for quota-backend-bytes",
			"mend": "set quota-backend-bytes: what is right depends on the disk and on what the cluster holds",
		},
	}
}

test_fail_one_ca_finding if told(server(["--client-ca-file=/ca.crt", "--etcd-cafile=/ca.crt"])) == {{
	"pointer": "/spec/containers/0/args/1",
	"container": "s",
	"message": "the API server's clients and etcd have one CA",
	"mend": "give etcd a CA of its own",
}}

test_fail_external_findings if told(external(["http://a:2379", "https://b:2379"], "/etc/kubernetes/pki/ca.crt")) == {
	{
		"pointer": "/etcd/external/endpoints/0",
		"message": "the API server reaches etcd without TLS",
		"mend": "use https",
	},
	{
		"pointer": "/etcd/external/endpoints",
		"message": "etcd has 2 members: an even number survives no more losses than one less",
		"mend": "run 1, 3 or 5 members",
	},
	{
		"pointer": "/etcd/external/caFile",
		"message": "etcd has the cluster's own CA",
		"mend": "give etcd a CA of its own",
	},
}

# What stands later in a URL is not what it is reached by.
test_pass_http_inside if {
	found(static(["--advertise-client-urls=https://a:2379/?from=http://b"])) == set()
	found(external(["https://a:2379/?from=http://b"], "")) == set()
}

test_fail_members if {
	every number in [2, 4, 6, 8, 10] {
		told(cluster({"members": number})) == {{
			"pointer": "/spec/etcd/members",
			"message": sprintf("etcd has %d members: an even number survives no more losses than one less", [number]),
			"mend": "run 1, 3 or 5 members",
		}}
	}
}

test_pass_members if {
	every number in [1, 3, 5, 7, 9] {
		found(cluster({"members": number})) == set()
	}
}

test_pass_other_kind if found(object.union(cluster({"members": 4}), {"kind": "Fleet"})) == set()
