package dualtrack.rules.dt_rel_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rel_005

of_kind(kind, replicas, facts) := {object.get(f, "result", "finding") | some f in findings} if {
	o := {"apiVersion": "apps/v1", "kind": kind, "metadata": fx.meta, "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": "web", "tier": "front"}}}}}
	findings := dt_rel_005.findings with input as fx.of(o) with data.context as facts
}

found(replicas, facts) := of_kind("Deployment", replicas, facts)

budget(selector, version, ns) := fx.and_facts({"budgets": {ns: [{"name": "b", "selector": selector, "version": version}]}})

v1(selector) := budget(selector, "policy/v1", "shop")

test_pass_covered if {
	found(2, v1({"matchLabels": {"app": "web"}})) == set()
	found(2, v1({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front"]}]})) == set()
}

# An empty selector covers all in policy/v1, and nothing before.
test_pass_empty_selector if found(2, v1({})) == set()

test_fail_empty_selector_before if found(2, budget({}, "policy/v1beta1", "shop")) == {"finding"}

# Every part of the selector has to match.
test_fail_half_a_match if {
	found(2, v1({"matchLabels": {"app": "web", "tier": "back"}})) == {"finding"}
	found(2, v1({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]})) == {"finding"}
}

test_fail_no_selector if found(2, v1(null)) == {"finding"}

test_fail_other_namespace if found(2, budget({}, "policy/v1", "other")) == {"finding"}

test_fail_stateful if of_kind("StatefulSet", 3, fx.facts) == {"finding"}

test_fail_whole if {
	findings := dt_rel_005.findings with input as fx.deployment({"replicas": 2}) with data.context as fx.facts
	findings == {{
		"pointer": "/spec/template/metadata/labels",
		"message": "it keeps 2 pods, and no PodDisruptionBudget of the namespace covers them",
		"result": "finding",
	}}
}

test_pass_one if found(1, fx.facts) == set()

test_pass_daemon if of_kind("DaemonSet", 2, fx.facts) == set()

test_fail_scaled if found(1, fx.and_facts({"scalers": {"shop": {"Deployment/a": [{"kind": "HorizontalPodAutoscaler", "min": 2, "max": 3, "name": "a"}]}}})) == {"finding"}

test_unknown_partial if found(2, fx.and_facts({"partial": true})) == {"unknown"}

test_pass_param if found(2, fx.and_facts({"params": {"DT-REL-005": {"min": 3}}})) == set()
