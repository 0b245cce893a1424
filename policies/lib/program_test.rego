package dualtrack.program_test

import data.dualtrack.fixture as fx
import data.dualtrack.program

kubeadm(args) := fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": args}})

values(args) := {f.value | some f in flags} if {
	found := program.named("kube-apiserver") with input as kubeadm(args)
	flags := [f | some server in found; some f in server.flags]
}

test_pass_values if {
	values({"a": "x"}) == {"x"}
	values({"a": false}) == {"false"}
	values({"a": 5}) == {"5"}
	values({"a": ["x"]}) == {""}
	values(null) == set()
	values("odd") == set()
}

test_pass_numbers if {
	program.number({"value": "-5"}) == -5
	not program.number({"value": "5s"})
}

# kubeadm starts no etcd where it is told of one.
test_pass_external_etcd if {
	found := program.named("etcd") with input as fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", "etcd": {"external": {}}})
	found == set()
}

test_pass_other_group if {
	found := program.named("kube-apiserver") with input as fx.of({"apiVersion": "example.org/v1", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": {"a": "b"}}})
	found == set()
}

test_pass_in_text_nothing_is_removed if {
	program.without({"from": "kubeadm", "nested": true}, {"pointer": "/data/a"}) == null
	program.without({"from": "kubeadm", "nested": false}, {"pointer": "/a"}) == [{"op": "remove", "path": "/a"}]
}

# whole is what the object configures of a program.
whole(name, doc) := found if {
	found := program.named(name) with input as doc
}

given(list) := [object.union({"glued": true}, flag) | some flag in list]

test_pass_cluster_settings if {
	spec := {"etcd": {"extraArgs": {"a": 1}}, "kubernetes": {"extraArgs": {"apiServer": {"a": 1}, "controllerManager": {"a": 1}, "scheduler": {"a": 1}}}}
	cluster := fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "hub"}, "spec": spec})
	places := {
		"etcd": "/spec/etcd/extraArgs",
		"kube-apiserver": "/spec/kubernetes/extraArgs/apiServer",
		"kube-controller-manager": "/spec/kubernetes/extraArgs/controllerManager",
		"kube-scheduler": "/spec/kubernetes/extraArgs/scheduler",
	}
	every name, place in places {
		whole(name, cluster) == {{
			"from": "cluster",
			"container": "",
			"pointer": place,
			"nested": false,
			"flags": given([{"name": "a", "value": "1", "pointer": sprintf("%s/a", [place])}]),
		}}
	}
	whole("kubelet", cluster) == set()
}

# A list of flags holds objects; what has no value has an empty one.
test_pass_kubeadm_list if whole("kube-apiserver", kubeadm([{"name": "a", "value": true}, {"name": "b"}, {"value": "c"}, "odd", null])) == {{
	"from": "kubeadm",
	"container": "",
	"pointer": "/apiServer/extraArgs",
	"nested": false,
	"flags": given([{"name": "a", "value": "true", "pointer": "/apiServer/extraArgs/0"}, {"name": "b", "value": "", "pointer": "/apiServer/extraArgs/1"}]),
}}

test_pass_kubeadm_in_text if {
	nested := [{"pointer": "/data/a", "object": kubeadm({"a": "x"}).object}]
	whole("kube-apiserver", object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": nested})) == {{
		"from": "kubeadm",
		"container": "",
		"pointer": "/data/a",
		"nested": true,
		"flags": given([{"name": "a", "value": "x", "pointer": "/data/a"}]),
	}}
}

test_pass_pod_flags if {
	args := ["serve", "on--all", "--a=x=y", "word", "--b", "c--d", "--e", "--f", "v", "--g=", "--h"]
	at := "/spec/containers/0/args"
	flags := [
		{"name": "a", "value": "x=y", "glued": true, "pointer": concat("/", [at, "2"])},
		{"name": "b", "value": "c--d", "glued": false, "pointer": concat("/", [at, "4"])},
		{"name": "e", "value": "true", "glued": true, "pointer": concat("/", [at, "6"])},
		{"name": "f", "value": "v", "glued": false, "pointer": concat("/", [at, "7"])},
		{"name": "g", "value": "", "glued": true, "pointer": concat("/", [at, "9"])},
		{"name": "h", "value": "true", "glued": true, "pointer": concat("/", [at, "10"])},
	]
	every name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"] {
		whole(name, fx.container({"command": [sprintf("/usr/bin/%s", [name])], "args": args})) == {{
			"from": "pod",
			"container": "a",
			"pointer": "/spec/containers/0",
			"nested": false,
			"flags": flags,
		}}
	}
	whole("nginx", fx.container({"command": ["nginx"], "args": args})) == set()
}

test_pass_files if {
	policy := {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": []}
	files := program.file_of("Policy") with input as fx.of(policy)
	files == {{"object": policy, "pointer": "", "nested": false}}
	inside := program.file_of("Policy") with input as object.union(fx.of({"kind": "ConfigMap"}), {"nested": [{"pointer": "/data/p", "object": policy}]})
	inside == {{"object": policy, "pointer": "/data/p", "nested": true}}
	none := program.file_of("EncryptionConfiguration") with input as fx.of(policy)
	none == set()
}

asked(doc) if program.any with input as doc

test_pass_any if {
	every kind in ["Cluster", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
		asked(fx.of({"kind": kind}))
	}
	every kind in ["ClusterConfiguration", "EncryptionConfiguration", "InitConfiguration", "JoinConfiguration", "KubeletConfiguration", "Policy"] {
		asked(fx.of({"kind": kind}))
	}
	asked(object.union(fx.of({"kind": "ConfigMap"}), {"nested": [{"pointer": "/data/a", "object": {}}]}))
	every name in ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet"] {
		asked(fx.container({"command": [name]}))
		asked(fx.container({"command": ["run", name, "--v=2"]}))
		asked(fx.container({"command": ["sh", "-c", sprintf("exec /bin/%s --v=2", [name])]}))
	}
}

test_pass_not_any if {
	not asked(fx.of({"kind": "ConfigMap"}))
	not asked(fx.container({"command": ["nginx"]}))
	not asked(fx.container({"command": ["kubelets", "petcd"]}))
}

test_pass_last_flag_wins if {
	flags := [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}, {"name": "a", "value": "3"}, {"name": "c", "value": "4"}]
	program.flag({"flags": flags}, "a") == {"name": "a", "value": "3"}
	not program.flag({"flags": flags}, "d")
	not program.flag({"flags": []}, "a")
}

test_pass_switches if {
	every value in ["1", "t", "T", "true", "TRUE"] {
		program.on({"glued": true, "value": value})
		not program.off({"glued": true, "value": value})
	}
	every value in ["", "0", "f", "false", "yes"] {
		program.off({"glued": true, "value": value})
		not program.on({"glued": true, "value": value})
		program.on({"glued": false, "value": value})
	}
}
