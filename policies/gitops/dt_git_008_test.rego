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
