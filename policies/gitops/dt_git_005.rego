package dualtrack.rules.dt_git_005

import data.dualtrack.gitops
import data.dualtrack.object as obj

meta := {
	"id": "DT-GIT-005",
	"title": "Prune that is off, or without a guard",
	"severity": "warning",
	"profile": "fleet",
	"why": "Without prune what Git drops lives on, and is judged by nobody; with allowEmpty one empty render deletes all.",
	"mend": "set prune true, and guard what holds data by kustomize.toolkit.fluxcd.io/prune: disabled or Prune=false on the object",
	"refs": [],
}

findings contains {
	"pointer": "/spec/prune",
	"message": "what leaves the source stays in the cluster",
	"patch": [{"op": "add", "path": "/spec/prune", "value": true}],
} if {
	input.kind == "Kustomization"
	gitops.flux
	data.context.cluster.production
	object.get(gitops.spec, "prune", false) != true
}

automated := gitops.application.spec.syncPolicy.automated

findings contains {
	"pointer": concat("", [gitops.application.pointer, "/syncPolicy/automated/prune"]),
	"message": "what leaves the source stays in the cluster",
	"patch": [{"op": "add", "path": concat("", [gitops.application.pointer, "/syncPolicy/automated/prune"]), "value": true}],
} if {
	input.kind in {"Application", "ApplicationSet"}
	is_object(automated)
	object.get(automated, "prune", false) != true
}

findings contains {
	"pointer": concat("", [gitops.application.pointer, "/syncPolicy/automated/allowEmpty"]),
	"severity": "error",
	"message": "a source that renders nothing deletes everything",
	"mend": "remove allowEmpty",
	"patch": [{"op": "remove", "path": concat("", [gitops.application.pointer, "/syncPolicy/automated/allowEmpty"])}],
} if {
	input.kind in {"Application", "ApplicationSet"}
	is_object(automated)
	object.get(automated, "allowEmpty", false) == true
}

guarded := {
	"CustomResourceDefinition": "apiextensions.k8s.io",
	"Namespace": "",
	"PersistentVolumeClaim": "",
}

# An object that says in Git that it may be pruned, against what guards data.
findings contains {
	"pointer": obj.pointer("/metadata/annotations", [key]),
	"message": sprintf("%s says %q, so the %s and all that is in it go when Git drops it", [key, value, input.kind]),
	"mend": "write the value that guards it, or drop the annotation",
} if {
	input.kind in {"CustomResourceDefinition", "Namespace", "PersistentVolumeClaim"}
	guarded[input.kind] == input.group
	some key, value in obj.member(input.object, ["metadata", "annotations"])
	misspelt(key, obj.text(value))
}

# The annotations are there to guard, and with such a value they do not.
misspelt("kustomize.toolkit.fluxcd.io/prune", value) if value != "disabled"

misspelt("argocd.argoproj.io/sync-options", value) if regex.match(`(?i)(^|,)\s*prune\s*=\s*(true|disabled|no|off)`, value)
