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

all_of(d) := found if found := dt_drf_005.findings with input as {"group": "", "kind": "ConfigMap", "drift": d} with data.context as fx.facts

shared_by := {"shared": [{"managers": ["dualtrack", "other"], "fields": 3}]}

test_fail_whole if {
	all_of(drift([field("kubectl", "Apply")], [ours])) == {{"pointer": "/data/a", "message": `"kubectl" has applied it and owns it now`}}
	all_of({"fields": [], "desired": {}, "live": object.union(live([ours]), shared_by)}) == {{"pointer": "", "message": "dualtrack and other both apply 3 of its fields", "mend": "let one of them leave the fields out"}}
	all_of(drift([], [])) == {{"pointer": "/metadata/managedFields", "message": "who owns its fields was wiped from the object, so nobody can say who changed what", "result": "unknown"}}
	all_of(drift([], [entry("kubectl", "Apply")])) == {{"pointer": "/metadata/managedFields", "message": `no reconciler of Git's has applied it, and "kubectl" has`}}
}

# Nobody knows who applied it, so nobody is named.
test_pass_no_manager if all_of(drift([field("", "Apply")], [ours])) == set()

# What Git does not hold is for DT-DRF-004.
test_pass_extra if {
	all_of({"fields": [field("kubectl", "Apply")], "desired": null, "live": live([ours])}) == set()
	all_of({"fields": [], "desired": null, "live": object.union(live([ours]), shared_by)}) == set()
	all_of({"fields": [], "desired": null, "live": live([entry("kubectl", "Apply")])}) == set()
}

# Who only updates owns nothing by force.
test_pass_updates_alone if all_of(drift([], [entry("kubectl-edit", "Update")])) == set()

test_fail_no_subresource if all_of(drift([], [{"manager": "kubectl", "operation": "Apply"}])) == {{"pointer": "/metadata/managedFields", "message": `no reconciler of Git's has applied it, and "kubectl" has`}}

test_pass_defaults if dt_drf_005.meta.params == {"expected": []}
