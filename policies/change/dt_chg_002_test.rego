package dualtrack.change.dt_chg_002_test

import data.dualtrack.change.dt_chg_002
import data.dualtrack.fixture

graded(effects) := {[f.pointer, object.get(f, "severity", dt_chg_002.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_chg_002.findings with data.context as fixture.facts with input as fixture.change("changed", effects)
}

effect(name, level, facts) := {"effect": name, "level": level, "why": "because", "pointer": "/spec", "facts": facts}

test_pass_allowed if graded([effect("restarts", "error", {})]) == set()

test_fail_refused if graded([effect("refused", "error", {})]) == {["/spec", "error", "finding"]}
