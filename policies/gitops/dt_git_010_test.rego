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
