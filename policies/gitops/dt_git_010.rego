package dualtrack.rules.dt_git_010

import data.dualtrack.gitops
import data.dualtrack.object as obj

meta := {
	"id": "DT-GIT-010",
	"title": "Force, replace, and hooks",
	"severity": "warning",
	"profile": "fleet",
	"why": "Force and replace delete an object to make it anew, with what it holds; a hook runs outside of the order and the inventory that everything else has.",
	"mend": "remove it, and rename an object whose immutable field must change",
	"refs": ["PCI DSS 6.5"],
}

findings contains {
	"pointer": "/spec/force",
	"message": "an immutable field that changes deletes the object, with what it holds",
	"patch": [{"op": "remove", "path": "/spec/force"}],
} if {
	input.kind == "Kustomization"
	gitops.flux
	object.get(gitops.spec, "force", false) == true
}

findings contains {
	"pointer": obj.pointer("/spec", [action, "force"]),
	"message": sprintf("%s that cannot be patched deletes the object, with what it holds", [action]),
	"patch": [{"op": "remove", "path": obj.pointer("/spec", [action, "force"])}],
} if {
	input.kind == "HelmRelease"
	gitops.flux
	some action in ["rollback", "upgrade"]
	object.get(gitops.spec, [action, "force"], false) == true
}

findings contains {
	"pointer": obj.pointer(gitops.application.pointer, ["syncPolicy", "syncOptions", i]),
	"message": sprintf("%s holds for every object of the application", [option]),
	"mend": "write it as an annotation of the one object that needs it",
} if {
	input.kind in {"Application", "ApplicationSet"}
	some i, option in obj.items(gitops.application.spec, ["syncPolicy", "syncOptions"])
	option in {"Force=true", "Replace=true"}
}

annotations := input.object.metadata.annotations

findings contains {
	"pointer": obj.pointer("/metadata/annotations", ["argocd.argoproj.io/sync-options"]),
	"message": sprintf("Argo CD deletes and makes the object anew (%s)", [option]),
} if {
	options := obj.text(input.object.metadata.annotations["argocd.argoproj.io/sync-options"])
	some option in split(replace(options, " ", ""), ",")
	option in {"Force=true", "Replace=true"}
}

argo_hooks := split(replace(obj.text(annotations["argocd.argoproj.io/hook"]), " ", ""), ",")

helm_hooks := split(replace(obj.text(annotations["helm.sh/hook"]), " ", ""), ",")

at_argo := obj.pointer("/metadata/annotations", ["argocd.argoproj.io/hook"])

at_helm := obj.pointer("/metadata/annotations", ["helm.sh/hook"])

# Without a policy a hook is deleted before the next of its name: with a name
# that the server makes, never.
findings contains {
	"pointer": at_argo,
	"message": "each sync leaves another object: its name is made anew, and no delete policy removes the last one",
	"mend": "set argocd.argoproj.io/hook-delete-policy: HookSucceeded",
} if {
	input.object.metadata.annotations["argocd.argoproj.io/hook"]
	obj.text(object.get(input.object.metadata, "generateName", "")) != ""
	object.get(annotations, "argocd.argoproj.io/hook-delete-policy", "") == ""
}

findings contains {
	"pointer": at_argo,
	"severity": "info",
	"message": "the hook has no delete policy: what it made stays until the next sync",
	"mend": "set argocd.argoproj.io/hook-delete-policy",
} if {
	input.object.metadata.annotations["argocd.argoproj.io/hook"]
	obj.text(object.get(input.object.metadata, "generateName", "")) == ""
	object.get(annotations, "argocd.argoproj.io/hook-delete-policy", "") == ""
	object.get(annotations, "helm.sh/hook-delete-policy", "") == ""
}

hooks contains at_argo if argo_hooks

hooks contains at_helm if helm_hooks

findings contains {
	"pointer": at,
	"message": sprintf("a hook gives rights by a %s that no inventory holds", [input.kind]),
	"mend": "make it an object like the others",
} if {
	input.kind in {"ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"}
	input.group == "rbac.authorization.k8s.io"
	some at in hooks
}

findings contains {
	"pointer": "/spec/activeDeadlineSeconds",
	"message": "a Job after the sync has no deadline: it may hold the sync for ever",
	"mend": "set spec.activeDeadlineSeconds",
} if {
	input.kind == "Job"
	after
	object.get(input.object, ["spec", "activeDeadlineSeconds"], null) == null
}

after if "PostSync" in argo_hooks

after if {
	some hook in helm_hooks
	hook in {"post-install", "post-upgrade"}
}

# Argo CD knows one phase for both.
pairs := {"pre-install": "pre-upgrade", "post-install": "post-upgrade"}

findings contains {
	"pointer": at_helm,
	"message": sprintf("under Argo CD a %s hook runs on every sync, not at the install alone", [hook]),
	"mend": sprintf("make it safe to run again and name %s too, or make it no hook", [twin]),
} if {
	input.object.metadata.annotations["helm.sh/hook"]
	some hook, twin in pairs
	hook in helm_hooks
	not twin in helm_hooks
}

findings contains {
	"pointer": at_helm,
	"message": "the object is a hook of Argo CD and of Helm: Argo CD then goes by its own alone",
	"mend": "leave one of the two",
} if {
	input.object.metadata.annotations["helm.sh/hook"]
	input.object.metadata.annotations["argocd.argoproj.io/hook"]
}
