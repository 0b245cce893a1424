package dualtrack.rules.dt_sil_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sil_002

found(seconds) := fx.pointers(findings) if {
	findings := dt_sil_002.findings with input as fx.silences([{"name": "a", "begins": 1000, "ends": 1000 + seconds}])
}

test_pass_30_days if found(2592000) == set()

test_fail_a_second_more if found(2592001) == {"/spec/silences/0/until"}

test_pass_other_kind if count(dt_sil_002.findings) == 0 with input as fx.pod({})

test_pass_other_document if {
	long := fx.silences([{"name": "a", "begins": 0, "ends": 9999999}])
	count(dt_sil_002.findings) == 0 with input as object.union(long, {"kind": "Other"})
	count(dt_sil_002.findings) == 0 with input as object.union(long, {"group": "x.example"})
}
