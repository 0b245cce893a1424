package dualtrack.rules.dt_git_002

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-GIT-002",
	"title": "Reference into another namespace",
	"severity": "error",
	"profile": "fleet",
	"why": "A reference across namespaces makes what one tenant writes the other's: sources with their credentials, and objects in its namespace.",
	"mend": "move the source into the namespace, or name the pair in the parameter allow",
	"refs": ["PCI DSS 7.2"],
	"params": {"allow": [], "platformNS": ["flux-system"], "argoNS": "argocd"},
}

# Where kinds of Flux refer to other objects.
single := {
	"HelmRelease": [["chart", "spec", "sourceRef"], ["chartRef"]],
	"ImagePolicy": [["imageRepositoryRef"]],
	"ImageUpdateAutomation": [["sourceRef"]],
	"Kustomization": [["sourceRef"]],
}

lists := {
	"Alert": ["eventSources"],
	"HelmRelease": ["dependsOn"],
	"Kustomization": ["dependsOn"],
	"Receiver": ["resources"],
}

references := array.concat(
	[{"pointer": obj.pointer("/spec", path), "ref": obj.member(gitops.spec, path)} | some path in single[input.kind]],
	[{"pointer": obj.pointer("/spec", [field, i]), "ref": ref} |
		some field in lists[input.kind]
		some i, ref in obj.items(gitops.spec, field)
		is_object(ref)
	],
)

findings contains {
	"pointer": concat("", [at.pointer, "/namespace"]),
	"message": sprintf("it refers to namespace %q from %q", [to, input.namespace]),
} if {
	input.kind in {"Alert", "HelmRelease", "ImagePolicy", "ImageUpdateAutomation", "Kustomization", "Receiver"}
	gitops.flux
	some at in references
	to := obj.text(object.get(at.ref, "namespace", ""))
	not to in {"", input.namespace}
	not allowed(to)
}

allowed(to) if {
	some pair in params.of(meta).allow
	pair.from in {"*", input.namespace}
	pair.to in {"*", to}
}

# The other door: what is applied stands in another namespace.
findings contains {
	"pointer": obj.pointer("/spec", [field]),
	"severity": "warning",
	"message": sprintf("it applies to namespace %q from %q", [to, input.namespace]),
	"mend": "reconcile from the namespace itself, or name the pair in the parameter allow",
} if {
	input.kind in {"HelmRelease", "Kustomization"}
	gitops.flux
	not input.namespace in params.of(meta).platformNS
	some field in ["storageNamespace", "targetNamespace"]
	to := obj.text(object.get(gitops.spec, field, ""))
	not to in {"", input.namespace}
	not allowed(to)
}

# An Application outside Argo CD's namespace needs a project that lets it.
findings contains {
	"pointer": "/metadata/namespace",
	"message": sprintf("project %q does not name %q among its sourceNamespaces", [project, input.namespace]),
	"mend": "name the namespace there, or move the Application",
	"result": result,
} if {
	input.kind == "Application"
	gitops.argo
	not input.namespace in {"", params.of(meta).argoNS}
	project := obj.text(object.get(gitops.spec, "project", "default"))
	result := admitted(object.get(data.context.projects, project, null))
}

admitted(null) := "unknown"

admitted(project) := "finding" if {
	is_object(project)
	not input.namespace == project.namespace
	not matches(obj.items(project, "sourceNamespaces"))
}

matches(list) if {
	input.namespace in list
}

matches(list) if {
	some entry in list
	endswith(obj.text(entry), "*")
	startswith(input.namespace, trim_suffix(entry, "*"))
}
