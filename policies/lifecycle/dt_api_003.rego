package dualtrack.rules.dt_api_003

import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-API-003",
	"title": "Fields that nobody checks",
	"severity": "warning",
	"profile": "baseline",
	"why": "The schema judges fields and kinds of objects that stand alone. It cannot where a definition lets every field through, or where an object of an unknown kind stands inside another one: a misspelt field is then taken without a word.",
	"mend": "write the schema, with x-kubernetes-preserve-unknown-fields only where free form is meant",
	"refs": [],
	"params": {"strict": true},
}

versions := [{"pointer": obj.pointer("/spec/versions", [i]), "of": version, "name": obj.text(object.get(version, "name", ""))} |
	input.group == "apiextensions.k8s.io"
	some i, version in obj.items(input.object, ["spec", "versions"])
	version.served == true
]

# Free form of a whole object, or of all that a user writes.
findings contains {
	"pointer": concat("", [at.pointer, path]),
	"severity": "info",
	"message": sprintf("version %s takes any field below %s", [at.name, word]),
} if {
	input.kind == "CustomResourceDefinition"
	params.of(meta).strict
	some at in versions
	some [path, word, node] in [
		["/schema/openAPIV3Schema/x-kubernetes-preserve-unknown-fields", "the object", obj.member(at.of, ["schema", "openAPIV3Schema"])],
		["/schema/openAPIV3Schema/properties/spec/x-kubernetes-preserve-unknown-fields", "spec", obj.member(at.of, ["schema", "openAPIV3Schema", "properties", "spec"])],
	]
	object.get(node, "x-kubernetes-preserve-unknown-fields", false) == true
}

findings contains {
	"pointer": "/spec/preserveUnknownFields",
	"message": "the server keeps fields that the schema does not know",
	"mend": "remove preserveUnknownFields",
	"patch": [{"op": "remove", "path": "/spec/preserveUnknownFields"}],
} if {
	input.kind == "CustomResourceDefinition"
	input.group == "apiextensions.k8s.io"
	object.get(input.object, ["spec", "preserveUnknownFields"], false) == true
}

# Objects of other projects inside a ConfigMap, whose definition the bundle
# lacks: said once for each kind.
findings contains {
	"pointer": min([nested.pointer | some nested in unknown; kind_of(nested) == kind]),
	"message": sprintf("the bundle has no definition of %s, so what stands here is not checked", [kind]),
	"mend": "add the definition to a component of the cluster",
	"result": "unknown",
} if {
	input.kind == "ConfigMap"
	some kind in {kind_of(nested) | some nested in unknown}
}

unknown := [nested |
	some nested in input.nested
	is_string(nested.object.apiVersion)
	is_string(nested.object.kind)
	group := split(nested.object.apiVersion, "/")[0]
	contains(group, ".")
	not endswith(group, ".k8s.io")
	not data.context.crds[kind_of(nested)]
	not data.context.apis[concat("/", [nested.object.apiVersion, nested.object.kind])]
]

kind_of(nested) := concat("/", [split(nested.object.apiVersion, "/")[0], nested.object.kind])
