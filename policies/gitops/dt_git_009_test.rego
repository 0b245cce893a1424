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

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_009.findings with input as doc with data.context as facts
}

unseen(patch) := {"pointer": "/spec/driftDetection/mode", "message": "the release does not look for drift", "patch": patch}

test_fail_release_patch if {
	whole(fx.flux("HelmRelease", {}), fx.facts) == {unseen([{"op": "add", "path": "/spec/driftDetection", "value": {"mode": "enabled"}}])}
	whole(fx.flux("HelmRelease", {"driftDetection": {"mode": ""}}), fx.facts) == {unseen([{"op": "add", "path": "/spec/driftDetection/mode", "value": "enabled"}])}
}

test_pass_release_of_others if whole(fx.of({"apiVersion": "x.example/v1", "kind": "HelmRelease", "spec": {}}), fx.facts) == set()

odd := {
	"syncPolicy": {"automated": {}},
	"ignoreDifferences": [{
		"jsonPointers": ["/spec", "/spec/replicas"],
		"jqPathExpressions": [".", ".metadata", ".spec", ".spec[]", ".spec.replicas"],
		"managedFieldsManagers": ["kubectl"],
	}],
}

findings_below(base) := {
	{
		"pointer": concat("", [base, "/syncPolicy/automated/selfHeal"]),
		"message": "what is changed by hand stays until Git changes",
		"patch": [{"op": "add", "path": concat("", [base, "/syncPolicy/automated/selfHeal"]), "value": true}],
	},
	{
		"pointer": concat("", [base, "/ignoreDifferences/0/managedFieldsManagers/0"]),
		"message": `what "kubectl" writes is what a person changed by hand`,
		"mend": "name controllers alone",
	},
	as_good(base, "jsonPointers/0", "/spec"),
	as_good(base, "jqPathExpressions/0", "."),
	as_good(base, "jqPathExpressions/1", ".metadata"),
	as_good(base, "jqPathExpressions/2", ".spec"),
	as_good(base, "jqPathExpressions/3", ".spec[]"),
}

as_good(base, at, path) := {
	"pointer": concat("", [base, "/ignoreDifferences/0/", at]),
	"message": sprintf("%q is as good as the whole object", [path]),
	"mend": "name the single field",
}

test_fail_all_of_argo if {
	whole(fx.argo("Application", odd), fx.facts) == findings_below("/spec")
	whole(fx.argo("ApplicationSet", {"template": {"spec": odd}}), fx.facts) == findings_below("/spec/template/spec")
}

test_pass_others_of_argo if {
	whole(fx.argo("AppProject", odd), fx.facts) == set()
	whole(fx.argo("Application", {"syncPolicy": {"automated": "odd"}}), fx.facts) == set()
	whole(fx.of({"apiVersion": "x.example/v1", "kind": "Application", "spec": odd}), fx.facts) == set()
}

paused(kind, paused, annotations) := object.union(fx.flux(kind, {}), {"object": {
	"metadata": {"annotations": annotations},
	"spec": {"suspend": paused, "driftDetection": {"mode": "enabled"}},
}})

since(time) := {"platform.dualtrack.internal/suspended-since": time}

pausing := {"Bucket", "GitRepository", "HelmChart", "HelmRelease", "HelmRepository", "ImageRepository", "ImageUpdateAutomation", "Kustomization", "OCIRepository"}

# Seven days and a second before the eleventh of January.
test_fail_kinds_suspended if {
	every kind in pausing {
		whole(paused(kind, true, since("1970-01-03T23:59:59Z")), tenth) == {{
			"pointer": "/spec/suspend",
			"message": "suspended since 1970-01-03T23:59:59Z, which is more than 7 days",
			"mend": "resume it, or remove it",
		}}
	}
}

test_pass_seven_days if whole(paused("Kustomization", true, since("1970-01-04T00:00:00Z")), tenth) == set()

test_pass_resumed if {
	whole(paused("Kustomization", false, since("1970-01-01T00:00:00Z")), tenth) == set()
	whole(paused("Kustomization", null, {}), tenth) == set()
}

test_unknown_kinds_suspended if {
	every kind in pausing {
		whole(paused(kind, true, null), tenth) == {{
			"pointer": "/spec/suspend",
			"message": "suspended, and the object does not say since when",
			"mend": "annotate it with platform.dualtrack.internal/suspended-since: an RFC 3339 time, or resume it",
			"result": "unknown",
		}}
	}
}

test_pass_kinds_that_bring_nothing if {
	every kind in ["Alert", "ImagePolicy", "Receiver"] {
		whole(paused(kind, true, {}), tenth) == set()
		whole(paused(kind, true, since("1970-01-01T00:00:00Z")), tenth) == set()
	}
}

test_pass_dates if {
	every time in [
		"1970-01-31T23:59:59Z",
		"2000-02-29T00:00:00Z",
		"2024-02-29T00:00:00-23:59",
		"2026-02-28T00:00:00+02:00",
		"2026-04-30T00:00:00Z",
		"2196-02-29T00:00:00Z",
		"2026-12-31T00:00:00Z",
	] {
		whole(paused("Kustomization", true, since(time)), tenth) == set()
	}
}

# What is no time is not parsed.
test_unknown_dates if {
	every time in [
		"1500-01-01T00:00:00Z",
		"1900-02-29T00:00:00Z",
		"2023-02-29T00:00:00Z",
		"2026-00-01T00:00:00Z",
		"2026-02-30T00:00:00Z",
		"2026-04-31T00:00:00Z",
		"2026-13-01T00:00:00Z",
		"2026-01-00T00:00:00Z",
		"2026-01-01T24:00:00Z",
		"2026-01-01T00:60:00Z",
		"2026-01-01T00:00:00",
		"2026-01-01T00:00:00+24:00",
		"2026-01-01T00:00:00ZT",
		"2026-01-01 00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2300-01-01T00:00:00Z",
	] {
		found(suspended(time)) == {["/spec/suspend", "unknown"]}
	}
}
