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

said(doc) := {[f.pointer, f.message] | some f in findings} if {
	findings := dt_net_002.findings with input as doc with data.context as fx.facts
}

test_fail_messages if said(policy({"ingress": [{}, {"ports": [{"port": 443}]}], "egress": [{"to": [
	{"namespaceSelector": {}},
	{"ipBlock": {"cidr": "::/0"}},
	{"ipBlock": {"cidr": "0.0.0.0/1"}},
	{"ipBlock": {"cidr": "128.0.0.0/1"}},
]}]})) == {
	["/spec/ingress/0", "a rule without \"from\" means every peer, on every port"],
	["/spec/ingress/1", "a rule without \"from\" means every peer, on its ports"],
	["/spec/egress/0/to/0", "an empty namespaceSelector means every pod of every namespace"],
	["/spec/egress/0/to/1/ipBlock", "::/0 means every address"],
	["/spec/egress/0/to", "0.0.0.0/1 and 128.0.0.0/1 together mean every address"],
}

test_fail_messages_of_cilium if {
	every kind in ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"] {
		said(odd("cilium.io/v2", kind, {"ingress": [{"fromEntities": ["all", "world", "host"], "fromEndpoints": [5, null]}], "egress": [{
			"toCIDR": ["0.0.0.0/0", "10.0.0.0/08", 5],
			"toCIDRSet": [{"cidr": "::/0"}, {"cidr": "10.0.0.0/8"}, {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}, "odd"],
		}]})) == {
			["/spec/ingress/0/fromEntities/0", "entity \"all\" means everything inside and outside the cluster"],
			["/spec/ingress/0/fromEntities/1", "entity \"world\" means every address outside the cluster"],
			["/spec/egress/0/toCIDR/0", "0.0.0.0/0 means every address"],
			["/spec/egress/0/toCIDRSet/0", "::/0 means every address"],
		}
	}
}

# All that the rule finds, for objects of other kinds and groups.
wrong := {"ingress": [{}, {"from": [{"namespaceSelector": {}}, {"ipBlock": {"cidr": "::/0"}}, {"ipBlock": {"cidr": "0.0.0.0/1"}}, {"ipBlock": {"cidr": "128.0.0.0/1"}}]}]}

wrong_of_cilium := {"ingress": [{"fromEntities": ["all"], "fromEndpoints": [{}], "fromCIDR": ["::/0"], "fromCIDRSet": [{"cidr": "::/0"}]}]}

test_pass_other_kinds if {
	found(odd("networking.k8s.io/v1", "Odd", wrong)) == set()
	found(odd("cilium.io/v2", "Odd", wrong_of_cilium)) == set()
	found(odd("cilium.io/v2", "NetworkPolicy", wrong)) == set()
	found(odd("x.example/v1", "CiliumNetworkPolicy", wrong_of_cilium)) == set()
	found(odd("x.example/v1", "CiliumClusterwideNetworkPolicy", wrong_of_cilium)) == set()
}

test_fail_kinds if {
	count(found(odd("networking.k8s.io/v1", "NetworkPolicy", wrong))) == 4
	count(found(odd("cilium.io/v2", "CiliumClusterwideNetworkPolicy", wrong_of_cilium))) == 4
}

odd(version, kind, spec) := fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": spec})

test_pass_odd_selectors if {
	from({"namespaceSelector": null, "podSelector": {}}) == set()
	from({"namespaceSelector": "odd"}) == set()
}

test_pass_part_of_addresses if {
	to({"ipBlock": {"cidr": "10.0.0.0/08"}}) == set()
	found(policy({"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/1", "except": ["10.0.0.0/8"]}}, {"ipBlock": {"cidr": "128.0.0.0/1"}}]}]})) == set()
}

test_pass_cilium_allowed if found(object.union(cilium(wrong_of_cilium), {"namespace": "ingress"})) == set()
