package dualtrack.fleet.dt_flt_004_test

import data.dualtrack.fixture
import data.dualtrack.fleet.dt_flt_004

graded(fleet) := {[f.pointer, object.get(f, "severity", dt_flt_004.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_flt_004.findings with data.context as fixture.facts with input as fixture.fleet(fleet)
}

spread(minors) := {"spreads": [{"repository": "r", "minors": minors, "least": "1", "most": "2", "on": "a", "behind": "b"}]}

demanding(components) := {f.pointer | some f in found} if {
	found := dt_flt_004.findings with data.context as fixture.and_facts({"params": {"DT-FLT-004": {"mandatory": ["base"]}}}) with input as fixture.fleet({"components": components})
}

test_pass_near if graded(spread(1)) == set()

test_fail_apart if graded(spread(2)) == {["/spec/waves", "warning", "finding"]}

test_pass_nothing_demanded if graded({"components": {"a": []}}) == set()

test_pass_all_there if demanding({"a": ["base", "x"]}) == set()

test_fail_lacking if demanding({"a": ["base"], "b": ["x"]}) == {"/spec/policy/params"}

test_fail_placeholder if {
	found := {f.pointer | some f in dt_flt_004.findings} with data.context as fixture.facts
		with input as fixture.change("changed", [{"effect": "placeholder", "level": "warning", "why": "w", "pointer": "/data/a", "facts": {}}])
	found == {"/data/a"}
}

test_pass_defaults if dt_flt_004.meta.params == {"spread": 1, "mandatory": []}

test_pass_other_effect if {
	found := dt_flt_004.findings with data.context as fixture.facts
		with input as fixture.change("changed", [{"effect": "image", "level": "warning", "why": "w", "pointer": "/data/a", "facts": {}}])
	found == set()
}
