package dualtrack.rules.dt_net_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_net_002

policy(spec) := fx.of({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": fx.meta, "spec": spec})

cilium(spec) := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fx.meta, "spec": spec})

clusterwide(spec) := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "a"}, "specs": [spec]})

found(doc) := {f.pointer | some f in findings} if {
	findings := dt_net_002.findings with input as doc with data.context as fx.facts
}

from(peer) := found(policy({"podSelector": {}, "ingress": [{"from": [peer]}]}))

to(peer) := found(policy({"podSelector": {}, "egress": [{"to": [peer]}]}))

test_pass_peers if {
	from({"podSelector": {}}) == set()
	from({"namespaceSelector": {}, "podSelector": {"matchLabels": {"app": "web"}}}) == set()
	from({"namespaceSelector": {"matchLabels": {"team": "a"}}}) == set()
	to({"ipBlock": {"cidr": "10.0.0.0/8"}}) == set()
	to({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}}) == set()
}

test_pass_none if {
	found(policy({"podSelector": {}, "ingress": [], "egress": null})) == set()
	found(policy({"podSelector": {}, "ingress": ["odd", {"from": ["odd", 5]}]})) == set()
}

test_pass_allowed if found(object.union(policy({"ingress": [{}]}), {"namespace": "ingress"})) == set()

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "NetworkPolicy", "spec": {"ingress": [{}]}})) == set()

test_fail_no_peers if {
	found(policy({"podSelector": {}, "ingress": [{}]})) == {"/spec/ingress/0"}
	found(policy({"podSelector": {}, "egress": [{"ports": [{"port": 443}], "to": []}]})) == {"/spec/egress/0"}
}

test_fail_namespaces if {
	from({"namespaceSelector": {}}) == {"/spec/ingress/0/from/0"}
	to({"namespaceSelector": {"matchLabels": {}}, "podSelector": {}}) == {"/spec/egress/0/to/0"}
}

test_fail_addresses if {
	from({"ipBlock": {"cidr": "0.0.0.0/0"}}) == {"/spec/ingress/0/from/0/ipBlock"}
	to({"ipBlock": {"cidr": "::/0", "except": []}}) == {"/spec/egress/0/to/0/ipBlock"}
}

blocks(cidrs) := found(policy({"podSelector": {}, "egress": [{"to": [{"ipBlock": {"cidr": c}} | some c in cidrs]}]}))

test_fail_halves if {
	blocks(["0.0.0.0/1", "128.0.0.0/1"]) == {"/spec/egress/0/to"}
	blocks(["8000::/1", "::/1"]) == {"/spec/egress/0/to"}
}

test_pass_half if blocks(["0.0.0.0/1", "8000::/1"]) == set()

test_pass_cilium if {
	found(cilium({"endpointSelector": {}, "ingress": [{"fromEndpoints": [{}], "fromEntities": ["cluster", "host"]}]})) == set()
	found(cilium({"endpointSelector": {}, "egress": [{"toCIDR": ["10.0.0.0/8"], "toCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]}]})) == set()
	found(cilium({"endpointSelector": {}, "ingressDeny": [{"fromEntities": ["all"]}]})) == set()
}

test_fail_cilium_entities if found(cilium({"ingress": [{"fromEntities": ["host", "world"]}], "egress": [{"toEntities": ["all"]}]})) == {"/spec/ingress/0/fromEntities/1", "/spec/egress/0/toEntities/0"}

test_fail_cilium_addresses if {
	found(cilium({"egress": [{"toCIDR": ["::/0"]}]})) == {"/spec/egress/0/toCIDR/0"}
	found(cilium({"ingress": [{"fromCIDRSet": [{"cidr": "0.0.0.0/0"}]}]})) == {"/spec/ingress/0/fromCIDRSet/0"}
}

test_fail_clusterwide if found(clusterwide({"ingress": [{"fromEndpoints": [{"matchLabels": {"a": "b"}}, {}]}]})) == {"/specs/0/ingress/0/fromEndpoints/1"}
