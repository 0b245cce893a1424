package dualtrack.drift.dt_drf_003_test

import data.dualtrack.drift.dt_drf_001
import data.dualtrack.drift.dt_drf_003
import data.dualtrack.fixture as fx

doc(group, kind, pointer, manager) := {"group": group, "kind": kind, "drift": {"fields": [{"pointer": pointer, "manager": manager, "operation": "Update", "subresource": "", "have": null}], "scaled": null}}

said(o, facts) := {f.message | some f in findings} if {
	findings := dt_drf_003.findings with input as o with data.context as facts
}

edited(o, facts) := {f.severity | some f in findings} if {
	findings := dt_drf_001.findings with input as o with data.context as facts
}

webhooks := "MutatingWebhookConfiguration"

ca := doc("admissionregistration.k8s.io", webhooks, "/webhooks/0/clientConfig/caBundle", "cert-manager-cainjector")

# Told, and no edit.
test_fail_known if {
	said(ca, fx.facts) == {`"cert-manager-cainjector" fills it in, as it is known to`}
	edited(ca, fx.facts) == set()
	restarted := doc("apps", "Deployment", "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt", "kubectl-rollout")
	count(said(restarted, fx.facts)) == 1
	edited(restarted, fx.facts) == set()
}

unknown(o) if {
	said(o, fx.facts) == set()
	count(edited(o, fx.facts)) == 1
}

# The path alone is not enough, nor is the manager, nor the kind.
test_pass_other_manager if unknown(doc("admissionregistration.k8s.io", webhooks, "/webhooks/0/clientConfig/caBundle", "kubectl-edit"))

test_pass_other_path if {
	unknown(doc("admissionregistration.k8s.io", webhooks, "/webhooks/0/failurePolicy", "cert-manager-cainjector"))
	unknown(doc("admissionregistration.k8s.io", webhooks, "/webhooks/0/a/clientConfig/caBundle", "cert-manager-cainjector"))
}

test_pass_other_kind if unknown(doc("", "ConfigMap", "/webhooks/0/clientConfig/caBundle", "cert-manager-cainjector"))

test_fail_param if {
	facts := fx.and_facts({"params": {"DT-DRF-003": {"triples": [{"kind": "/ConfigMap", "path": "/data/*", "manager": "filler"}]}}})
	count(said(doc("", "ConfigMap", "/data/a", "filler"), facts)) == 1
	edited(doc("", "ConfigMap", "/data/a", "filler"), facts) == set()
}

test_fail_pointer if {
	found := dt_drf_003.findings with input as ca with data.context as fx.facts
	found == {{"pointer": "/webhooks/0/clientConfig/caBundle", "message": `"cert-manager-cainjector" fills it in, as it is known to`}}
}

test_pass_defaults if dt_drf_003.meta.params == {"triples": []}
