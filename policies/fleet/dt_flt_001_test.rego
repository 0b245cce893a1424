package dualtrack.fleet.dt_flt_001_test

import data.dualtrack.fixture
import data.dualtrack.fleet.dt_flt_001

graded(fleet) := {[f.pointer, object.get(f, "severity", dt_flt_001.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_flt_001.findings with data.context as fixture.facts with input as fixture.fleet(fleet)
}

clusters(waves) := [{"name": sprintf("c%d", [i]), "wave": w, "controlPlane": []} | some i, w in waves]

test_pass_one_wave if graded({"changed": clusters([0, 0, -1])}) == set()

test_pass_hub if graded({"changed": clusters([-1])}) == set()

test_pass_nothing if graded({}) == set()

test_fail_two if graded({"changed": clusters([0, 1, 1])}) == {["/spec/waves", "info", "finding"]}

test_fail_names if {
	found := {f.message | some f in dt_flt_001.findings} with data.context as fixture.facts with input as fixture.fleet({"changed": clusters([2, 0])})
	found == {"the change reaches 2 waves: canary, east"}
}
