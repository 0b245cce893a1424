package dualtrack.rules.dt_git_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_005

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "warning")] | some f in findings} if {
	findings := dt_git_005.findings with input as doc with data.context as facts
}

production := fx.and_facts({"cluster": {"production": true}})

test_pass_prune if said(fx.flux("Kustomization", {"prune": true}), production) == set()

test_pass_not_production if found(fx.flux("Kustomization", {"prune": false})) == set()

test_fail_prune if {
	said(fx.flux("Kustomization", {"prune": false}), production) == {["/spec/prune", "warning"]}
	said(fx.flux("Kustomization", {}), production) == {["/spec/prune", "warning"]}
}

application(policy) := found(fx.argo("Application", {"syncPolicy": policy}))

test_pass_application if {
	application({"automated": {"prune": true}}) == set()
	application({}) == set()
	application({"automated": null}) == set()
}

test_fail_application if {
	application({"automated": {}}) == {["/spec/syncPolicy/automated/prune", "warning"]}
	application({"automated": {"prune": false}}) == {["/spec/syncPolicy/automated/prune", "warning"]}
}

test_fail_application_set if found(fx.argo("ApplicationSet", {"template": {"spec": {"syncPolicy": {"automated": {"selfHeal": true}}}}})) == {["/spec/template/spec/syncPolicy/automated/prune", "warning"]}

test_fail_allow_empty if application({"automated": {"prune": true, "allowEmpty": true}}) == {["/spec/syncPolicy/automated/allowEmpty", "error"]}

claim(annotations) := found(fx.of({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": object.union(fx.meta, {"annotations": annotations})}))

test_pass_guard if {
	claim({"kustomize.toolkit.fluxcd.io/prune": "disabled"}) == set()
	claim({"argocd.argoproj.io/sync-options": "Prune=false,Delete=false"}) == set()
	claim({}) == set()
}

test_fail_guard if {
	claim({"kustomize.toolkit.fluxcd.io/prune": "false"}) == {["/metadata/annotations/kustomize.toolkit.fluxcd.io~1prune", "warning"]}
	claim({"argocd.argoproj.io/sync-options": "Delete=false, Prune=disabled"}) == {["/metadata/annotations/argocd.argoproj.io~1sync-options", "warning"]}
}

test_pass_other_group if {
	said(fx.of({"apiVersion": "x.example/v1", "kind": "Kustomization", "spec": {}}), production) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Application", "spec": {"syncPolicy": {"automated": {}}}})) == set()
}

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_005.findings with input as doc with data.context as facts
}

stays(pointer) := {
	"pointer": pointer,
	"message": "what leaves the source stays in the cluster",
	"patch": [{"op": "add", "path": pointer, "value": true}],
}

deletes(pointer) := {
	"pointer": pointer,
	"severity": "error",
	"message": "a source that renders nothing deletes everything",
	"mend": "remove allowEmpty",
	"patch": [{"op": "remove", "path": pointer}],
}

test_fail_prune_patch if whole(fx.flux("Kustomization", {}), production) == {stays("/spec/prune")}

test_pass_others_of_flux if whole(fx.flux("HelmRelease", {}), production) == set()

careless := {"syncPolicy": {"automated": {"allowEmpty": true}}}

test_fail_careless if {
	whole(fx.argo("Application", careless), fx.facts) == {stays("/spec/syncPolicy/automated/prune"), deletes("/spec/syncPolicy/automated/allowEmpty")}
	whole(fx.argo("ApplicationSet", {"template": {"spec": careless}}), fx.facts) == {
		stays("/spec/template/spec/syncPolicy/automated/prune"),
		deletes("/spec/template/spec/syncPolicy/automated/allowEmpty"),
	}
}

test_pass_others_of_argo if {
	whole(fx.argo("AppProject", careless), fx.facts) == set()
	whole(fx.of({"apiVersion": "x.example/v1", "kind": "Application", "spec": careless}), fx.facts) == set()
	whole(fx.argo("Application", {"syncPolicy": {"automated": "odd"}}), fx.facts) == set()
}

holding(version, kind) := fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": "a", "annotations": {
	"kustomize.toolkit.fluxcd.io/prune": "enabled",
	"argocd.argoproj.io/sync-options": "Prune=true",
}}})

test_fail_guards if {
	every kind, version in {"CustomResourceDefinition": "apiextensions.k8s.io/v1", "Namespace": "v1", "PersistentVolumeClaim": "v1"} {
		whole(holding(version, kind), fx.facts) == {
			{
				"pointer": "/metadata/annotations/kustomize.toolkit.fluxcd.io~1prune",
				"message": sprintf(`kustomize.toolkit.fluxcd.io/prune says "enabled", so the %s and all that is in it go when Git drops it`, [kind]),
				"mend": "write the value that guards it, or drop the annotation",
			},
			{
				"pointer": "/metadata/annotations/argocd.argoproj.io~1sync-options",
				"message": sprintf(`argocd.argoproj.io/sync-options says "Prune=true", so the %s and all that is in it go when Git drops it`, [kind]),
				"mend": "write the value that guards it, or drop the annotation",
			},
		}
		whole(holding("x.example/v1", kind), fx.facts) == set()
	}
	whole(holding("v1", "ConfigMap"), fx.facts) == set()
}
