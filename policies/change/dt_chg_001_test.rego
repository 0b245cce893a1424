package dualtrack.change.dt_chg_001_test

import data.dualtrack.change.dt_chg_001
import data.dualtrack.fixture

graded(effects) := {[f.pointer, object.get(f, "severity", dt_chg_001.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_chg_001.findings with data.context as fixture.facts with input as fixture.change("changed", effects)
}

effect(name, level, facts) := {"effect": name, "level": level, "why": "because", "pointer": "/spec", "facts": facts}

test_pass_nothing_lost if graded([effect("stops", "info", {"kind": "Deployment"})]) == set()

test_fail_lost if graded([effect("loses data", "warning", {"kind": "Namespace"})]) == {["", "error", "finding"]}

test_fail_stateful if graded([effect("stops", "warning", {"kind": "StatefulSet"})]) == {["", "warning", "finding"]}

kept(kinds, action) := count(found) if {
	found := dt_chg_001.findings with data.context as fixture.and_facts({"params": {"DT-CHG-001": {"kinds": kinds}}})
		with input as fixture.change(action, [])
}

test_pass_kept_kind if {
	kept(["Deployment"], "changed") == 0
	kept(["Secret"], "removed") == 0
}

test_fail_kept_kind if kept(["Deployment"], "removed") == 1

test_fail_kept_kind_whole if {
	found := dt_chg_001.findings with data.context as fixture.and_facts({"params": {"DT-CHG-001": {"kinds": ["Deployment"]}}})
		with input as fixture.change("removed", [])
	found == {{"pointer": "", "message": "a Deployment is deleted, which this fleet keeps"}}
}

test_pass_defaults if dt_chg_001.meta.params == {"kinds": []}

test_pass_stateful_set_that_restarts if graded([effect("restarts", "warning", {"kind": "StatefulSet"})]) == set()
