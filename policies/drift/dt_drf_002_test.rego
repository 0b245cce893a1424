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

pointers(have) := {f.pointer | some f in findings} if {
	field := {"pointer": "/spec/replicas", "manager": "kube-controller-manager", "operation": "Update", "subresource": "scale", "have": have}
	findings := dt_drf_002.findings with input as {"drift": {"fields": [field], "scaled": bounds}}
}

test_fail_pointers if {
	pointers(3) == {"/spec/replicas"}
	pointers(6) == {"/spec/replicas"}
}

test_pass_outside_by_hand if graded("kubectl", 9, bounds) == set()

# Numbers and texts have an order in Rego.
test_fail_text if graded("kube-controller-manager", "3", object.union(bounds, {"max": "9"})) == {"error"}
