package dualtrack.rules.dt_sil_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sil_004

found(ends) := fx.pointers(findings) if {
	silence := {"name": "a", "until": "then", "ends": ends}
	findings := dt_sil_004.findings with input as fx.silences([silence]) with data.context as fx.and_facts({"now": 100})
}

test_pass_later if found(101) == set()

test_fail_now if found(100) == {"/spec/silences/0/until"}

test_pass_other_kind if count(dt_sil_004.findings) == 0 with input as fx.pod({}) with data.context as fx.facts

test_pass_other_document if {
	over := fx.silences([{"name": "a", "until": "then", "ends": 100}])
	count(dt_sil_004.findings) == 0 with input as object.union(over, {"kind": "Other"}) with data.context as fx.and_facts({"now": 100})
	count(dt_sil_004.findings) == 0 with input as object.union(over, {"group": "x.example"}) with data.context as fx.and_facts({"now": 100})
}
