package dualtrack.rules.dt_net_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_net_001

named(name) := fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

# missing are the directions without a default deny, with the result.
missing(facts) := {[split(f.message, " ")[3], f.result] | some f in findings} if {
	findings := dt_net_001.findings with input as named("shop") with data.context as facts
}

policy(spec) := fx.and_facts({"netpols": {"shop": [{"kind": "NetworkPolicy", "name": "p", "spec": spec}]}})

cilium(spec) := fx.and_facts({"netpols": {"shop": [{"kind": "CiliumNetworkPolicy", "name": "p", "spec": spec}]}})

clusterwide(spec) := fx.and_facts({"clusterNetpols": [{"name": "p", "spec": spec}]})

both := {["ingress", "finding"], ["egress", "finding"]}

egress := {["egress", "finding"]}

test_pass_both if missing(policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})) == set()

test_pass_empty_lists if missing(policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [], "egress": []})) == set()

# Rules that let some traffic in leave the rest denied.
test_pass_with_rules if missing(policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "egress": [{"ports": [{"port": 53}]}]})) == set()

test_pass_egress_key if missing(policy({"podSelector": {}, "egress": []})) == set()

test_pass_system if count(dt_net_001.findings) == 0 with input as named("kube-system") with data.context as fx.facts

test_pass_other_kind if count(dt_net_001.findings) == 0 with input as fx.pod({}) with data.context as fx.facts

test_fail_none if missing(fx.facts) == both

# In production it is an error.
test_fail_graded if {
	every production, level in {true: "error", false: "warning"} {
		findings := dt_net_001.findings with input as named("shop") with data.context as fx.and_facts({"cluster": {"production": production}})
		{f.severity | some f in findings} == {level}
	}
}

test_fail_no_types if missing(policy({"podSelector": {}})) == egress

test_fail_null_types if missing(policy({"podSelector": {"matchLabels": {}}, "policyTypes": null, "egress": null})) == egress

test_fail_some_pods if missing(policy({"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress", "Egress"]})) == both

test_fail_expressions if missing(policy({"podSelector": {"matchExpressions": [{"key": "app", "operator": "Exists"}]}})) == both

# A policy that allows everything denies nothing.
test_fail_allow_all if missing(policy({"podSelector": {}, "policyTypes": ["Ingress", "Egress"], "ingress": [{}]})) == {["ingress", "finding"]}

test_fail_other_namespace if missing(fx.and_facts({"netpols": {"other": [{"kind": "NetworkPolicy", "name": "p", "spec": {"podSelector": {}}}]}})) == both

test_unknown_partial if missing(fx.and_facts({"partial": true})) == {["ingress", "unknown"], ["egress", "unknown"]}

dns := {"toPorts": [{"ports": [{"port": "53"}]}]}

test_pass_cilium if missing(cilium({"endpointSelector": {}, "ingress": [dns], "egressDeny": [dns]})) == set()

# A direction without rules is left alone.
test_fail_cilium_no_rules if missing(cilium({"endpointSelector": {}, "ingress": [], "egress": [dns]})) == {["ingress", "finding"]}

test_fail_cilium_allow_all if missing(cilium({"endpointSelector": {}, "ingress": [{"fromEntities": ["all"]}], "egress": [dns]})) == {["ingress", "finding"]}

test_fail_cilium_switched_off if missing(cilium({"endpointSelector": {}, "ingress": [dns], "egress": [dns], "enableDefaultDeny": {"egress": false}})) == egress

test_unknown_cilium_empty_rule if missing(cilium({"endpointSelector": {}, "ingress": [{}], "egress": [dns]})) == {["ingress", "unknown"]}

test_fail_cilium_no_selector if missing(cilium({"ingress": [dns], "egress": [dns]})) == both

test_pass_clusterwide if missing(clusterwide({"endpointSelector": {}, "ingress": [dns], "egress": [dns]})) == set()

test_pass_clusterwide_namespace if missing(clusterwide({"endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "shop"}}, "ingress": [dns], "egress": [dns]})) == set()

test_fail_clusterwide_elsewhere if missing(clusterwide({"endpointSelector": {"matchLabels": {"k8s:io.kubernetes.pod.namespace": "x"}}, "ingress": [dns], "egress": [dns]})) == both

test_pass_each_system if {
	every name in ["kube-node-lease", "kube-public", "kube-system"] {
		count(dt_net_001.findings) == 0 with input as named(name) with data.context as fx.facts
	}
}

test_fail_pointer if {
	found := dt_net_001.findings with input as named("shop") with data.context as fx.facts
	fx.pointers(found) == {"/metadata/name"}
}

test_pass_other_group if count(dt_net_001.findings) == 0 with input as fx.of({"apiVersion": "x.example/v1", "kind": "Namespace", "metadata": {"name": "shop"}}) with data.context as fx.facts

test_pass_one_type if missing(policy({"podSelector": {}, "policyTypes": ["Egress"]})) == {["ingress", "finding"]}

test_fail_cilium_everywhere if missing(cilium({"endpointSelector": {}, "ingress": [dns], "egress": [{"toEntities": ["all"]}]})) == egress

test_pass_clusterwide_other_label if missing(clusterwide({"endpointSelector": {"matchLabels": {"io.kubernetes.pod.namespace": "shop"}}, "ingress": [dns], "egress": [dns]})) == set()

# The same selector in a policy of a namespace names pods' own labels.
test_fail_selector_of_namespaced if missing(cilium({"endpointSelector": {"matchLabels": {"io.kubernetes.pod.namespace": "shop"}}, "ingress": [dns], "egress": [dns]})) == both

# A NetworkPolicy is none of Cilium's, whatever fields it has.
test_fail_kinds_apart if missing(policy({"podSelector": {"matchLabels": {"a": "b"}}, "endpointSelector": {}, "ingress": [dns], "egress": [dns]})) == both

test_fail_odd_selector if missing(cilium({"endpointSelector": "all", "ingress": [dns], "egress": [dns]})) == both

# What policyTypes says counts, whatever rules there are.
test_fail_types_decide if missing(policy({"podSelector": {}, "policyTypes": ["Ingress"], "egress": []})) == egress
