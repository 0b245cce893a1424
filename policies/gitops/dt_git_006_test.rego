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
