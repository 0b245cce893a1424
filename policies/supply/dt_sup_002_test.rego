package dualtrack.rules.dt_sup_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_002

digits := "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

graded(ref, facts) := {object.get(f, "severity", "error") | some f in findings} if {
	findings := dt_sup_002.findings with input as fx.container({"image": ref}) with data.context as facts
}

severities(ref) := graded(ref, fx.facts)

test_pass_digest if severities(sprintf("web:1@sha256:%s", [digits])) == set()

test_pass_nothing if severities("") == set()

test_fail_unpinned_simulated if severities("web:1") == {"warning"}

test_fail_unpinned_real if graded("web:1", fx.and_facts({"cluster": {"realNodes": true}})) == {"error"}

# Some real nodes pull it: an error where it counts. Where none is real, nobody does.
test_fail_unpinned_stage if {
	graded("web:1", fx.and_facts({"cluster": {"someReal": true, "production": true}})) == {"error"}
	graded("web:1", fx.and_facts({"cluster": {"someReal": true}})) == {"warning"}
	graded("web:1", fx.and_facts({"cluster": {"production": true}})) == {"warning"}
	graded("web:1", fx.and_facts({"cluster": {"realNodes": true, "someReal": true}})) == {"error"}
}

test_fail_short if severities("web:1@sha256:0123") == {"error"}

test_fail_long if severities(sprintf("web:1@sha256:%s0", [digits])) == {"error"}

test_fail_algorithm if severities(sprintf("web:1@sha512:%s", [digits])) == {"error"}

test_fail_capitals if severities(sprintf("web:1@sha256:%s", [upper(digits)])) == {"error"}

test_fail_empty if severities("web:1@") == {"error"}

test_fail_two if severities(sprintf("web@sha256:%s@sha256:%s", [digits, digits])) == {"error"}

places(ref) := {[f.pointer, f.container] | some f in findings} if {
	findings := dt_sup_002.findings with input as fx.container({"image": ref}) with data.context as fx.facts
}

test_fail_places if {
	places("web:1") == {["/spec/containers/0/image", "a"]}
	places("web@sha256:1") == {["/spec/containers/0/image", "a"]}
}

test_pass_null if places(null) == set()
