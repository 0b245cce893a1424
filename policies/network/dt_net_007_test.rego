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
