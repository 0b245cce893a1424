package dualtrack.drift.dt_drf_004_test

import data.dualtrack.drift.dt_drf_004

judged(group, kind, name, drift) := {[object.get(f, "severity", "warning"), f.message] | some f in findings} if {
	findings := dt_drf_004.findings with input as {"group": group, "kind": kind, "namespace": "shop", "name": name, "drift": object.union({"fields": [], "inventory": false}, drift)}
}

extra(group, kind, name, live) := judged(group, kind, name, {"desired": null, "live": object.union({"metadata": {}}, live)})

strange := {["warning", "Git does not know the object, and nothing owns it"]}

test_pass_there if judged("", "ConfigMap", "a", {"desired": {}, "live": {}}) == set()

test_fail_missing if judged("", "ConfigMap", "a", {"desired": {}, "live": null}) == {["error", "Git wants the object, and the cluster does not have it"]}

test_fail_unmanaged if extra("", "ConfigMap", "a", {}) == strange

test_fail_left_git if judged("", "ConfigMap", "a", {"desired": null, "live": {"metadata": {}}, "inventory": true}) == {["warning", "it left Git and is still on the cluster"]}

test_pass_owned if extra("", "Pod", "a", {"metadata": {"ownerReferences": [{"kind": "ReplicaSet"}]}}) == set()

test_fail_no_owner if extra("", "Pod", "a", {"metadata": {"ownerReferences": []}}) == strange

test_pass_expected_kinds if {
	extra("coordination.k8s.io", "Lease", "a", {}) == set()
	extra("", "Event", "a", {}) == set()
	extra("discovery.k8s.io", "EndpointSlice", "a", {}) == set()
}

test_pass_expected_names if {
	extra("", "ConfigMap", "kube-root-ca.crt", {}) == set()
	extra("", "ServiceAccount", "default", {}) == set()
}

test_fail_secret if extra("", "Secret", "a", {"type": "Opaque"}) == strange

test_pass_secrets if {
	extra("", "Secret", "a", {"type": "helm.sh/release.v1"}) == set()
	extra("", "Secret", "a", {"type": "kubernetes.io/service-account-token"}) == set()
}

managed(names) := {"metadata": {"managedFields": [{"manager": name} | some name in names]}}

test_pass_made_by_controllers if extra("", "PersistentVolumeClaim", "data-a-0", managed(["kube-controller-manager", "kwok"])) == set()

test_fail_touched_by_hand if extra("", "PersistentVolumeClaim", "data-a-0", managed(["kube-controller-manager", "kubectl-edit"])) == strange

test_pass_each_expected_kind if {
	every key in [["", "Endpoints"], ["", "Event"], ["coordination.k8s.io", "Lease"], ["discovery.k8s.io", "EndpointSlice"], ["events.k8s.io", "Event"]] {
		extra(key[0], key[1], "a", {}) == set()
	}
}

test_pass_each_expected_name if {
	every key in [["ConfigMap", "dualtrack-inventory"], ["ConfigMap", "istio-ca-root-cert"], ["ConfigMap", "kube-root-ca.crt"], ["ServiceAccount", "default"]] {
		extra("", key[0], key[1], {}) == set()
	}
}

test_fail_pointers if {
	every drift in [{"desired": {}, "live": null}, {"desired": null, "live": {"metadata": {}}}] {
		findings := dt_drf_004.findings with input as {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "a", "drift": object.union({"fields": [], "inventory": false}, drift)}
		{f.pointer | some f in findings} == {""}
	}
}

test_pass_nowhere if judged("", "ConfigMap", "a", {"desired": null, "live": null}) == set()

test_fail_type_of_another_kind if extra("", "ConfigMap", "a", {"type": "helm.sh/release.v1"}) == strange

test_pass_made_by_one_controller if extra("", "PersistentVolumeClaim", "data-a-0", managed(["kwok"])) == set()
