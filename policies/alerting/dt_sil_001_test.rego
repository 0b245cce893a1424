package dualtrack.rules.dt_sil_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sil_001

found(silence) := fx.pointers(findings) if {
	findings := dt_sil_001.findings with input as fx.silences([object.union({"name": "a", "owner": "shop", "reason": "r"}, silence)])
}

test_pass if found({}) == set()

test_fail_owner if found({"owner": ""}) == {"/spec/silences/0/owner"}

test_fail_both if found({"owner": " ", "reason": "\t\n"}) == {"/spec/silences/0/owner", "/spec/silences/0/reason"}

test_pass_other_group if count(dt_sil_001.findings) == 0 with input as fx.of({"apiVersion": "x.example/v1", "kind": "Silences", "spec": {"silences": [{"name": "a", "owner": ""}]}})

test_pass_other_kind if count(dt_sil_001.findings) == 0 with input as object.union(fx.silences([{"name": "a", "owner": ""}]), {"kind": "Other"})
