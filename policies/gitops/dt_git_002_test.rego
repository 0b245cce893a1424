package dualtrack.rules.dt_git_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_002

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_git_002.findings with input as doc with data.context as facts
}

at(pointer) := {[pointer, "finding"]}

own := {"kind": "GitRepository", "name": "a"}

other := {"kind": "GitRepository", "name": "a", "namespace": "flux-system"}

test_pass_own if {
	found(fx.flux("Kustomization", {"sourceRef": own, "dependsOn": [{"name": "b"}, {"name": "c", "namespace": "shop"}]})) == set()
	found(fx.flux("HelmRelease", {"chart": {"spec": {"chart": "c", "sourceRef": object.union(own, {"namespace": "shop"})}}})) == set()
}

test_pass_allowed if {
	every pair in [
		{"from": "shop", "to": "flux-system"}, {"from": "*", "to": "flux-system"}, {"from": "shop", "to": "*"},
		{"from": "sh?p", "to": "flux-*"}, {"from": "{till,shop}", "to": "/^flux-/"},
	] {
		said(fx.flux("Kustomization", {"sourceRef": other, "targetNamespace": "flux-system"}), fx.and_facts({"params": {"DT-GIT-002": {"allow": [pair]}}})) == set()
	}
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "Kustomization", "metadata": fx.meta, "spec": {"sourceRef": other}})) == set()

test_fail_source if found(fx.flux("Kustomization", {"sourceRef": other})) == at("/spec/sourceRef/namespace")

test_fail_chart if {
	found(fx.flux("HelmRelease", {"chart": {"spec": {"sourceRef": other}}})) == at("/spec/chart/spec/sourceRef/namespace")
	found(fx.flux("HelmRelease", {"chartRef": other})) == at("/spec/chartRef/namespace")
}

test_fail_depends_on if {
	found(fx.flux("Kustomization", {"dependsOn": [{"name": "b"}, {"name": "c", "namespace": "x"}]})) == at("/spec/dependsOn/1/namespace")
	found(fx.flux("HelmRelease", {"dependsOn": [{"name": "c", "namespace": "x"}]})) == at("/spec/dependsOn/0/namespace")
}

test_fail_image if {
	found(fx.flux("ImagePolicy", {"imageRepositoryRef": other})) == at("/spec/imageRepositoryRef/namespace")
	found(fx.flux("ImageUpdateAutomation", {"sourceRef": other})) == at("/spec/sourceRef/namespace")
}

test_fail_events if {
	found(fx.flux("Alert", {"eventSources": [{"kind": "Kustomization", "name": "*", "namespace": "x"}, "odd"]})) == at("/spec/eventSources/0/namespace")
	found(fx.flux("Receiver", {"resources": [other]})) == at("/spec/resources/0/namespace")
}

test_fail_target if {
	found(fx.flux("Kustomization", {"targetNamespace": "x"})) == at("/spec/targetNamespace")
	found(fx.flux("HelmRelease", {"targetNamespace": "shop", "storageNamespace": "x"})) == at("/spec/storageNamespace")
}

test_pass_target_of_platform if found(object.union(fx.flux("Kustomization", {"targetNamespace": "x"}), {"namespace": "flux-system"})) == set()

application(project) := fx.argo("Application", {"project": project})

projects(p) := fx.and_facts({"projects": {"team": p}})

test_pass_application if {
	every names in [["shop"], ["a", "*"], ["sh*"], ["*op"], ["s?op"], ["{till,sh?p}"], ["/^sh/"], ["[a-z]", "shop"]] {
		said(application("team"), projects({"namespace": "argocd", "sourceNamespaces": names})) == set()
	}
	said(application("team"), projects({"namespace": "shop", "sourceNamespaces": null})) == set()
	found(object.union(application("team"), {"namespace": "argocd"})) == set()
}

test_fail_application if {
	every names in [["shops"], ["a*", 5], null, ["s?p"], ["/^op/"]] {
		said(application("team"), projects({"namespace": "argocd", "sourceNamespaces": names})) == at("/metadata/namespace")
	}
}

# Readers differ in what such a pattern takes.
test_unknown_pattern if {
	every pattern in ["[a-z]*", "/(?!till)/", "{a"] {
		said(application("team"), projects({"namespace": "argocd", "sourceNamespaces": ["a", pattern]})) == {["/metadata/namespace", "unknown"]}
	}
}

test_unknown_project if found(application("elsewhere")) == {["/metadata/namespace", "unknown"]}

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_002.findings with input as doc with data.context as facts
}

test_pass_params if dt_git_002.meta.params == {"allow": [], "platformNS": ["flux-system"], "argoNS": "argocd"}

applies(pointer, to) := {
	"pointer": pointer,
	"severity": "warning",
	"message": sprintf(`it applies to namespace %q from "shop"`, [to]),
	"mend": "reconcile from the namespace itself, or name the pair in the parameter allow",
}

test_fail_whole if {
	every kind in ["HelmRelease", "Kustomization"] {
		spec := {"storageNamespace": "x", "targetNamespace": "y", "dependsOn": [{"name": "b", "namespace": "z"}]}
		whole(fx.flux(kind, spec), fx.facts) == {
			applies("/spec/storageNamespace", "x"),
			applies("/spec/targetNamespace", "y"),
			{"pointer": "/spec/dependsOn/0/namespace", "message": `it refers to namespace "z" from "shop"`},
		}
		whole(fx.of({"apiVersion": "x.example/v1", "kind": kind, "metadata": fx.meta, "spec": spec}), fx.facts) == set()
		whole(fx.flux("ImagePolicy", spec), fx.facts) == set()
	}
}

test_fail_other_pair if {
	every pair in [{"from": "other", "to": "flux-system"}, {"from": "shop", "to": "other"}, {"from": "shop", "to": "lux*"}, {"from": 5, "to": "*"}, {"from": "*"}, "*"] {
		facts := fx.and_facts({"params": {"DT-GIT-002": {"allow": [pair]}}})
		whole(fx.flux("Kustomization", {"targetNamespace": "flux-system"}), facts) == {applies("/spec/targetNamespace", "flux-system")}
	}
}

refused(kind, project) := {{
	"pointer": "/metadata/namespace",
	"message": sprintf(`project %q does not name "shop" among its sourceNamespaces`, [project]),
	"mend": sprintf("name the namespace there, or move the %s", [kind]),
	"result": "finding",
}}

test_fail_default_project if {
	facts := fx.and_facts({"projects": {"default": {"namespace": "argocd", "sourceNamespaces": ["op*"]}}})
	every spec in [{}, {"project": ""}, {"project": null}] {
		whole(fx.argo("Application", spec), facts) == refused("Application", "default")
	}
}

# What it makes stands beside it, in whatever project its template names.
test_fail_application_set if {
	made := fx.argo("ApplicationSet", {"template": {"spec": {"project": "team"}}})
	whole(made, projects({"namespace": "argocd", "sourceNamespaces": []})) == refused("ApplicationSet", "team")
	whole(made, projects({"namespace": "argocd", "sourceNamespaces": ["shop"]})) == set()
	whole(object.union(made, {"namespace": "argocd"}), projects({"namespace": "argocd", "sourceNamespaces": []})) == set()
}

test_unknown_application_set if {
	made := fx.argo("ApplicationSet", {"template": {"spec": {"project": "{{team}}"}}})
	whole(made, projects({"namespace": "argocd", "sourceNamespaces": []})) == {{
		"pointer": "/metadata/namespace",
		"message": `whether project "{{team}}" names "shop" among its sourceNamespaces is not known`,
		"mend": "name the namespace there, or move the ApplicationSet",
		"result": "unknown",
	}}
}

test_pass_others_of_argo if {
	facts := projects({"namespace": "argocd", "sourceNamespaces": []})
	whole(fx.argo("AppProject", {"project": "team", "template": {"spec": {"project": "team"}}}), facts) == set()
	whole(fx.of({"apiVersion": "x.example/v1", "kind": "Application", "metadata": fx.meta, "spec": {"project": "team"}}), facts) == set()
	whole(object.union(application("team"), {"namespace": ""}), facts) == set()
}
