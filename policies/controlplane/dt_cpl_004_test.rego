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
