package dualtrack.fleet.dt_flt_003_test

import data.dualtrack.fixture
import data.dualtrack.fleet.dt_flt_003

graded(fleet) := {[f.pointer, object.get(f, "severity", dt_flt_003.meta.severity), object.get(f, "result", "finding")] | some f in found} if {
	found := dt_flt_003.findings with data.context as fixture.facts with input as fixture.fleet(fleet)
}

touched(levels) := [{"name": sprintf("c%d", [i]), "wave": 0, "controlPlane": [{"effect": "control plane", "level": l, "why": "w", "pointer": "", "facts": {}}]} | some i, l in levels]

test_pass_one if graded({"changed": touched(["error"])}) == set()

test_pass_untouched if graded({"changed": [{"name": "a", "wave": 0, "controlPlane": []}, {"name": "b", "wave": 0, "controlPlane": []}]}) == set()

test_fail_two if graded({"changed": touched(["warning", "info"])}) == {["/spec/waves", "warning", "finding"]}

test_fail_grave if graded({"changed": touched(["warning", "error"])}) == {["/spec/waves", "error", "finding"]}

test_fail_whole if {
	found := dt_flt_003.findings with data.context as fixture.facts with input as fixture.fleet({"changed": touched(["warning", "info"])})
	found == {{
		"pointer": "/spec/waves",
		"message": "etcd, API servers, kubelets or the network of 2 clusters: c0, c1",
		"severity": "warning",
	}}
}
