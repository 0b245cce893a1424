package dualtrack.rules.dt_api_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_api_001

apis := {
	"old.example/v1/Thing": {"deprecated": 90, "removed": 99, "use": "new.example/v1"},
	"next.example/v1/Thing": {"deprecated": 95, "removed": 100, "use": ""},
	"late.example/v1/Thing": {"deprecated": 95, "removed": 105, "use": ""},
	"kept.example/v1/Thing": {"deprecated": 95, "removed": 0, "use": ""},
}

holding(version) := object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": [{"pointer": "/data/a.yaml", "object": {"apiVersion": version, "kind": "Thing"}}]})

found(doc) := {[f.pointer, object.get(f, "severity", "error"), f.mend] | some f in findings} if {
	findings := dt_api_001.findings with input as doc with data.context as fx.and_facts({"apis": apis})
}

test_pass_served if found(holding("new.example/v1")) == set()

test_pass_later if found(holding("late.example/v1")) == set()

test_pass_kept if found(holding("kept.example/v1")) == set()

test_fail_nested if found(holding("old.example/v1")) == {["/data/a.yaml", "error", "write it as new.example/v1"]}

test_fail_next if found(holding("next.example/v1")) == {["/data/a.yaml", "warning", "remove it: nothing replaces it"]}

alone := fx.of({"apiVersion": "old.example/v1", "kind": "Thing"})

# An object that stands alone is judged with its schema.
test_pass_alone if found(alone) == set()

test_fail_listed if found(object.union(alone, {"listed": true})) == {["/apiVersion", "error", "write it as new.example/v1"]}

test_pass_odd_version if found(holding(5)) == set()

test_unknown_no_table if {
	findings := dt_api_001.findings with input as holding("old.example/v1") with data.context as fx.and_facts({"apis": null})
	fx.results(findings) == {"unknown"}
}

test_pass_nothing_inside if {
	count(dt_api_001.findings) == 0 with input as alone with data.context as fx.and_facts({"apis": null})
}

test_unknown_whole if {
	findings := dt_api_001.findings with input as holding("old.example/v1") with data.context as {k: v | some k, v in fx.facts; k != "apis"}
	{[f.pointer, f.result] | some f in findings} == {["/data/a.yaml", "unknown"]}
}

test_known_is_not_unknown if {
	findings := dt_api_001.findings with input as holding("new.example/v1") with data.context as fx.and_facts({"apis": apis})
	findings == set()
}

test_pass_odd_kind if {
	doc := object.union(holding("old.example/v1"), {"nested": [{"pointer": "/data/a.yaml", "object": {"apiVersion": "old.example/v1", "kind": 5}}]})
	findings := dt_api_001.findings with input as doc with data.context as fx.and_facts({"apis": null})
	findings == set()
}

test_fail_removed_first if {
	findings := dt_api_001.findings with input as holding("first.example/v1") with data.context as fx.and_facts({"apis": {"first.example/v1/Thing": {"deprecated": 0, "removed": 1, "use": ""}}})
	fx.pointers(findings) == {"/data/a.yaml"}
}
