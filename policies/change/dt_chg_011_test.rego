package dualtrack.change.dt_chg_011_test

import data.dualtrack.change.dt_chg_011
import data.dualtrack.fixture

graded(effects) := {[f.pointer, object.get(f, "severity", dt_chg_011.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_chg_011.findings with data.context as fixture.facts with input as fixture.change("changed", effects)
}

effect(name, level, facts) := {"effect": name, "level": level, "why": "because", "pointer": "/spec", "facts": facts}

test_pass_another_effect if graded([effect("image", "error", {})]) == set()

test_fail_error if graded([effect("order", "error", {})]) == {["/spec", "error", "finding"]}

test_fail_level if graded([effect("order", "warning", {})]) == {["/spec", "warning", "finding"]}
