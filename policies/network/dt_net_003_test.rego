package dualtrack.rules.dt_net_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_net_003

facts := fx.and_facts({
	"namespaces": {"shop": {"labels": {}}, "pay": {"labels": {"team": "money"}}},
	"selectable": {"shop": [{"labels": {"app": "web"}, "ports": []}], "pay": [{"labels": {"app": "till"}, "ports": []}]},
})

policy(spec) := fx.of({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": fx.meta, "spec": spec})

cilium(spec) := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fx.meta, "spec": spec})

clusterwide(spec) := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "a"}, "spec": spec})

found(doc) := {f.pointer | some f in findings} if {
	findings := dt_net_003.findings with input as doc with data.context as facts
}

app(name) := {"matchLabels": {"app": name}}

from(peer) := found(policy({"podSelector": {}, "ingress": [{"from": [peer]}]}))

test_pass_matches if {
	found(policy({"podSelector": {}})) == set()
	found(policy({"podSelector": app("web")})) == set()
	from({"podSelector": app("web")}) == set()
	from({"podSelector": {}}) == set()
	from({"ipBlock": {"cidr": "10.0.0.0/8"}}) == set()
	from("odd") == set()
}

test_pass_other_namespace if {
	from({"namespaceSelector": {"matchLabels": {"team": "money"}}, "podSelector": app("till")}) == set()
	from({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "pay"}}}) == set()
	from({"namespaceSelector": {}, "podSelector": app("none")}) == set()
}

# What Kubernetes itself brings is in no bundle.
test_pass_outside if {
	from({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}, "podSelector": app("dns")}) == set()
	found(object.union(policy({"podSelector": app("none")}), {"namespace": "kube-system"})) == set()
	found(object.union(policy({"podSelector": {}, "ingress": [{"from": [{"podSelector": app("none")}]}]}), {"namespace": "kube-system"})) == set()
}

test_pass_other_kinds if {
	found(fx.of({"apiVersion": "x.example/v1", "kind": "NetworkPolicy", "metadata": fx.meta, "spec": {"podSelector": app("none")}})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "CiliumNetworkPolicy", "metadata": fx.meta, "spec": {"endpointSelector": app("none")}})) == set()
}

test_fail_subject if found(policy({"podSelector": app("wbe")})) == {"/spec/podSelector"}

test_fail_expression if found(policy({"podSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a"]}]}})) == {"/spec/podSelector"}

test_fail_peer if from({"podSelector": app("till")}) == {"/spec/ingress/0/from/0/podSelector"}

test_fail_peer_abroad if from({"namespaceSelector": {"matchLabels": {"team": "money"}}, "podSelector": app("web")}) == {"/spec/ingress/0/from/0/podSelector"}

test_fail_no_namespace if from({"namespaceSelector": {"matchLabels": {"team": "mony"}}}) == {"/spec/ingress/0/from/0/namespaceSelector"}

test_unknown_partial if {
	findings := dt_net_003.findings with input as policy({"podSelector": app("x")}) with data.context as object.union(facts, {"partial": true})
	fx.results(findings) == {"unknown"}
}

here(name) := {"matchLabels": {"k8s:app": name}}

there(name, namespace) := {"matchLabels": {"any:app": name, "k8s:io.kubernetes.pod.namespace": namespace}}

subject(s) := found(cilium({"endpointSelector": s}))

reached(s) := found(cilium({"endpointSelector": {}, "egress": [{"toEndpoints": [s]}]}))

test_pass_cilium if {
	subject(here("web")) == set()
	subject({}) == set()
	subject("odd") == set()
	reached(there("till", "pay")) == set()
	reached(there("dns", "kube-system")) == set()
	reached({"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "In", "values": ["kube-system"]}]}) == set()
}

# Cilium's own labels are not the pods'.
test_pass_cilium_reserved if {
	found(clusterwide({"endpointSelector": {"matchLabels": {"reserved:health": ""}}})) == set()
	subject({"matchLabels": {"k8s:io.cilium.k8s.policy.serviceaccount": "web"}}) == set()
	subject({"matchLabels": {"container:x": "y"}}) == set()
}

test_fail_cilium_subject if {
	subject(here("wbe")) == {"/spec/endpointSelector"}
	subject({"matchExpressions": [{"key": "k8s:app", "operator": "In", "values": ["wbe"]}]}) == {"/spec/endpointSelector"}
}

test_fail_cilium_peer_elsewhere if {
	reached(here("till")) == {"/spec/egress/0/toEndpoints/0"}
	findings := dt_net_003.findings with input as cilium({"endpointSelector": {}, "egress": [{"toEndpoints": [here("till")]}]}) with data.context as facts
	some f in findings
	contains(f.message, "no other namespace is meant")
}

test_fail_cilium_namespace if reached(there("web", "pay")) == {"/spec/egress/0/toEndpoints/0"}

test_fail_clusterwide if found(clusterwide({"endpointSelector": here("wbe")})) == {"/spec/endpointSelector"}

test_pass_clusterwide if found(clusterwide({"endpointSelector": here("till")})) == set()

said(doc) := {[f.pointer, f.message, f.result] | some f in findings} if {
	findings := dt_net_003.findings with input as doc with data.context as facts
}

doubted(doc) := {[f.pointer, f.result] | some f in findings} if {
	findings := dt_net_003.findings with input as doc with data.context as object.union(facts, {"partial": true})
}

money := {"matchLabels": {"team": "money"}}

wrong := policy({
	"podSelector": app("wbe"),
	"ingress": ["odd", {"from": [
		{"podSelector": app("till")},
		{"namespaceSelector": money, "podSelector": app("web")},
	]}],
	"egress": [{"to": [
		{"podSelector": app("till")},
		{"namespaceSelector": {"matchLabels": {"team": "mony"}}, "podSelector": app("web")},
		{"namespaceSelector": null, "podSelector": app("till")},
		{"namespaceSelector": money, "podSelector": null},
	]}],
})

test_fail_all if said(wrong) == {
	["/spec/podSelector", "no pod of namespace \"shop\" has these labels", "finding"],
	["/spec/ingress/1/from/0/podSelector", "no pod of namespace \"shop\" has these labels", "finding"],
	["/spec/ingress/1/from/1/podSelector", "no pod of those namespaces has these labels", "finding"],
	["/spec/egress/0/to/0/podSelector", "no pod of namespace \"shop\" has these labels", "finding"],
	["/spec/egress/0/to/1/namespaceSelector", "no namespace of the bundle has these labels", "finding"],
	["/spec/egress/0/to/2/podSelector", "no pod of namespace \"shop\" has these labels", "finding"],
}

nowhere := {"matchExpressions": [{"key": "k8s:io.kubernetes.pod.namespace", "operator": "In", "values": ["nowhere"]}]}

wrong_of_cilium := {
	"endpointSelector": here("till"),
	"ingress": ["odd", {"fromEndpoints": ["odd", null, here("till")]}],
	"egress": [{"toEndpoints": [here("none"), there("till", "pay"), nowhere]}],
	"ingressDeny": [{"fromEndpoints": [{"matchExpressions": [{"key": "app", "operator": "In", "values": ["default"]}]}]}],
	"egressDeny": [{"toEndpoints": [{}, there("web", "pay")]}],
}

test_fail_all_of_cilium if said(cilium(wrong_of_cilium)) == {
	["/spec/endpointSelector", "no pod of namespace \"shop\" has these labels", "finding"],
	["/spec/ingress/1/fromEndpoints/2", "no pod of namespace \"shop\" has these labels, and without k8s:io.kubernetes.pod.namespace no other namespace is meant", "finding"],
	["/spec/egress/0/toEndpoints/0", "no pod of namespace \"shop\" has these labels", "finding"],
	["/spec/egress/0/toEndpoints/2", "no pod of the bundle has these labels", "finding"],
	["/spec/ingressDeny/0/fromEndpoints/0", "no pod of namespace \"shop\" has these labels", "finding"],
	["/spec/egressDeny/0/toEndpoints/1", "no pod of the bundle has these labels", "finding"],
}

# A clusterwide policy means pods of every namespace.
test_fail_all_of_clusterwide if said(clusterwide(wrong_of_cilium)) == {
	["/spec/egress/0/toEndpoints/0", "no pod of the bundle has these labels", "finding"],
	["/spec/egress/0/toEndpoints/2", "no pod of the bundle has these labels", "finding"],
	["/spec/ingressDeny/0/fromEndpoints/0", "no pod of the bundle has these labels", "finding"],
	["/spec/egressDeny/0/toEndpoints/1", "no pod of the bundle has these labels", "finding"],
}

test_unknown_partial_all if {
	every doc in [wrong, cilium(wrong_of_cilium), clusterwide(wrong_of_cilium)] {
		doubted(doc) == {[f[0], "unknown"] | some f in said(doc)}
	}
}

test_pass_wrong_in_others if {
	every place in [["networking.k8s.io", "Odd"], ["cilium.io", "NetworkPolicy"], ["x.example", "NetworkPolicy"]] {
		found(object.union(wrong, {"group": place[0], "kind": place[1]})) == set()
	}
	every place in [["cilium.io", "Odd"], ["x.example", "CiliumNetworkPolicy"], ["x.example", "CiliumClusterwideNetworkPolicy"]] {
		found(object.union(cilium(wrong_of_cilium), {"group": place[0], "kind": place[1]})) == set()
	}
}

test_pass_each_outside if {
	every name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
		found(object.union(policy({"podSelector": app("none")}), {"namespace": name})) == set()
		found(object.union(cilium({"endpointSelector": here("none")}), {"namespace": name})) == set()
		from({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}, "podSelector": app("none")}) == set()
		reached(there("none", name)) == set()
	}
}

# A namespace of Kubernetes has no label but its name.
test_pass_outside_without_labels if from({"namespaceSelector": {
	"matchLabels": {"kubernetes.io/metadata.name": "kube-system"},
	"matchExpressions": [{"key": "_", "operator": "DoesNotExist"}],
}}) == set()

# A selector without labels is right where there is no pod yet.
test_pass_namespace_without_pods if {
	every doc in [
		policy({"podSelector": {}, "ingress": [{"from": [{"podSelector": {}}]}]}), policy({"podSelector": null}), policy({}),
		cilium({"endpointSelector": {}}), cilium({"endpointSelector": "odd"}), cilium({"endpointSelector": null}),
	] {
		found(object.union(doc, {"namespace": "empty"})) == set()
	}
}

test_fail_namespace_without_pods if found(object.union(policy({"podSelector": app("web")}), {"namespace": "empty"})) == {"/spec/podSelector"}
