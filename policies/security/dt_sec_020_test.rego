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

all_of(doc) := findings if {
	findings := dt_sec_020.findings with input as doc with data.context as fx.facts
}

unpinned(why) := {
	"pointer": at_v,
	"message": sprintf("the level that the namespace enforces is not pinned: %s", [why]),
	"patch": [{"op": "add", "path": at_v, "value": "v1.99"}],
}

test_fail_whole if {
	all_of(ns("shop", {"a": "b"})) == {
		{
			"pointer": at_e,
			"message": "the namespace does not say which level of Pod Security it enforces",
			"patch": [{"op": "add", "path": at_e, "value": "baseline"}],
		},
		unpinned("it has no version"),
	}
	all_of(ns("shop", {e: "strict", v: "v1.98"})) == {{
		"pointer": at_e,
		"message": `the namespace enforces "strict", which is no level of Pod Security`,
		"mend": "write privileged, baseline or restricted",
	}}
	all_of(ns("shop", {e: "privileged"})) == {{
		"pointer": at_e,
		"message": "the namespace enforces privileged, which is weaker than baseline",
		"mend": "move what needs it into a namespace of its own, and let an exception say why",
	}}
	all_of(ns("shop", {e: "baseline", v: "latest"})) == {unpinned("latest changes with every upgrade")}
	all_of(ns("shop", {e: "baseline", v: "v1.100"})) == {unpinned("v1.100 is newer than the cluster")}
}

test_pass_each_system if {
	every name in ["kube-node-lease", "kube-public", "kube-system"] {
		every labels in [{}, {e: "privileged"}, {e: "strict"}, {e: "baseline", v: "latest"}] {
			all_of(ns(name, labels)) == set()
		}
	}
}

test_pass_each_other_kind if {
	every labels in [{}, {e: "privileged"}, {e: "strict"}, {e: "baseline", v: "latest"}] {
		all_of(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": labels}})) == set()
		all_of(fx.of({"apiVersion": "x/v1", "kind": "Namespace", "metadata": {"name": "a", "labels": labels}})) == set()
	}
}

# The API server refuses labels that are no texts.
test_pass_labels_of_wrong_type if all_of(ns("shop", {e: 5, v: 5})) == set()
