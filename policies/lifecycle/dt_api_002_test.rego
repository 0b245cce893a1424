package dualtrack.rules.dt_api_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_api_002

api(deprecated, removed, use) := {"deprecated": deprecated, "removed": removed, "use": use}

facts := fx.and_facts({
	"cluster": {"minor": 28},
	"apis": {
		"flow.example/v1beta2/Flow": api(26, 29, "flow.example/v1"),
		"flow.example/v1beta3/Flow": api(29, 30, "flow.example/v1"),
		"flow.example/v1beta4/Flow": api(29, 30, ""),
		"flow.example/v1beta5/Flow": api(30, 32, "flow.example/v1"),
		"flow.example/v1beta1/Flow": api(20, 26, "flow.example/v1"),
	},
})

found(doc) := said(doc, facts)

said(doc, context) := {f.pointer | some f in findings} if {
	findings := dt_api_002.findings with input as doc with data.context as context
}

flow(version) := fx.of({"apiVersion": concat("/", ["flow.example", version]), "kind": "Flow", "metadata": fx.meta})

test_pass_far if {
	found(flow("v1")) == set()
	found(flow("v1beta5")) == set()
	found(fx.of({"kind": "Flow"})) == set()
}

# The schema says what is deprecated or gone by now.
test_pass_schema if {
	found(flow("v1beta2")) == set()
	found(flow("v1beta1")) == set()
}

test_fail_soon if {
	found(flow("v1beta3")) == {"/apiVersion"}
	found(flow("v1beta4")) == {"/apiVersion"}
}

test_fail_further if said(flow("v1beta5"), object.union(facts, {"params": {"DT-API-002": {"ahead": 4}}})) == {"/apiVersion"}

nested(version, kind) := object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta}), {"nested": [{"pointer": "/data/a", "object": {"apiVersion": version, "kind": kind}}]})

test_fail_nested if found(nested("flow.example/v1beta3", "Flow")) == {"/data/a"}

test_pass_nested_next if found(nested("flow.example/v1beta2", "Flow")) == set()

test_pass_nested_odd if found(nested(5, ["a"])) == set()

test_fail_listed if found(object.union(flow("v1beta3"), {"listed": true})) == {"/apiVersion"}

test_fail_other_projects if {
	found(fx.of({"apiVersion": "helm.toolkit.fluxcd.io/v2beta1", "kind": "HelmRelease"})) == {"/apiVersion"}
	found(nested("networking.istio.io/v1alpha3", "VirtualService")) == {"/data/a"}
}

test_pass_only_version if found(fx.of({"apiVersion": "networking.istio.io/v1alpha3", "kind": "EnvoyFilter"})) == set()

test_pass_definition if said(fx.of({"apiVersion": "helm.toolkit.fluxcd.io/v2beta1", "kind": "HelmRelease"}), object.union(facts, {"crds": {"helm.toolkit.fluxcd.io/HelmRelease": {}}})) == set()

test_pass_no_table if said(flow("v1beta3"), fx.and_facts({"apis": null})) == set()
