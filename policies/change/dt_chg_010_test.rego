package dualtrack.change.dt_chg_010_test

import data.dualtrack.change.dt_chg_010
import data.dualtrack.fixture

frozen(now, changed) := {[f.pointer, f.message] | some f in found} if {
	found := dt_chg_010.findings with data.context as fixture.and_facts({"now": now}) with input as fixture.fleet({"changed": changed, "freezes": [{"name": "rest", "reason": "why", "from": 100, "to": 200, "until": "then"}]})
}

one := [{"name": "a", "wave": 0, "controlPlane": []}, {"name": "b", "wave": 1, "controlPlane": []}]

test_pass_before if frozen(99, one) == set()

test_pass_after if frozen(200, one) == set()

test_pass_nothing_changes if frozen(150, []) == set()

told := {["/spec/freezes/0", "a freeze lasts until then: why"]}

test_fail_in_it if frozen(150, one) == told

test_fail_at_its_begin if frozen(100, one) == told

test_fail_in_its_last_second if frozen(199, one) == told

test_fail_one_cluster if frozen(150, [one[0]]) == told
