package dualtrack.fleet.dt_flt_002_test

import data.dualtrack.fixture
import data.dualtrack.fleet.dt_flt_002

graded(fleet) := {[f.pointer, object.get(f, "severity", dt_flt_002.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_flt_002.findings with data.context as fixture.facts with input as fixture.fleet(fleet)
}

clusters(waves) := [{"name": sprintf("c%d", [i]), "wave": w, "controlPlane": []} | some i, w in waves]

test_pass_first_wave if graded({"changed": clusters([0])}) == set()

test_pass_every_wave if graded({"changed": clusters([0, 1, 2])}) == set()

test_pass_hub if graded({"changed": clusters([-1])}) == set()

test_fail_later_wave_is_unknown if graded({"changed": clusters([-1, 2, 1])}) == {["/spec/waves/1", "warning", "unknown"]}

test_fail_whole if {
	found := dt_flt_002.findings with data.context as fixture.facts with input as fixture.fleet({"changed": clusters([1])})
	found == {{
		"pointer": "/spec/waves/1",
		"message": "wave west gets it, and whether wave canary has held it for 30m0s is not known",
		"result": "unknown",
	}}
}
