package dualtrack.drift.dt_drf_001_test

import data.dualtrack.drift.dt_drf_001

field(pointer, manager, subresource) := {"pointer": pointer, "manager": manager, "operation": "Update", "subresource": subresource, "have": 5}

graded(f, scaled) := {[found.severity, found.message] | some found in findings} if {
	findings := dt_drf_001.findings with input as {"drift": {"fields": [f], "scaled": scaled}}
}

by(manager) := graded(field("/data/a", manager, ""), null)

autoscaler := {"name": "HorizontalPodAutoscaler web", "min": 1, "max": 9}

test_pass_reconcilers if {
	every manager in ["dualtrack", "kustomize-controller", "helm-controller", "argocd-controller"] {
		by(manager) == set()
	}
}

test_pass_autoscaled if graded(field("/spec/replicas", "kube-controller-manager", "scale"), autoscaler) == set()

test_fail_humans if {
	every manager in ["kubectl-edit", "kubectl", "Mozilla", "k9s"] {
		by(manager) == {["error", sprintf("it differs from Git and was edited by hand with %q", [manager])]}
	}
}

test_fail_stranger if by("fault-injector") == {["error", `it differs from Git and was written last by "fault-injector"`]}

test_fail_unknown_writer if by("") == {["error", "it differs from Git and nobody knows who wrote it last"]}

test_fail_controller if by("kube-controller-manager") == {["warning", `it differs from Git and was written last by "kube-controller-manager"`]}

# kubectl scale writes the same subresource as an autoscaler.
test_fail_scaled_by_hand if count(graded(field("/spec/replicas", "kubectl", "scale"), autoscaler)) == 1

test_fail_scaled_without_autoscaler if count(graded(field("/spec/replicas", "kube-controller-manager", "scale"), null)) == 1

test_fail_other_field if count(graded(field("/spec/paused", "kube-controller-manager", "scale"), autoscaler)) == 1

test_fail_not_by_scale if count(graded(field("/spec/replicas", "kube-controller-manager", ""), autoscaler)) == 1

test_fail_pointer if {
	found := dt_drf_001.findings with input as {"drift": {"fields": [field("/data/a", "", "")], "scaled": null}}
	{f.pointer | some f in found} == {"/data/a"}
}
