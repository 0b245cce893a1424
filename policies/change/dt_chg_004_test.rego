package dualtrack.change.dt_chg_004_test

import data.dualtrack.change.dt_chg_004
import data.dualtrack.fixture

graded(effects) := {[f.pointer, object.get(f, "severity", dt_chg_004.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_chg_004.findings with data.context as fixture.facts with input as fixture.change("changed", effects)
}

effect(name, level, facts) := {"effect": name, "level": level, "why": "because", "pointer": "/spec", "facts": facts}

scaled(before, after, dropped) := graded([effect("scales", "info", {"before": before, "after": after, "scaler": false, "dropped": dropped})])

test_pass_up if scaled(2, 9, false) == set()

test_pass_half if scaled(4, 2, false) == set()

test_pass_was_nothing if scaled(0, 0, false) == set()

test_fail_nothing_left if scaled(4, 0, false) == {["/spec", "error", "finding"]}

test_fail_far_down if scaled(5, 2, false) == {["/spec", "warning", "finding"]}

test_fail_dropped if scaled(2, 1, true) == {["/spec", "warning", "finding"]}

test_fail_dropped_far_down_once if scaled(5, 1, true) == {["/spec", "warning", "finding"]}

test_pass_taken_over if graded([effect("takes over", "info", {})]) == set()

test_fail_two_writers if graded([effect("takes over", "warning", {})]) == {["/spec", "warning", "finding"]}

stepped(pct) := count(found) if {
	found := dt_chg_004.findings with data.context as fixture.and_facts({"params": {"DT-CHG-004": {"maxPct": pct}}})
		with input as fixture.change("changed", [effect("scales", "info", {"before": 10, "after": 8, "scaler": false, "dropped": false})])
}

test_pass_parameter if stepped(20) == 0

test_fail_parameter if stepped(19) == 1

test_pass_defaults if dt_chg_004.meta.params == {"maxPct": 50}

judged(effects) := findings if {
	findings := dt_chg_004.findings with data.context as fixture.facts with input as fixture.change("changed", effects)
}

test_fail_one_to_nothing if judged([effect("scales", "info", {"before": 1, "after": 0, "dropped": false})]) == {{
	"pointer": "/spec",
	"message": "because: nothing is left of it",
	"severity": "error",
}}

test_fail_dropped_far_down_whole if judged([effect("scales", "info", {"before": 5, "after": 1, "dropped": true})]) == {{
	"pointer": "/spec",
	"message": "because: more than 50 % fewer at once",
}}

test_pass_dropped_without_loss if {
	every after in [2, 9] {
		scaled(2, after, true) == set()
	}
}

# Other effects have numbers too.
test_pass_other_effects if {
	every facts in [
		{"before": 4, "after": 0, "dropped": false},
		{"before": 5, "after": 1, "dropped": false},
		{"before": 2, "after": 1, "dropped": true},
	] {
		graded([effect("image", "warning", facts)]) == set()
	}
}
