package dualtrack.rules.dt_git_008_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_008

release(chart, crds) := {"chart": chart, "crds": crds}

said(doc, releases) := {object.get(f, "result", "finding") | some f in findings; f.pointer == "/spec/upgrade/crds"} if {
	findings := dt_git_008.findings with input as doc with data.context as fx.and_facts({"reconcilers": {"HelmRelease": releases}})
}

of(chart, upgrade) := fx.flux("HelmRelease", {"chart": {"spec": {"chart": chart}}, "upgrade": upgrade})

found(chart, upgrade) := said(of(chart, upgrade), {})

test_pass_replaces if found("velero", {"crds": "CreateReplace"}) == set()

test_pass_no_definitions if found("podinfo", {}) == set()

test_fail_skips if {
	found("velero", {}) == {"finding"}
	found("velero", null) == {"finding"}
	found("velero", {"crds": "Skip"}) == {"finding"}
}

test_fail_creates if found("velero", {"crds": "Create"}) == {"finding"}

test_fail_shared if said(of("velero", {"crds": "CreateReplace"}), {"shop/a": release("velero", "CreateReplace"), "x/b": release("velero", "CreateReplace")}) == {"finding"}

test_pass_shared_by_one if {
	said(of("velero", {"crds": "CreateReplace"}), {"shop/a": release("velero", "CreateReplace"), "x/b": release("velero", "Skip")}) == set()
	said(of("velero", {"crds": "CreateReplace"}), {"x/b": release("keda", "CreateReplace")}) == set()
}

test_unknown_once if {
	said(of("podinfo", null), {"shop/a": release("podinfo", null), "shop/b": release("other", null)}) == {"unknown"}
	said(of("podinfo", null), {"app/x": release("podinfo", null), "shop/a": release("podinfo", null)}) == set()
}

test_pass_named if {
	facts := fx.and_facts({"params": {"DT-GIT-008": {"without": ["podinfo"]}}, "reconcilers": {"HelmRelease": {"shop/a": release("podinfo", null)}}})
	findings := dt_git_008.findings with input as of("podinfo", null) with data.context as facts
	findings == set()
}

test_pass_other_group if {
	findings := dt_git_008.findings with input as fx.of({"apiVersion": "helm.cattle.io/v1", "kind": "HelmRelease", "spec": {"chart": {"spec": {"chart": "velero"}}}}) with data.context as fx.facts
	findings == set()
}

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_008.findings with input as doc with data.context as facts
}

with_releases(releases) := fx.and_facts({"reconcilers": {"HelmRelease": releases}})

skipped(chart, patch) := {
	"pointer": "/spec/upgrade/crds",
	"message": sprintf("chart %q has definitions, and an upgrade skips them", [chart]),
	"patch": patch,
}

test_fail_charts if {
	every chart in ["base", "gatekeeper", "istio-base", "kube-prometheus-stack", "opentelemetry-operator", "prometheus-operator-crds", "strimzi-kafka-operator", "traefik", "velero"] {
		whole(of(chart, {}), fx.facts) == {skipped(chart, [{"op": "add", "path": "/spec/upgrade/crds", "value": "CreateReplace"}])}
		whole(of(chart, null), fx.facts) == {skipped(chart, [{"op": "add", "path": "/spec/upgrade", "value": {"crds": "CreateReplace"}}])}
		whole(of(chart, {"crds": "Create"}), fx.facts) == {{
			"pointer": "/spec/upgrade/crds",
			"message": sprintf("upgrades make new definitions of chart %q and leave the others as they were", [chart]),
			"patch": [{"op": "replace", "path": "/spec/upgrade/crds", "value": "CreateReplace"}],
		}}
	}
}

test_pass_params if {
	params := dt_git_008.meta.params
	params.without == []
	count(params.charts) == 9
}

test_pass_creates_none if whole(of("podinfo", {"crds": "Create"}), fx.facts) == set()

test_fail_two_write if whole(of("podinfo", {"crds": "CreateReplace"}), with_releases({"shop/a": release("podinfo", "CreateReplace"), "x/b": release("podinfo", "CreateReplace")})) == {{
	"pointer": "/spec/upgrade/crds",
	"message": `release "x/b" replaces the definitions of chart "podinfo" too: the older of the two wins whenever it is upgraded`,
	"mend": "let one release write them, and set Skip in the other",
}}

test_pass_one_writes if {
	every upgrade in [{}, {"crds": "Skip"}, {"crds": "Create"}] {
		whole(of("podinfo", upgrade), with_releases({"x/b": release("podinfo", "CreateReplace")})) == set()
	}
	whole(of("", {"crds": "CreateReplace"}), with_releases({"x/b": release("", "CreateReplace")})) == set()
}

test_unknown_first if whole(of("podinfo", {}), with_releases({"a/velero": release("velero", null), "a/set": release("other", "Skip"), "shop/a": release("podinfo", null), "shop/b": release("other", null)})) == {{
	"pointer": "/spec/upgrade/crds",
	"message": "whether their charts have definitions is not known for 2 releases, this one first",
	"mend": "set upgrade.crds, or name the charts in the parameters charts or without",
	"result": "unknown",
}}

test_pass_other_objects if {
	facts := with_releases({"shop/a": release("podinfo", null), "x/b": release("velero", "CreateReplace")})
	every doc in [
		{"apiVersion": "helm.cattle.io/v1", "kind": "HelmRelease"},
		{"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization"},
	] {
		every upgrade in [{}, {"crds": "Create"}, {"crds": "CreateReplace"}] {
			whole(fx.of(object.union(doc, {"metadata": fx.meta, "spec": {"chart": {"spec": {"chart": "velero"}}, "upgrade": upgrade}})), facts) == set()
		}
	}
}
