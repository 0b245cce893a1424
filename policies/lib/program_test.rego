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
