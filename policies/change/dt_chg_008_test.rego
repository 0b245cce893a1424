package dualtrack.change.dt_chg_008_test

import data.dualtrack.change.dt_chg_008
import data.dualtrack.fixture

graded(effects) := {[f.pointer, object.get(f, "severity", dt_chg_008.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_chg_008.findings with data.context as fixture.facts with input as fixture.change("changed", effects)
}

effect(name, level, facts) := {"effect": name, "level": level, "why": "because", "pointer": "/spec", "facts": facts}

test_pass_closes if graded([effect("closes", "warning", {})]) == set()

test_fail_opens if graded([effect("opens", "info", {})]) == {["/spec", "warning", "finding"]}

test_fail_widens if graded([effect("widens", "info", {})]) == {["/spec", "warning", "finding"]}

test_fail_weakens if graded([effect("weakens", "info", {})]) == {["/spec", "warning", "finding"]}

test_fail_not_computed if graded([effect("not computed", "info", {})]) == {["/spec", "warning", "unknown"]}

proposed(extends, own) := {[f.pointer, object.get(f, "severity", "warning"), f.message] | some f in found} if {
	found := dt_chg_008.findings with data.context as fixture.facts with input as fixture.fleet({"exceptions": [{"rule": "DT-SEC-001", "selected": "Deployment a/b", "owner": "x", "expires": "2030-01-01", "extends": extends, "own": own}]})
}

test_pass_no_exception if {
	found := dt_chg_008.findings with data.context as fixture.facts with input as fixture.fleet({})
	found == set()
}

test_fail_exception if proposed(false, false) == {["/spec/exceptions/0", "warning", "the change adds an exception from DT-SEC-001 for Deployment a/b, owner x, until 2030-01-01"]}

test_fail_own_exception if proposed(true, true) == {["/spec/exceptions/0", "error", "the change extends an exception from DT-SEC-001 for Deployment a/b, and its owner x is the author of the change"]}
