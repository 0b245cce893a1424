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

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_001.findings with input as doc with data.context as facts
}

test_fail_whole if {
	every kind, controller in {"HelmRelease": "helm-controller", "Kustomization": "kustomize-controller"} {
		whole(fx.flux(kind, {}), fx.facts) == {{
			"pointer": "/spec",
			"message": sprintf("the %s names no service account, so it acts as %s", [kind, controller]),
		}}
		whole(fx.flux(kind, {"serviceAccountName": "root"}), admins) == {{
			"pointer": "/spec/serviceAccountName",
			"message": `cluster-admin is bound to service account "root"`,
			"mend": "bind a role that holds what is to be applied",
		}}
	}
}

test_pass_other_kinds if {
	every account in ["", "root"] {
		whole(fx.flux("Bucket", {"serviceAccountName": account}), admins) == set()
	}
}

test_pass_admin_of_platform if {
	facts := fx.and_facts({"admins": {"flux-system": ["root"]}})
	whole(object.union(fx.flux("Kustomization", {"serviceAccountName": "root"}), {"namespace": "flux-system"}), facts) == set()
}
