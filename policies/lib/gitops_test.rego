package dualtrack.gitops_test

import data.dualtrack.fixture as fx
import data.dualtrack.gitops

flux(group) if gitops.flux with input as {"group": group}

argo(group) if gitops.argo with input as {"group": group}

test_pass_groups if {
	flux("source.toolkit.fluxcd.io")
	not flux("source.toolkit.fluxcd.io.example")
	not flux("argoproj.io")
	argo("argoproj.io")
	not argo("x.argoproj.io")
}

of(doc) := found if {
	found := gitops.sources with input as doc
}

spec := {"source": {"path": "a"}, "sources": [{"path": "b"}, "odd", {"path": "c"}]}

below(base) := [
	{"pointer": concat("", [base, "/source"]), "source": {"path": "a"}},
	{"pointer": concat("", [base, "/sources/0"]), "source": {"path": "b"}},
	{"pointer": concat("", [base, "/sources/2"]), "source": {"path": "c"}},
]

test_pass_sources if {
	of(fx.argo("Application", spec)) == below("/spec")
	of(fx.argo("ApplicationSet", {"template": {"spec": spec}})) == below("/spec/template/spec")
	every odd in [{}, {"source": "odd"}, {"source": null, "sources": "odd"}] {
		of(fx.argo("Application", odd)) == []
	}
}

test_pass_no_application if {
	of(fx.argo("AppProject", spec)) == []
	every kind in ["Application", "ApplicationSet"] {
		of(fx.of({"apiVersion": "x.example/v1", "kind": kind, "spec": {"source": {}, "template": {"spec": spec}}})) == []
	}
}

test_pass_templated if {
	gitops.templated("{{ .a }}")
	gitops.templated("a-{{ .a }}")
	not gitops.templated("a")
}
