package dualtrack.rules.dt_rel_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rel_004

policy := {"unhealthyPodEvictionPolicy": "AlwaysAllow"}

budget(spec) := versioned("policy/v1", object.union({"selector": {"matchLabels": {"app": "web"}}}, spec))

versioned(version, spec) := fx.of({"apiVersion": version, "kind": "PodDisruptionBudget", "metadata": fx.meta, "spec": object.union(policy, spec)})

workload(kind, replicas) := {"group": "apps", "kind": kind, "name": "web", "labels": {"app": "web"}, "replicas": replicas}

running(n) := fx.and_facts({"workloads": {"shop": [workload("Deployment", n)]}})

found(spec, facts) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_rel_004.findings with input as budget(spec) with data.context as facts
}

blocked(field) := {[concat("", ["/spec/", field]), "finding"]}

test_pass_one_of_two if found({"minAvailable": 1}, running(2)) == set()

test_pass_share if found({"minAvailable": "50%"}, running(2)) == set()

test_pass_max if found({"maxUnavailable": 1}, running(1)) == set()

test_pass_max_share if found({"maxUnavailable": "1%"}, running(1)) == set()

test_pass_nothing_runs if found({"minAvailable": 1, "maxUnavailable": null}, running(0)) == set()

test_pass_zero_of_nothing if found({"maxUnavailable": 0}, running(0)) == set()

test_fail_all if found({"minAvailable": 2}, running(2)) == blocked("minAvailable")

test_fail_half_of_one if found({"minAvailable": "50%"}, running(1)) == blocked("minAvailable")

test_fail_nearly_all_of_ten if found({"minAvailable": "99%"}, running(10)) == blocked("minAvailable")

test_pass_ninety_of_ten if found({"minAvailable": "90%"}, running(10)) == set()

test_fail_max_zero if found({"maxUnavailable": 0}, running(5)) == blocked("maxUnavailable")

# A string that says nothing at all is no less than the number.
test_fail_max_zero_share if found({"maxUnavailable": "0%"}, running(5)) == blocked("maxUnavailable")

test_fail_zero_without_workload if found({"maxUnavailable": 0}, fx.facts) == blocked("maxUnavailable")

test_fail_neither if found({}, running(5)) == {["/spec", "finding"]}

test_unknown_no_workload if found({"minAvailable": 1}, fx.facts) == {["/spec/minAvailable", "unknown"]}

test_unknown_odd_replicas if found({"minAvailable": 1}, running("two")) == {["/spec/minAvailable", "unknown"]}

test_unknown_odd_value if found({"minAvailable": "half"}, running(2)) == {["/spec/minAvailable", "unknown"]}

test_unknown_partial if found({"minAvailable": 2}, object.union(running(2), {"partial": true})) == {["/spec/minAvailable", "unknown"]}

scaled(scalers) := object.union(running(1), {"scalers": {"shop": {"Deployment/web": scalers}}})

# The autoscaler's least counts, not the number in Git.
test_pass_autoscaled if found({"minAvailable": 1}, scaled([{"kind": "HorizontalPodAutoscaler", "name": "a", "min": 3, "max": 5}])) == set()

test_fail_autoscaled_default if found({"minAvailable": 1}, scaled([{"kind": "HorizontalPodAutoscaler", "name": "a", "min": null, "max": 5}])) == blocked("minAvailable")

test_pass_scaled_to_nothing if found({"minAvailable": 1}, scaled([{"kind": "ScaledObject", "name": "a", "min": null, "max": 5}])) == set()

test_pass_daemon_set if found({"minAvailable": 2}, fx.and_facts({"workloads": {"shop": [workload("DaemonSet", 1), workload("Deployment", 3)]}})) == set()

selecting(version, selector, spec) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_rel_004.findings with input as versioned(version, object.union({"selector": selector}, spec)) with data.context as running(2)
}

test_fail_empty_selector if selecting("policy/v1", {}, {"minAvailable": 2}) == blocked("minAvailable")

# Before policy/v1 an empty selector covered nothing.
test_unknown_empty_selector_before if selecting("policy/v1beta1", {}, {"minAvailable": 2}) == {["/spec/minAvailable", "unknown"]}

test_fail_selector_before if selecting("policy/v1beta1", {"matchLabels": {"app": "web"}}, {"minAvailable": 2}) == blocked("minAvailable")

test_unknown_null_selector if selecting("policy/v1", null, {"minAvailable": 2}) == {["/spec/minAvailable", "unknown"]}

# Every term of a selector must hold.
test_unknown_half_selector if selecting("policy/v1", {"matchLabels": {"app": "web", "tier": "x"}}, {"minAvailable": 2}) == {["/spec/minAvailable", "unknown"]}

expression(operator, values) := {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}

test_fail_expressions if {
	some e in [expression("In", ["web"]), expression("NotIn", ["api"]), expression("Exists", [])]
	selecting("policy/v1", e, {"minAvailable": 2}) == blocked("minAvailable")
}

test_fail_every_expression if {
	every e in [
		expression("In", ["web"]),
		expression("NotIn", ["api"]),
		expression("Exists", []),
		{"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]},
		{"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x"]}]},
	] {
		selecting("policy/v1", e, {"minAvailable": 2}) == blocked("minAvailable")
	}
}

test_unknown_every_other_expression if {
	every e in [expression("In", ["api"]), expression("NotIn", ["web"]), expression("DoesNotExist", []), expression("Odd", [])] {
		selecting("policy/v1", e, {"minAvailable": 2}) == {["/spec/minAvailable", "unknown"]}
	}
}

test_fail_two_budgets if {
	other := {"name": "b", "selector": {}, "version": "policy/v1"}
	found({"maxUnavailable": 1}, object.union(running(2), {"budgets": {"shop": [{"name": "a", "selector": {}, "version": "policy/v1"}, other]}})) == {["/spec/selector", "finding"]}
}

without_policy(minor) := {f.pointer | some f in findings} if {
	o := {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": fx.meta, "spec": {"maxUnavailable": 1}}
	findings := dt_rel_004.findings with input as fx.of(o) with data.context as fx.and_facts({"cluster": {"minor": minor}})
}

test_fail_unhealthy if without_policy(27) == {"/spec/unhealthyPodEvictionPolicy"}

test_pass_unhealthy_before if without_policy(26) == set()

test_pass_other_kind if count(dt_rel_004.findings) == 0 with input as fx.pod({}) with data.context as fx.facts

test_pass_other_group if count(dt_rel_004.findings) == 0 with input as fx.of({"apiVersion": "x.example/v1", "kind": "PodDisruptionBudget"}) with data.context as fx.facts

patched(spec) := {f.patch | some f in findings} if {
	findings := dt_rel_004.findings with input as budget(spec) with data.context as running(1)
}

test_mend if patched({"minAvailable": 1}) == {[{"op": "remove", "path": "/spec/minAvailable"}, {"op": "add", "path": "/spec/maxUnavailable", "value": 1}]}

test_mend_max if patched({"maxUnavailable": 0}) == {[{"op": "add", "path": "/spec/maxUnavailable", "value": 1}]}

with_budgets(list) := found({"maxUnavailable": 1}, object.union(running(2), {"budgets": {"shop": list}}))

test_pass_own_budget if with_budgets([{"name": "a", "selector": {}, "version": "policy/v1"}]) == set()

test_pass_other_pods if with_budgets([{"name": "b", "selector": {"matchLabels": {"app": "api"}}, "version": "policy/v1"}]) == set()

test_fail_not_counting_daemon_sets if {
	facts := fx.and_facts({"workloads": {"shop": [workload("DaemonSet", 1), workload("Deployment", 3)]}})
	found({"minAvailable": 3}, facts) == blocked("minAvailable")
}

test_unknown_other_selector_before if selecting("policy/v1beta1", {"matchLabels": {"app": "api"}}, {"minAvailable": 2}) == {["/spec/minAvailable", "unknown"]}

test_fail_least_of_two_autoscalers if {
	scalers := [
		{"kind": "HorizontalPodAutoscaler", "name": "a", "min": 3, "max": 5},
		{"kind": "ScaledObject", "name": "b", "min": 1, "max": 5},
	]
	found({"minAvailable": 1}, scaled(scalers)) == blocked("minAvailable")
}

test_fail_results if {
	every spec in [{}, {"maxUnavailable": 0}] {
		findings := dt_rel_004.findings with input as budget(spec) with data.context as running(5)
		{f.result | some f in findings} == {"finding"}
	}
}

test_pass_neither_of_nothing if found({}, running(0)) == set()

test_pass_both_are_set if {
	found({"minAvailable": 2, "maxUnavailable": 1}, running(2)) == set()
	found({"minAvailable": 1, "maxUnavailable": 1}, fx.facts) == set()
}

test_unknown_odd_values_once if {
	every field in ["minAvailable", "maxUnavailable"] {
		findings := dt_rel_004.findings with input as budget({field: "half"}) with data.context as fx.facts
		{[f.pointer, f.message] | some f in findings} == {[sprintf("/spec/%s", [field]), "it is neither a number nor a percentage"]}
	}
}

test_fail_unhealthy_whole if {
	doc := fx.of({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": fx.meta, "spec": {"maxUnavailable": 1}})
	findings := dt_rel_004.findings with input as doc with data.context as fx.and_facts({"cluster": {"minor": 27}})
	at := "/spec/unhealthyPodEvictionPolicy"
	{[f.pointer, f.severity, f.patch] | some f in findings} == {[at, "info", [{"op": "add", "path": at, "value": "AlwaysAllow"}]]}
}
