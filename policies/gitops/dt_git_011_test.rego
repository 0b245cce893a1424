package dualtrack.rules.dt_git_011_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_git_011

found(doc) := said(doc, fx.facts)

said(doc, facts) := {[f.pointer, object.get(f, "severity", "warning")] | some f in findings} if {
	findings := dt_git_011.findings with input as doc with data.context as facts
}

part := {"app.kubernetes.io/part-of": "shop"}

deployment(labels, template) := fx.of({
	"apiVersion": "apps/v1", "kind": "Deployment", "metadata": object.union(fx.meta, {"labels": labels}),
	"spec": {"template": {"metadata": {"labels": template}, "spec": {"containers": []}}},
})

test_pass_labels if {
	found(deployment(part, part)) == set()
	found(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Deployment", "metadata": fx.meta})) == set()
}

test_fail_object if {
	found(deployment({}, part)) == {["/metadata/labels", "warning"]}
	found(deployment({"app.kubernetes.io/part-of": ""}, part)) == {["/metadata/labels", "warning"]}
	found(deployment(null, part)) == {["/metadata/labels", "warning"]}
}

test_fail_template if found(deployment(part, {"app": "web"})) == {["/spec/template/metadata/labels", "warning"]}

owned(more, labels) := said(deployment(object.union(part, more), part), fx.and_facts({"namespaces": {"shop": {"labels": labels}}, "params": {"DT-GIT-011": {"inherited": ["owner"]}}}))

test_pass_inherited if {
	owned({"owner": "shop"}, {}) == set()
	owned({}, {"owner": "shop"}) == set()
}

test_fail_inherited if owned({}, {}) == {["/metadata/labels", "warning"]}

test_unknown_inherited if {
	facts := object.union(fx.facts, {"params": {"DT-GIT-011": {"inherited": ["owner"]}}})
	findings := dt_git_011.findings with input as object.union(deployment(part, part), {"namespace": "x"}) with data.context as facts
	fx.results(findings) == {"unknown"}
}

in_namespace(version, kind, namespace, name) := found(fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}}))

test_pass_namespace if {
	in_namespace("v1", "ConfigMap", "shop", "a") == set()
	found(fx.of({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Role", "metadata": {"name": "a"}})) == set()
	in_namespace("v1", "Service", "default", "kubernetes") == set()
	in_namespace("v1", "ServiceAccount", "default", "default") == set()
	in_namespace("v1", "ConfigMap", "default", "kube-root-ca.crt") == set()
}

test_fail_no_namespace if found(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})) == {["/metadata/namespace", "warning"]}

test_fail_default if in_namespace("v1", "ConfigMap", "default", "a") == {["/metadata/namespace", "warning"]}

unit(path, varied) := {"brings": {"path": path, "source": {"kind": "GitRepository", "name": "a"}, "target": null}, "varied": varied}

two(path, varied) := said(fx.flux("Kustomization", {}), fx.and_facts({"reconcilers": {"Kustomization": {"shop/a": unit("./x", false), "x/b": unit(path, varied)}}}))

test_pass_apart if {
	two("./y", false) == set()
	two("./x", true) == set()
	found(fx.flux("Kustomization", {})) == set()
}

test_fail_twice if two("./x", false) == {["/spec/path", "error"]}
