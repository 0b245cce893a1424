package dualtrack.drift.dt_drf_005_test

import data.dualtrack.drift.dt_drf_005
import data.dualtrack.fixture as fx

judged(drift, facts) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_drf_005.findings with input as {"group": "", "kind": "ConfigMap", "drift": drift} with data.context as facts
}

entry(manager, operation) := {"manager": manager, "operation": operation, "subresource": ""}

live(entries) := {"metadata": {"managedFields": entries}}

ours := entry("dualtrack", "Apply")

drift(fields, entries) := {"fields": fields, "desired": {}, "live": live(entries)}

field(manager, operation) := {"pointer": "/data/a", "manager": manager, "operation": operation, "subresource": "", "have": null}

test_pass_ours if judged(drift([field("dualtrack", "Apply")], [ours]), fx.facts) == set()

test_pass_update if judged(drift([field("kubectl-edit", "Update")], [ours, entry("kubectl-edit", "Update")]), fx.facts) == set()

test_fail_forced if judged(drift([field("kubectl", "Apply")], [ours, entry("kubectl", "Apply")]), fx.facts) == {["/data/a", "finding"]}

test_fail_nothing_of_ours if judged(drift([], [entry("kubectl", "Apply")]), fx.facts) == {["/metadata/managedFields", "finding"]}

# The status is others' to apply.
test_pass_status if judged(drift([], [object.union(entry("operator", "Apply"), {"subresource": "status"})]), fx.facts) == set()

test_pass_reconciler_updates if judged(drift([], [entry("argocd-controller", "Update"), entry("filler", "Apply")]), fx.facts) == set()

test_fail_unknown_wiped if judged(drift([], []), fx.facts) == {["/metadata/managedFields", "unknown"]}

test_pass_missing_or_unmanaged if {
	judged({"fields": [], "desired": {}, "live": null}, fx.facts) == set()
	judged({"fields": [], "desired": null, "live": live([])}, fx.facts) == set()
}

test_fail_shared if {
	shared := object.union(live([ours]), {"shared": [{"managers": ["dualtrack", "other"], "fields": 3}]})
	findings := dt_drf_005.findings with data.context as fx.facts with input as {"group": "", "kind": "ConfigMap", "drift": {"fields": [], "desired": {}, "live": shared}}
	{f.message | some f in findings} == {"dualtrack and other both apply 3 of its fields"}
}

test_pass_param if judged(drift([field("mine", "Apply")], [ours, entry("mine", "Apply")]), fx.and_facts({"params": {"DT-DRF-005": {"expected": ["mine"]}}})) == set()
