package dualtrack.drift.dt_drf_002_test

import data.dualtrack.drift.dt_drf_002

graded(manager, have, scaled) := {object.get(f, "severity", "info") | some f in findings} if {
	field := {"pointer": "/spec/replicas", "manager": manager, "operation": "Update", "subresource": "scale", "have": have}
	findings := dt_drf_002.findings with input as {"drift": {"fields": [field], "scaled": scaled}}
}

bounds := {"name": "HorizontalPodAutoscaler web", "min": 2, "max": 5}

test_pass_by_hand if graded("kubectl", 3, bounds) == set()

test_pass_no_autoscaler if graded("kube-controller-manager", 3, null) == set()

test_fail_inside_is_told if graded("kube-controller-manager", 3, bounds) == {"info"}

test_fail_at_the_bounds if {
	graded("keda-operator", 2, bounds) == {"info"}
	graded("keda-operator", 5, bounds) == {"info"}
}

test_fail_below if graded("kube-controller-manager", 1, bounds) == {"error"}

test_fail_above if graded("kube-controller-manager", 6, bounds) == {"error"}

test_fail_no_number if graded("kube-controller-manager", null, bounds) == {"error"}
