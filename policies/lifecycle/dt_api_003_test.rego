package dualtrack.rules.dt_api_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_api_003

crd(schema, more) := fx.of({
	"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.x.example"},
	"spec": object.union({"group": "x.example", "names": {"kind": "Thing"}, "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}, more),
})

found(doc) := said(doc, fx.facts)

said(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_api_003.findings with input as doc with data.context as facts
}

free := {"type": "object", "x-kubernetes-preserve-unknown-fields": true}

test_pass_schema if {
	found(crd({"type": "object", "properties": {"spec": {"type": "object", "properties": {"values": free}}}}, {})) == set()
	found(crd({"type": "object", "properties": {"status": free}}, {})) == set()
	found(crd(null, {"preserveUnknownFields": false})) == set()
}

test_pass_not_served if found(crd(free, {"versions": [{"name": "v1", "served": false, "schema": {"openAPIV3Schema": free}}]})) == set()

root := "/spec/versions/0/schema/openAPIV3Schema"

test_fail_object if found(crd(free, {})) == {concat("", [root, "/x-kubernetes-preserve-unknown-fields"])}

test_fail_spec if found(crd({"properties": {"spec": free}}, {})) == {concat("", [root, "/properties/spec/x-kubernetes-preserve-unknown-fields"])}

test_pass_not_strict if said(crd(free, {}), fx.and_facts({"params": {"DT-API-003": {"strict": false}}})) == set()

test_fail_preserve if found(crd({"type": "object"}, {"preserveUnknownFields": true})) == {"/spec/preserveUnknownFields"}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "CustomResourceDefinition", "spec": {"preserveUnknownFields": true}})) == set()

nested(objects) := object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta}), {"nested": [{"pointer": sprintf("/data/%d", [i]), "object": o} | some i, o in objects]})

thing := {"apiVersion": "x.example/v1", "kind": "Thing"}

test_unknown_nested if {
	findings := dt_api_003.findings with input as nested([thing, thing]) with data.context as fx.facts
	{[f.pointer, f.result] | some f in findings} == {["/data/0", "unknown"]}
}

test_pass_nested if {
	found(nested([{"apiVersion": "v1", "kind": "Pod"}, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}, {"apiVersion": 5, "kind": "x"}])) == set()
	said(nested([thing]), fx.and_facts({"crds": {"x.example/Thing": {}}})) == set()
}

# What became of it is known: DT-API-001 and 002 say so.
test_pass_nested_retired if said(nested([thing]), fx.and_facts({"apis": {"x.example/v1/Thing": {}}})) == set()
