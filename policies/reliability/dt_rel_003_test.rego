package dualtrack.rules.dt_rel_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rel_003

of_kind(version, kind, spec, facts) := {f.message | some f in findings} if {
	findings := dt_rel_003.findings with input as fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": spec}) with data.context as facts
}

found(spec, facts) := of_kind("apps/v1", "Deployment", spec, facts)

test_pass_two if found({"replicas": 2}, fx.facts) == set()

test_fail_one if found({"replicas": 1}, fx.facts) == {"it keeps 1 pod, and 2 are wanted"}

test_fail_whole if {
	findings := dt_rel_003.findings with input as fx.deployment({"replicas": 1}) with data.context as fx.facts
	findings == {{"pointer": "/spec/replicas", "message": "it keeps 1 pod, and 2 are wanted"}}
}

test_pass_defaults if dt_rel_003.meta.params == {"min": 2, "allow": []}

# Absent is one.
test_fail_absent if {
	found({}, fx.facts) == {"it keeps 1 pod, and 2 are wanted"}
	found({"replicas": null}, fx.facts) == {"it keeps 1 pod, and 2 are wanted"}
}

test_pass_off if found({"replicas": 0}, fx.facts) == set()

test_pass_no_number if found({"replicas": "two"}, fx.facts) == set()

test_fail_stateful if count(of_kind("apps/v1", "StatefulSet", {}, fx.facts)) == 1

test_pass_kinds if {
	of_kind("apps/v1", "DaemonSet", {}, fx.facts) == set()
	of_kind("batch/v1", "Job", {}, fx.facts) == set()
	of_kind("v1", "Pod", {}, fx.facts) == set()
}

scaled(scaler) := fx.and_facts({"scalers": {"shop": {"Deployment/a": [scaler]}}})

# What an autoscaler may scale down to counts, whatever Git says.
test_pass_scaled if found({"replicas": 1}, scaled({"kind": "HorizontalPodAutoscaler", "name": "a", "min": 2, "max": 3})) == set()

test_fail_scaled if found({"replicas": 5}, scaled({"kind": "HorizontalPodAutoscaler", "name": "a", "min": null, "max": 3})) == {"it keeps 1 pod, and 2 are wanted"}

test_fail_scaled_to_nothing if found({}, scaled({"kind": "ScaledObject", "name": "a", "min": null, "max": 3})) == {"it keeps 0 pods, and 2 are wanted"}

with_params(set) := fx.and_facts({"params": {"DT-REL-003": set}})

test_pass_allowed if {
	found({}, with_params({"allow": ["shop/a"]})) == set()
	found({}, with_params({"allow": ["other/a", "shop/*"]})) == set()
}

test_fail_allowed_elsewhere if count(found({}, with_params({"allow": ["other/a", "*", "shop/b*"]}))) == 1

nodes(n) := fx.and_facts({"cluster": {"nodes": n}})

test_pass_one_node if found({}, nodes(1)) == set()

test_fail_nodes if {
	count(found({}, nodes(2))) == 1
	count(found({}, nodes(0))) == 1
}

test_fail_more_wanted if found({"replicas": 2}, with_params({"min": 3})) == {"it keeps 2 pods, and 3 are wanted"}
