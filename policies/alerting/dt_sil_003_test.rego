package dualtrack.rules.dt_sil_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sil_003

denied(matchers) if {
	findings := dt_sil_003.findings with input as fx.silences([{"name": "a", "matchers": [{"label": "l", "op": m[0], "value": m[1]} | some m in matchers]}])
	fx.pointers(findings) == {"/spec/silences/0/matchers"}
}

test_pass_one_value if not denied([["=", "edge-1"]])

test_pass_one_of_two if not denied([["=~", ".*"], ["=", "edge-1"]])

test_pass_regex if not denied([["=~", "edge-.+"]])

test_pass_alternatives if not denied([["=~", "ticket|info"]])

test_fail_no_matcher if denied([])

test_fail_absent_label if denied([["=", ""]])

test_fail_present_label if denied([["!=", ""]])

test_fail_everything_but if denied([["!=", "edge-1"]])

test_fail_any if denied([["=~", ".+"]])

test_fail_any_or_none if denied([["=~", ".*"], ["!~", "edge-1"]])

test_fail_or_absent if denied([["=~", "edge-1|"]])

test_fail_no_digits if denied([["!~", ""]])

test_pass_other_kind if count(dt_sil_003.findings) == 0 with input as fx.pod({})

test_pass_other_document if {
	vague := fx.silences([{"name": "a", "matchers": []}])
	count(dt_sil_003.findings) == 0 with input as object.union(vague, {"kind": "Other"})
	count(dt_sil_003.findings) == 0 with input as object.union(vague, {"group": "x.example"})
}

# An operator that is none takes nothing.
test_pass_odd_operator if {
	not denied([["==", ""]])
	not denied([["==", ".*"]])
}

# A value that no label is likely to have is a value still.
test_pass_not_any if {
	not denied([["!~", ".*"]])
	not denied([["!~", "|[^q]*q.*|[0-9].*"]])
}
