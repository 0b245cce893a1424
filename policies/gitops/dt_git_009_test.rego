package dualtrack.rules.dt_git_009_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_009

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_git_009.findings with input as doc with data.context as facts
}

at(pointer) := {[pointer, "finding"]}

release(detection) := found(fx.flux("HelmRelease", {"driftDetection": detection}))

test_pass_release if {
	release({"mode": "enabled"}) == set()
	release({"mode": "warn"}) == set()
}

test_fail_release if {
	release({"mode": "disabled"}) == at("/spec/driftDetection/mode")
	release({}) == at("/spec/driftDetection/mode")
	release(null) == at("/spec/driftDetection/mode")
}

application(policy, ignored) := found(fx.argo("Application", {"syncPolicy": policy, "ignoreDifferences": ignored}))

test_pass_application if {
	application({"automated": {"selfHeal": true}}, [{"jsonPointers": ["/spec/replicas"], "jqPathExpressions": [".spec.template"], "managedFieldsManagers": ["kube-controller-manager"]}]) == set()
	application({}, null) == set()
	application({}, ["odd"]) == set()
}

test_fail_no_healing if application({"automated": {"prune": true}}, []) == at("/spec/syncPolicy/automated/selfHeal")

test_fail_application_set if found(fx.argo("ApplicationSet", {"template": {"spec": {"syncPolicy": {"automated": {}}}}})) == at("/spec/template/spec/syncPolicy/automated/selfHeal")

test_fail_ignored if {
	every path in ["/spec", "/metadata", "", "/", "/spec/"] {
		application({}, [{"jsonPointers": [path]}]) == at("/spec/ignoreDifferences/0/jsonPointers/0")
	}
	application({}, [{}, {"jqPathExpressions": [".a", ".spec"]}]) == at("/spec/ignoreDifferences/1/jqPathExpressions/1")
}

test_fail_human if application({}, [{"managedFieldsManagers": ["kubectl-edit"]}]) == at("/spec/ignoreDifferences/0/managedFieldsManagers/0")

suspended(since) := fx.of({
	"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "spec": {"suspend": true},
	"metadata": object.union(fx.meta, {"annotations": {"platform.dualtrack.internal/suspended-since": since}}),
})

# The eleventh of January 1970.
tenth := fx.and_facts({"now": 864000})

test_pass_suspended if {
	said(suspended("1970-01-05T00:00:00Z"), tenth) == set()
	found(fx.flux("Kustomization", {"suspend": false})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Kustomization", "spec": {"suspend": true}})) == set()
}

test_fail_suspended if said(suspended("1970-01-02T00:00:00+01:00"), tenth) == at("/spec/suspend")

test_unknown_suspended if {
	found(fx.flux("GitRepository", {"suspend": true})) == {["/spec/suspend", "unknown"]}
	said(suspended("last week"), tenth) == {["/spec/suspend", "unknown"]}
}
