package dualtrack.rules.dt_git_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_001

found(doc) := said(doc, fx.facts)

said(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_git_001.findings with input as doc with data.context as facts
}

kinds := ["HelmRelease", "Kustomization"]

test_pass_account if {
	every kind in kinds {
		found(fx.flux(kind, {"serviceAccountName": "shop"})) == set()
	}
}

test_pass_platform if found(object.union(fx.flux("Kustomization", {}), {"namespace": "flux-system"})) == set()

# The account is one of the other cluster.
test_pass_remote if {
	found(fx.flux("Kustomization", {"kubeConfig": {"secretRef": {"name": "a"}}})) == set()
	said(fx.flux("Kustomization", {"serviceAccountName": "root", "kubeConfig": {"secretRef": {"name": "a"}}}), admins) == set()
}

flag(controller, value) := fx.and_facts({"fluxFlags": {controller: ["--log-level=info", value]}})

test_pass_flag if said(fx.flux("Kustomization", {}), flag("kustomize-controller", "--default-service-account=default")) == set()

# kustomize.config.k8s.io has a Kustomization too.
test_pass_other_group if found(fx.of({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "metadata": fx.meta})) == set()

test_fail_none if {
	every kind in kinds {
		found(fx.flux(kind, {})) == {"/spec"}
		found(fx.flux(kind, {"serviceAccountName": ""})) == {"/spec"}
	}
}

test_fail_other_flag if {
	said(fx.flux("Kustomization", {}), flag("helm-controller", "--default-service-account=default")) == {"/spec"}
	said(fx.flux("Kustomization", {}), flag("kustomize-controller", "--default-service-account=")) == {"/spec"}
}

admins := fx.and_facts({"admins": {"shop": ["root"]}})

test_fail_admin if said(fx.flux("HelmRelease", {"serviceAccountName": "root"}), admins) == {"/spec/serviceAccountName"}

test_pass_admin_elsewhere if said(fx.flux("HelmRelease", {"serviceAccountName": "root"}), fx.and_facts({"admins": {"other": ["root"]}})) == set()
