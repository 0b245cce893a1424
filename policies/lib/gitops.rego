# What Flux and Argo CD are told: sources, and where each stands.
package dualtrack.gitops

import data.dualtrack.object as obj

flux if endswith(input.group, ".toolkit.fluxcd.io")

argo if input.group == "argoproj.io"

spec := obj.member(input.object, "spec")

# application is the spec of an Application, or of what an ApplicationSet makes.
application := {"pointer": "/spec", "spec": spec} if {
	argo
	input.kind == "Application"
}

application := {"pointer": "/spec/template/spec", "spec": obj.member(spec, ["template", "spec"])} if {
	argo
	input.kind == "ApplicationSet"
}

# sources are those of an application, one or several.
sources := array.concat(
	[{"pointer": concat("", [application.pointer, "/source"]), "source": s} | s := application.spec.source; is_object(s)],
	[{"pointer": obj.pointer(application.pointer, ["sources", i]), "source": s} | some i, s in obj.items(application.spec, "sources"); is_object(s)],
)

# templated says that a generator fills the value in.
templated(value) if contains(value, "{{")
