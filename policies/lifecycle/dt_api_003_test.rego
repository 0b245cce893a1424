package dualtrack.rules.dt_api_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_api_003

crd(schema, more) := of("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec(schema, more))

of(version, kind, written) := fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": "things.x.example"}, "spec": written})

spec(schema, more) := object.union({"group": "x.example", "names": {"kind": "Thing"}, "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}, more)

found(doc) := said(doc, fx.facts)

said(doc, facts) := findings if {
	findings := dt_api_003.findings with input as doc with data.context as facts
}

free := {"type": "object", "x-kubernetes-preserve-unknown-fields": true}

test_pass_schema if {
	found(crd({"type": "object", "properties": {"spec": {"type": "object", "properties": {"values": free}}}}, {})) == set()
	found(crd({"type": "object", "properties": {"status": free}}, {})) == set()
	found(crd(null, {"preserveUnknownFields": false})) == set()
}

test_pass_not_served if found(crd(free, {"versions": [{"name": "v1", "served": false, "schema": {"openAPIV3Schema": free}}]})) == set()

any_field(at, name, word) := {
	"pointer": concat("", ["/spec/versions/0/schema/openAPIV3Schema", at, "/x-kubernetes-preserve-unknown-fields"]),
	"severity": "info",
	"message": sprintf("version %s takes any field below %s", [name, word]),
}

keeps := {
	"pointer": "/spec/preserveUnknownFields",
	"message": "the server keeps fields that the schema does not know",
	"mend": "remove preserveUnknownFields",
	"patch": [{"op": "remove", "path": "/spec/preserveUnknownFields"}],
}

test_fail_object if {
	found(crd(free, {})) == {any_field("", "v1", "the object")}
	found(crd(free, {"versions": [{"served": true, "schema": {"openAPIV3Schema": free}}, "odd", {"name": "v2", "served": false}]})) == {any_field("", "", "the object")}
}

test_fail_spec if found(crd({"properties": {"spec": free}}, {})) == {any_field("/properties/spec", "v1", "spec")}

test_pass_not_strict if said(crd(free, {}), fx.and_facts({"params": {"DT-API-003": {"strict": false}}})) == set()

test_fail_preserve if found(crd({"type": "object"}, {"preserveUnknownFields": true})) == {keeps}

test_pass_no_definition if {
	worst := spec(free, {"preserveUnknownFields": true})
	found(of("apiextensions.k8s.io/v1", "CustomResourceDefinition", worst)) == {any_field("", "v1", "the object"), keeps}
	found(of("apiextensions.k8s.io/v1", "ConversionReview", worst)) == set()
	found(of("x.example/v1", "CustomResourceDefinition", worst)) == set()
}

nested(objects) := inside("ConfigMap", objects)

inside(kind, objects) := object.union(fx.of({"apiVersion": "v1", "kind": kind, "metadata": fx.meta}), {"nested": [{"pointer": sprintf("/data/%d", [i]), "object": o} | some i, o in objects]})

thing := {"apiVersion": "x.example/v1", "kind": "Thing"}

unchecked(i, kind) := {
	"pointer": sprintf("/data/%d", [i]),
	"message": sprintf("the bundle has no definition of %s, so what stands here is not checked", [kind]),
	"mend": "add the definition to a component of the cluster",
	"result": "unknown",
}

test_unknown_nested if {
	found(nested([thing, thing])) == {unchecked(0, "x.example/Thing")}
	found(nested([thing, {"apiVersion": "x.example/v1", "kind": "Other"}, {"apiVersion": "a.k8s.io.example/v1", "kind": "Thing"}])) == {
		unchecked(0, "x.example/Thing"),
		unchecked(1, "x.example/Other"),
		unchecked(2, "a.k8s.io.example/Thing"),
	}
}

test_pass_inside_other_kind if found(inside("Secret", [thing])) == set()

test_pass_nested if {
	found(nested([{"apiVersion": "v1", "kind": "Pod"}, {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role"}, {"apiVersion": 5, "kind": "x"}, {"apiVersion": "x.example/v1", "kind": 5}])) == set()
	said(nested([thing]), fx.and_facts({"crds": {"x.example/Thing": {}}})) == set()
}

# What became of it is known: DT-API-001 and 002 say so.
test_pass_nested_retired if said(nested([thing]), fx.and_facts({"apis": {"x.example/v1/Thing": {}}})) == set()
