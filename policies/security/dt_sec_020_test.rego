package dualtrack.rules.dt_sec_020_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sec_020

ns(name, labels) := fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})

found(doc, facts) := {[f.pointer, object.get(f, "patch", null)] | some f in findings} if {
	findings := dt_sec_020.findings with input as doc with data.context as facts
}

e := "pod-security.kubernetes.io/enforce"

v := "pod-security.kubernetes.io/enforce-version"

at_e := "/metadata/labels/pod-security.kubernetes.io~1enforce"

at_v := "/metadata/labels/pod-security.kubernetes.io~1enforce-version"

pointers(labels) := {p | some [p, _] in found(ns("shop", labels), fx.facts)}

test_pass_levels if {
	pointers({e: "baseline", v: "v1.98"}) == set()
	pointers({e: "restricted", v: "v1.99"}) == set()
}

test_pass_system if found(ns("kube-system", {}), fx.facts) == set()

test_pass_other_kind if found(fx.of({"apiVersion": "x/v1", "kind": "Namespace", "metadata": {"name": "a"}}), fx.facts) == set()

test_fail_missing if found(ns("shop", {}), fx.facts) == {
	[at_e, [{"op": "add", "path": at_e, "value": "baseline"}]],
	[at_v, [{"op": "add", "path": at_v, "value": "v1.99"}]],
}

test_fail_no_labels if found(ns("shop", null), fx.facts) == {
	[at_e, [{"op": "add", "path": "/metadata/labels", "value": {e: "baseline"}}]],
	[at_v, [{"op": "add", "path": "/metadata/labels", "value": {v: "v1.99"}}]],
}

test_fail_weaker if pointers({e: "privileged", v: "v1.98"}) == {at_e}

# What allows everything has no versions.
test_fail_weaker_unpinned if pointers({e: "privileged"}) == {at_e}

test_fail_no_level if pointers({e: "strict", v: "v1.98"}) == {at_e}

test_fail_latest if pointers({e: "baseline", v: "latest"}) == {at_v}

test_fail_future if pointers({e: "baseline", v: "v1.100"}) == {at_v}

test_fail_param if {
	facts := fx.and_facts({"params": {"DT-SEC-020": {"level": "restricted", "system": ["a"]}}})
	{p | some [p, _] in found(ns("shop", {e: "baseline", v: "v1.98"}), facts)} == {at_e}
	found(ns("a", {}), facts) == set()
}
