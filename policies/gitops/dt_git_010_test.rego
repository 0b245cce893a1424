package dualtrack.rules.dt_git_010_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_010

found(doc) := {[f.pointer, object.get(f, "severity", "warning")] | some f in findings} if {
	findings := dt_git_010.findings with input as doc with data.context as fx.facts
}

at(pointer) := {[pointer, "warning"]}

test_pass_flux if {
	found(fx.flux("Kustomization", {"force": false})) == set()
	found(fx.flux("HelmRelease", {"upgrade": {"remediation": {"retries": 3}}})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Kustomization", "spec": {"force": true}})) == set()
}

test_fail_flux if {
	found(fx.flux("Kustomization", {"force": true})) == at("/spec/force")
	found(fx.flux("HelmRelease", {"upgrade": {"force": true}})) == at("/spec/upgrade/force")
	found(fx.flux("HelmRelease", {"rollback": {"force": true}})) == at("/spec/rollback/force")
}

test_pass_options if found(fx.argo("Application", {"syncPolicy": {"syncOptions": ["ServerSideApply=true", "Replace=false"]}})) == set()

test_fail_options if {
	found(fx.argo("Application", {"syncPolicy": {"syncOptions": ["a", "Replace=true"]}})) == at("/spec/syncPolicy/syncOptions/1")
	found(fx.argo("ApplicationSet", {"template": {"spec": {"syncPolicy": {"syncOptions": ["Force=true"]}}}})) == at("/spec/template/spec/syncPolicy/syncOptions/0")
}

object_of(version, kind, annotations, spec) := found(fx.of({"apiVersion": version, "kind": kind, "metadata": object.union(fx.meta, {"annotations": annotations}), "spec": spec}))

job(annotations) := object_of("batch/v1", "Job", annotations, {"activeDeadlineSeconds": 60})

argo_hook := "/metadata/annotations/argocd.argoproj.io~1hook"

helm_hook := "/metadata/annotations/helm.sh~1hook"

test_pass_annotation if {
	job({"argocd.argoproj.io/sync-options": "Prune=false"}) == set()
	job({}) == set()
	job(null) == set()
}

test_fail_annotation if job({"argocd.argoproj.io/sync-options": "Prune=false, Force=true"}) == at("/metadata/annotations/argocd.argoproj.io~1sync-options")

test_pass_hook if {
	job({"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"}) == set()
	job({"helm.sh/hook": "pre-install, pre-upgrade"}) == set()
	job({"helm.sh/hook": "test"}) == set()
}

test_fail_no_delete_policy if job({"argocd.argoproj.io/hook": "PreSync"}) == {[argo_hook, "info"]}

test_fail_made_anew if {
	doc := fx.of({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "migrate-", "annotations": {"argocd.argoproj.io/hook": "PreSync"}}, "spec": {}})
	found(doc) == at(argo_hook)
}

test_fail_rights if {
	object_of("rbac.authorization.k8s.io/v1", "Role", {"helm.sh/hook": "pre-install,pre-upgrade"}, {}) == at(helm_hook)
	object_of("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", {"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"}, {}) == at(argo_hook)
}

test_fail_no_deadline if {
	object_of("batch/v1", "Job", {"helm.sh/hook": "post-install,post-upgrade"}, {}) == at("/spec/activeDeadlineSeconds")
	object_of("batch/v1", "Job", {"argocd.argoproj.io/hook": "PostSync", "argocd.argoproj.io/hook-delete-policy": "HookFailed"}, {}) == at("/spec/activeDeadlineSeconds")
}

test_fail_install_only if {
	job({"helm.sh/hook": "pre-install"}) == at(helm_hook)
	job({"helm.sh/hook": "post-install,pre-upgrade"}) == at(helm_hook)
}

test_fail_both if job({"helm.sh/hook": "pre-install,pre-upgrade", "argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"}) == at(helm_hook)

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_010.findings with input as doc with data.context as facts
}

forced(pointer, message) := {"pointer": pointer, "message": message, "patch": [{"op": "remove", "path": pointer}]}

test_fail_force if {
	spec := {"force": true, "rollback": {"force": true}, "upgrade": {"force": true}}
	whole(fx.flux("Kustomization", spec), fx.facts) == {forced("/spec/force", "an immutable field that changes deletes the object, with what it holds")}
	whole(fx.flux("HelmRelease", spec), fx.facts) == {
		forced("/spec/rollback/force", "rollback that cannot be patched deletes the object, with what it holds"),
		forced("/spec/upgrade/force", "upgrade that cannot be patched deletes the object, with what it holds"),
	}
	every doc in [fx.flux("GitRepository", spec), fx.of({"apiVersion": "x.example/v1", "kind": "HelmRelease", "metadata": fx.meta, "spec": spec})] {
		whole(doc, fx.facts) == set()
	}
	whole(fx.flux("Kustomization", {}), fx.facts) == set()
}

test_fail_all_objects if {
	spec := {"syncPolicy": {"syncOptions": ["Force=true", "Replace=true"]}}
	whole(fx.argo("Application", spec), fx.facts) == {finding |
		some i, option in ["Force=true", "Replace=true"]
		finding := {
			"pointer": sprintf("/spec/syncPolicy/syncOptions/%d", [i]),
			"message": sprintf("%s holds for every object of the application", [option]),
			"mend": "write it as an annotation of the one object that needs it",
		}
	}
	whole(fx.argo("AppProject", spec), fx.facts) == set()
	whole(fx.of({"apiVersion": "x.example/v1", "kind": "Application", "metadata": fx.meta, "spec": spec}), fx.facts) == set()
}

annotated(version, kind, annotations) := whole(fx.of({"apiVersion": version, "kind": kind, "metadata": object.union(fx.meta, {"annotations": annotations})}), fx.facts)

test_fail_anew if annotated("v1", "ConfigMap", {"argocd.argoproj.io/sync-options": "Replace=true, Force=true"}) == {finding |
	some option in ["Force=true", "Replace=true"]
	finding := {
		"pointer": "/metadata/annotations/argocd.argoproj.io~1sync-options",
		"message": sprintf("Argo CD deletes and makes the object anew (%s)", [option]),
	}
}

made(annotations) := whole(fx.of({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "migrate-", "annotations": annotations}}), fx.facts)

test_pass_made_anew if {
	made({"a": "b"}) == set()
	made({"argocd.argoproj.io/hook": "PreSync", "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"}) == set()
}

test_pass_policy_of_helm if annotated("v1", "Pod", {"argocd.argoproj.io/hook": "PreSync", "helm.sh/hook-delete-policy": "hook-succeeded"}) == set()

# What a Job after the sync is told, and others are not.
test_fail_deadlines if {
	deadline := {
		"pointer": "/spec/activeDeadlineSeconds",
		"message": "a Job after the sync has no deadline: it may hold the sync for ever",
		"mend": "set spec.activeDeadlineSeconds",
	}
	every hook in ["PreSync, PostSync", "PostSync"] {
		annotations := {"argocd.argoproj.io/hook": hook, "argocd.argoproj.io/hook-delete-policy": "HookSucceeded"}
		annotated("batch/v1", "Job", annotations) == {deadline}
		annotated("v1", "Pod", annotations) == set()
	}
	annotated("batch/v1", "Job", {"helm.sh/hook": "post-upgrade"}) == {deadline}
	annotated("batch/v1", "Job", {"helm.sh/hook": "test"}) == set()
	annotated("batch/v1", "Job", {"helm.sh/hook": "post-install"}) == {deadline, on_every_sync("post-install", "post-upgrade")}
}

on_every_sync(hook, twin) := {
	"pointer": helm_hook,
	"message": sprintf("under Argo CD a %s hook runs on every sync, not at the install alone", [hook]),
	"mend": sprintf("make it safe to run again and name %s too, or make it no hook", [twin]),
}

test_fail_every_sync if annotated("v1", "Pod", {"helm.sh/hook": "pre-install"}) == {on_every_sync("pre-install", "pre-upgrade")}

test_fail_rights_by_hook if {
	annotations := {"helm.sh/hook": "test"}
	every kind in ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"] {
		annotated("rbac.authorization.k8s.io/v1", kind, annotations) == {{
			"pointer": helm_hook,
			"message": sprintf("a hook gives rights by a %s that no inventory holds", [kind]),
			"mend": "make it an object like the others",
		}}
		annotated("x.example/v1", kind, annotations) == set()
	}
	annotated("rbac.authorization.k8s.io/v1", "Other", annotations) == set()
}
