package dualtrack.rules.dt_net_007_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_net_007

web := {"matchLabels": {"k8s:app": "web"}}

policy(egress) := {"endpointSelector": web, "egress": egress}

found(spec, others) := {f.pointer | some f in findings} if {
	doc := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fx.meta, "spec": spec})
	known := [{"kind": "CiliumNetworkPolicy", "name": "p", "spec": s} | some s in array.concat([spec], others)]
	findings := dt_net_007.findings with input as doc with data.context as fx.and_facts({"netpols": {"shop": known}})
}

names(entries) := {"toFQDNs": entries}

pay := names([{"matchName": "pay.example.org"}, {"matchPattern": "*.pay.example.org"}])

dns := {
	"toEndpoints": [{"matchLabels": {"k8s:io.kubernetes.pod.namespace": "kube-system"}}],
	"toPorts": [{"ports": [{"port": "53"}], "rules": {"dns": [{"matchPattern": "*"}]}}],
}

test_pass_dns if found(policy([dns, pay]), []) == set()

test_pass_other_policy if {
	found(policy([pay]), [{"endpointSelector": {}, "egress": [dns]}]) == set()
	found(policy([pay]), [{"endpointSelector": {"matchLabels": {"app": "web"}}, "egress": [dns]}]) == set()
}

test_pass_no_names if found(policy([dns, {"toEntities": ["cluster"]}]), []) == set()

test_pass_clusterwide if {
	doc := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": {"name": "a"}, "spec": policy([pay])})
	findings := dt_net_007.findings with input as doc with data.context as fx.and_facts({"clusterNetpols": [{"name": "b", "spec": {"endpointSelector": {}, "egress": [dns]}}]})
	findings == set()
}

test_pass_other_group if {
	findings := dt_net_007.findings with input as fx.of({"apiVersion": "x.example/v1", "kind": "CiliumNetworkPolicy", "spec": policy([pay])}) with data.context as fx.facts
	findings == set()
}

test_fail_no_dns if found(policy([pay]), [{"endpointSelector": {"matchLabels": {"app": "other"}}, "egress": [dns]}]) == {"/spec/egress/0/toFQDNs"}

# A rule to port 53 that the proxy does not see.
test_fail_dns_unseen if found(policy([pay, {"toPorts": [{"ports": [{"port": "53"}]}]}]), []) == {"/spec/egress/0/toFQDNs"}

test_fail_pattern if {
	every pattern in ["*", "*.com", "**.org", "*.org."] {
		found(policy([dns, names([{"matchPattern": pattern}])]), []) == {"/spec/egress/1/toFQDNs/0/matchPattern"}
	}
}

test_pass_pattern if found(policy([dns, names([{"matchPattern": "a*.org"}, {"matchPattern": 5}])]), []) == set()

test_fail_mixed if found(policy([dns, object.union(pay, {"toEndpoints": [web]})]), []) == {"/spec/egress/1/toFQDNs"}

test_unknown_partial if {
	doc := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fx.meta, "spec": policy([pay])})
	findings := dt_net_007.findings with input as doc with data.context as fx.and_facts({"partial": true})
	fx.results(findings) == {"unknown"}
}

anybody := {"toFQDNs": [{"matchPattern": "*"}, {"matchName": "*"}], "toEndpoints": [web]}

of(version, kind, spec) := findings if {
	doc := fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": spec})
	findings := dt_net_007.findings with input as doc with data.context as fx.facts
}

test_fail_findings if {
	every kind in ["CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy"] {
		of("cilium.io/v2", kind, policy([anybody])) == {
			{
				"pointer": "/spec/egress/0/toFQDNs",
				"message": "no policy that selects the same endpoints has a DNS rule, so the addresses of these names are never learnt",
				"result": "finding",
			},
			{
				"pointer": "/spec/egress/0/toFQDNs/0/matchPattern",
				"message": "\"*\" matches names of anybody",
				"mend": "name the domain, with a star for its lower labels alone",
			},
			{
				"pointer": "/spec/egress/0/toFQDNs",
				"message": "a rule with toFQDNs and toEndpoints is refused",
				"mend": "write two rules",
			},
		}
	}
}

test_pass_other_kinds if {
	every place in [["cilium.io/v2", "Odd"], ["x.example/v1", "CiliumNetworkPolicy"], ["x.example/v1", "CiliumClusterwideNetworkPolicy"]] {
		of(place[0], place[1], policy([anybody])) == set()
	}
}

test_fail_each_mixed if {
	every field in ["toCIDR", "toCIDRSet", "toEndpoints", "toEntities", "toGroups", "toNodes", "toServices"] {
		found(policy([dns, object.union(pay, {field: [{}]})]), []) == {"/spec/egress/1/toFQDNs"}
	}
	found(policy([dns, object.union(pay, {"toPorts": [{}]})]), []) == set()
}

# Policies of nodes have no selector of endpoints.
test_pass_no_endpoints if found({"egress": [dns, pay]}, []) == set()

test_pass_expressions if found(object.union(policy([dns, pay]), {"endpointSelector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}}), []) == set()

test_fail_odd_endpoints if {
	every endpoints in ["odd", null] {
		found(policy([pay]), [{"endpointSelector": endpoints, "egress": [dns]}]) == {"/spec/egress/0/toFQDNs"}
	}
	found(policy([pay]), [{"egress": [dns]}]) == {"/spec/egress/0/toFQDNs"}
}

# A NetworkPolicy has no DNS rules, whatever stands in it.
test_fail_other_policy if {
	doc := fx.of({"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": fx.meta, "spec": policy([pay])})
	findings := dt_net_007.findings with input as doc with data.context as fx.and_facts({"netpols": {"shop": [{"kind": "NetworkPolicy", "name": "p", "spec": policy([dns])}]}})
	fx.pointers(findings) == {"/spec/egress/0/toFQDNs"}
}
