package dualtrack.rules.dt_git_006_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_006

unit(needs) := {"needs": needs, "waits": true, "component": "shop", "chart": null}

known := fx.and_facts({"reconcilers": {
	"Kustomization": {
		"shop/a": unit(["shop/ring"]),
		"shop/base": unit([]),
		"shop/hasty": object.union(unit([]), {"waits": false}),
		"shop/ring": unit(["shop/more"]),
		"shop/more": unit(["shop/a"]),
	},
	"HelmRelease": {"shop/a": unit([]), "shop/operator": unit([])},
}})

found(doc) := said(doc, known)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_git_006.findings with input as doc with data.context as facts
}

on(name) := found(fx.flux("Kustomization", {"dependsOn": [{"name": name}]}))

error := {["/spec/dependsOn/0", "error"]}

test_pass_known if {
	on("base") == set()
	found(fx.flux("Kustomization", {"dependsOn": [{"name": "base", "namespace": "shop"}]})) == set()
	found(fx.flux("HelmRelease", {"dependsOn": [{"name": "operator"}]})) == set()
	found(fx.flux("Kustomization", {})) == set()
}

test_fail_other_kind if on("operator") == error

test_fail_missing if {
	on("nobody") == error
	found(fx.flux("Kustomization", {"dependsOn": [{"name": "base", "namespace": "x"}]})) == error
}

test_unknown_partial if {
	findings := dt_git_006.findings with input as fx.flux("Kustomization", {"dependsOn": [{"name": "nobody"}]}) with data.context as object.union(known, {"partial": true})
	fx.results(findings) == {"unknown"}
}

test_fail_ring if on("ring") == error

test_fail_itself if {
	alone := fx.and_facts({"reconcilers": {"Kustomization": {"shop/a": unit(["shop/a"])}}})
	said(fx.flux("Kustomization", {"dependsOn": [{"name": "a"}]}), alone) == error
}

test_fail_hasty if on("hasty") == {["/spec/dependsOn/0", "info"]}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "Kustomization", "metadata": fx.meta, "spec": {"dependsOn": [{"name": "x"}]}})) == set()

release(chart) := fx.flux("HelmRelease", {"chart": {"spec": {"chart": chart}}})

with_objects(component) := object.union(known, {"customGroups": {"cert-manager.io": [component]}})

test_fail_chicken_and_egg if said(release("cert-manager"), with_objects("shop")) == {["/spec/chart/spec/chart", "error"]}

test_pass_apart if {
	said(release("cert-manager"), with_objects("other")) == set()
	said(release("podinfo"), with_objects("shop")) == set()
	said(release("cert-manager"), known) == set()
}

# A definition that stands there by itself is applied first.
test_pass_definition if said(release("cert-manager"), object.union(with_objects("shop"), {"crdGroups": {"cert-manager.io": ["Certificate"]}})) == set()

# whole is every finding with all that it says.
whole(doc, facts) := findings if {
	findings := dt_git_006.findings with input as doc with data.context as facts
}

needing(kind, name) := fx.flux(kind, {"dependsOn": [{"name": name}]})

# Both kinds know the same names, to see which of them is asked.
two := fx.and_facts({"reconcilers": {
	"Kustomization": {
		"shop/a": unit(["shop/ring"]),
		"shop/both": unit([]),
		"shop/kustomization": object.union(unit([]), {"waits": false}),
		"shop/ring": unit(["shop/a"]),
	},
	"HelmRelease": {
		"shop/a": unit(["shop/ring"]),
		"shop/both": unit([]),
		"shop/release": object.union(unit([]), {"waits": false}),
		"shop/ring": unit(["shop/a"]),
	},
}})

test_pass_both if {
	whole(needing("HelmRelease", "both"), two) == set()
	whole(needing("Kustomization", "both"), two) == set()
}

test_fail_wrong_kind if {
	whole(needing("HelmRelease", "kustomization"), two) == {{
		"pointer": "/spec/dependsOn/0",
		"message": `Kustomization "kustomization" is a Kustomization, and a HelmRelease waits only for its own kind`,
		"mend": "depend on the unit that holds it",
	}}
	whole(needing("Kustomization", "release"), two) == {{
		"pointer": "/spec/dependsOn/0",
		"message": `HelmRelease "release" is a HelmRelease, and a Kustomization waits only for its own kind`,
		"mend": "depend on the unit that holds it",
	}}
}

test_fail_nobody if {
	every kind in ["HelmRelease", "Kustomization"] {
		missing := {
			"pointer": "/spec/dependsOn/0",
			"message": sprintf(`there is no %s "shop/nobody", so this one waits for ever`, [kind]),
			"mend": "name one that there is",
		}
		every facts in [two, fx.facts] {
			whole(needing(kind, "nobody"), facts) == {object.union(missing, {"result": "finding"})}
			whole(needing(kind, "nobody"), object.union(facts, {"partial": true})) == {object.union(missing, {"result": "unknown"})}
		}
	}
}

test_fail_rings if {
	every kind in ["HelmRelease", "Kustomization"] {
		whole(needing(kind, "ring"), two) == {{
			"pointer": "/spec/dependsOn/0",
			"message": `"shop/ring" waits for this one too, so neither is ever applied`,
			"mend": "break the ring",
		}}
	}
}

test_fail_not_waiting if whole(needing("Kustomization", "kustomization"), two) == {{
	"pointer": "/spec/dependsOn/0",
	"severity": "info",
	"message": `"shop/kustomization" neither waits nor checks health: it is called ready as soon as it is applied`,
	"mend": "set wait: true there",
}}

# Helm waits by itself.
test_pass_release_not_waiting if whole(needing("HelmRelease", "release"), two) == set()

test_pass_other_kinds if {
	every name in ["nobody", "ring", "kustomization", "release"] {
		whole(needing("GitRepository", name), two) == set()
	}
}

installing(kind, version, chart) := fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": {"chart": {"spec": {"chart": chart}}}})

test_fail_charts if {
	every chart, groups in {
		"cert-manager": {"acme.cert-manager.io", "cert-manager.io"},
		"external-secrets": {"external-secrets.io"},
		"flink-kubernetes-operator": {"flink.apache.org"},
		"gatekeeper": {"constraints.gatekeeper.sh", "templates.gatekeeper.sh"},
		"istio-base": {"networking.istio.io", "security.istio.io", "telemetry.istio.io"},
		"keda": {"keda.sh"},
		"kube-prometheus-stack": {"monitoring.coreos.com"},
		"kyverno": {"kyverno.io"},
		"opentelemetry-operator": {"opentelemetry.io"},
		"prometheus-operator-crds": {"monitoring.coreos.com"},
		"strimzi-kafka-operator": {"kafka.strimzi.io"},
		"velero": {"velero.io"},
	} {
		facts := object.union(known, {"customGroups": {group: ["shop"] | some group in groups}})
		whole(installing("HelmRelease", "helm.toolkit.fluxcd.io/v2", chart), facts) == {finding |
			some group in groups
			finding := {
				"pointer": "/spec/chart/spec/chart",
				"message": sprintf("chart %q brings the kinds of %s, and objects of that group stand in the same unit", [chart, group]),
			}
		}
		whole(installing("Kustomization", "kustomize.toolkit.fluxcd.io/v1", chart), facts) == set()
		whole(installing("HelmRelease", "x.example/v1", chart), facts) == set()
	}
}
