package dualtrack.rules.dt_git_002

import data.dualtrack.gitops
import data.dualtrack.glob
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
	# Pairs {from, to} of namespaces, each a name, a glob or /a regular expression/.
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
	glob.fits(pair.from, input.namespace)
	glob.fits(pair.to, to)
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

# An Application outside Argo CD's namespace needs a project that lets it: its own, or
# one that an ApplicationSet makes beside itself.
findings contains {
	"pointer": "/metadata/namespace",
	"message": said(result, project),
	"mend": mends[input.kind],
	"result": result,
} if {
	input.kind in {"Application", "ApplicationSet"}
	not input.namespace in {"", params.of(meta).argoNS}
	project := named(obj.text(object.get(gitops.application.spec, "project", "")))
	result := admitted(object.get(data.context.projects, project, null))
}

mends := {
	"Application": "name the namespace there, or move the Application",
	"ApplicationSet": "name the namespace there, or move the ApplicationSet",
}

named("") := "default"

named(project) := project if project != ""

said("finding", project) := sprintf("project %q does not name %q among its sourceNamespaces", [project, input.namespace])

said("unknown", project) := sprintf("whether project %q names %q among its sourceNamespaces is not known", [project, input.namespace])

admitted(null) := "unknown"

admitted(project) := result if {
	is_object(project)
	not input.namespace == project.namespace
	patterns := obj.items(project, "sourceNamespaces")
	not matches(patterns)
	result := judged(patterns)
}

matches(patterns) if {
	some pattern in patterns
	glob.fits(pattern, input.namespace)
}

# A pattern that is not read here may be one that lets it.
judged(patterns) := "unknown" if count(unclear(patterns)) > 0

judged(patterns) := "finding" if count(unclear(patterns)) == 0

unclear(patterns) := {p | some p in patterns; glob.unclear(p)}
