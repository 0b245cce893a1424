package dualtrack.rules.dt_api_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_api_002

api(deprecated, removed, use) := {"deprecated": deprecated, "removed": removed, "use": use}

facts := fx.and_facts({
	"cluster": {"minor": 28},
	"apis": {
		"flow.example/v1alpha1/Flow": api(0, 0, "flow.example/v1"),
		"flow.example/v1alpha2/Flow": api(0, 28, "flow.example/v1"),
		"flow.example/v1alpha3/Flow": api(0, 30, "flow.example/v1"),
		"flow.example/v1alpha4/Flow": api(1, 30, "flow.example/v1"),
		"flow.example/v1alpha5/Flow": api(28, 30, "flow.example/v1"),
		"flow.example/v1beta1/Flow": api(20, 26, "flow.example/v1"),
		"flow.example/v1beta2/Flow": api(26, 29, "flow.example/v1"),
		"flow.example/v1beta3/Flow": api(29, 30, "flow.example/v1"),
		"flow.example/v1beta4/Flow": api(29, 30, ""),
		"flow.example/v1beta5/Flow": api(30, 32, "flow.example/v1"),
		"flow.example/v1beta6/Flow": api(30, 31, "flow.example/v1"),
		"flow.example/v1beta7/Flow": api(29, 29, "flow.example/v1"),
	},
})

found(doc) := said(doc, facts)

said(doc, context) := findings if {
	findings := dt_api_002.findings with input as doc with data.context as context
}

goes(pointer, version, removed, ahead) := {
	"pointer": pointer,
	"message": sprintf("flow.example/%s Flow is not served from Kubernetes 1.%d on, %d releases ahead", [version, removed, ahead]),
	"mend": "write it as flow.example/v1",
}

no_use := {"mend": "plan without it: nothing replaces it"}

flow(version) := fx.of({"apiVersion": concat("/", ["flow.example", version]), "kind": "Flow", "metadata": fx.meta})

test_pass_far if {
	every version in ["v1", "v1alpha1", "v1beta5", "v1beta6"] {
		found(flow(version)) == set()
	}
	found(fx.of({"kind": "Flow"})) == set()
}

# The schema says what is deprecated or gone by now.
test_pass_schema if {
	every version in ["v1alpha2", "v1alpha4", "v1alpha5", "v1beta1", "v1beta2"] {
		found(flow(version)) == set()
	}
}

test_fail_soon if {
	found(flow("v1alpha3")) == {goes("/apiVersion", "v1alpha3", 30, 2)}
	found(flow("v1beta3")) == {goes("/apiVersion", "v1beta3", 30, 2)}
	found(flow("v1beta4")) == {object.union(goes("/apiVersion", "v1beta4", 30, 2), no_use)}
	found(flow("v1beta7")) == {goes("/apiVersion", "v1beta7", 29, 1)}
}

test_fail_further if {
	further := object.union(facts, {"params": {"DT-API-002": {"ahead": 4}}})
	said(flow("v1beta5"), further) == {goes("/apiVersion", "v1beta5", 32, 4)}
	said(nested("flow.example/v1beta5", "Flow"), further) == {goes("/data/a", "v1beta5", 32, 4)}
}

holding := fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta})

nested(version, kind) := object.union(holding, {"nested": [{"pointer": "/data/a", "object": {"apiVersion": version, "kind": kind}}]})

listed(doc) := object.union(doc, {"listed": true})

test_fail_nested if {
	every version in ["v1alpha3", "v1alpha5", "v1beta3"] {
		found(nested(concat("/", ["flow.example", version]), "Flow")) == {goes("/data/a", version, 30, 2)}
	}
	found(nested("flow.example/v1beta4", "Flow")) == {object.union(goes("/data/a", "v1beta4", 30, 2), no_use)}
}

# DT-API-001 says what is gone with the next release.
test_pass_nested if {
	every version in ["v1alpha1", "v1alpha2", "v1beta1", "v1beta2", "v1beta5", "v1beta6", "v1beta7"] {
		found(nested(concat("/", ["flow.example", version]), "Flow")) == set()
		found(listed(flow(version))) == set()
	}
}

test_pass_nested_odd if found(nested(5, ["a"])) == set()

test_fail_listed if {
	every version in ["v1alpha3", "v1alpha5", "v1beta3"] {
		found(listed(flow(version))) == {goes("/apiVersion", version, 30, 2)}
	}
}

# versions are the older ones of each group, and the one to write.
versions := {
	"acme.cert-manager.io": [["v1alpha2"], "v1"],
	"cert-manager.io": [["v1alpha2", "v1alpha3", "v1beta1"], "v1"],
	"gateway.networking.k8s.io": [["v1alpha1"], "v1"],
	"helm.toolkit.fluxcd.io": [["v2beta1", "v2beta2"], "v2"],
	"kafka.strimzi.io": [["v1alpha1", "v1beta1"], "v1beta2"],
	"kustomize.toolkit.fluxcd.io": [["v1beta1", "v1beta2"], "v1"],
	"networking.istio.io": [["v1alpha3", "v1beta1"], "v1"],
	"security.istio.io": [["v1beta1"], "v1"],
	"source.toolkit.fluxcd.io": [["v1beta1", "v1beta2"], "v1"],
}

replaced(pointer, group, old, new) := {
	"pointer": pointer,
	"message": sprintf("%s/%s is a version of Thing that its project replaced", [group, old]),
	"mend": sprintf("write it as %s/%s", [group, new]),
}

test_fail_other_projects if {
	every group, replacing in versions {
		[olds, new] := replacing
		every old in olds {
			version := concat("/", [group, old])
			alone := fx.of({"apiVersion": version, "kind": "Thing"})
			found(alone) == {replaced("/apiVersion", group, old, new)}
			found(listed(alone)) == {replaced("/apiVersion", group, old, new)}
			found(nested(version, "Thing")) == {replaced("/data/a", group, old, new)}
		}
		found(fx.of({"apiVersion": concat("/", [group, new]), "kind": "Thing"})) == set()
	}
}

test_pass_only_version if {
	every kind in ["EnvoyFilter", "ProxyConfig"] {
		found(fx.of({"apiVersion": "networking.istio.io/v1alpha3", "kind": kind})) == set()
		found(nested("networking.istio.io/v1beta1", kind)) == set()
	}
}

test_pass_definition if {
	defined := object.union(facts, {"crds": {"helm.toolkit.fluxcd.io/HelmRelease": {}}})
	said(fx.of({"apiVersion": "helm.toolkit.fluxcd.io/v2beta1", "kind": "HelmRelease"}), defined) == set()
	said(nested("helm.toolkit.fluxcd.io/v2beta1", "HelmRelease"), defined) == set()
}

test_pass_no_table if said(flow("v1beta3"), fx.and_facts({"apis": null})) == set()
