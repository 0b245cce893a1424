package dualtrack.rules.dt_sup_003

import data.dualtrack.image
import data.dualtrack.object as obj

meta := {
	"id": "DT-SUP-003",
	"title": "Registry not allowed",
	"severity": "error",
	"profile": "baseline",
	"why": "An image from anywhere is code from anyone. Registries are compared by whole path segments, so that good.io.example.com is not good.io.",
	"mend": "mirror the image into an allowed registry, or add the registry to spec.policy.registries of clusters/fleet.yaml",
	"refs": ["CIS 5.5", "PCI DSS 6.3"],
}

findings contains {
	"pointer": source.pointer,
	"container": source.container,
	"message": sprintf("%s: %q is from no allowed registry", [source.what, source.ref]),
} if {
	some source in sources
	allowed := data.context.registries
	is_array(allowed)
	segments := source.parsed.segments
	not from(segments, allowed)
}

# A fleet that names no registries allows neither all nor none: nobody decided.
findings contains {
	"pointer": source.pointer,
	"container": source.container,
	"message": sprintf("%s: the fleet does not say which registries it allows", [source.what]),
	"result": "unknown",
} if {
	some source in sources
	not decided
}

decided if is_array(data.context.registries)

sources := array.concat(
	[used | some used in image.used; not used.ref in {null, ""}],
	[used |
		some kind, field in artifact_urls
		obj.key == kind
		url := object.get(input.object, ["spec", field], null)
		is_string(url)
		startswith(url, "oci://")
		ref := trim_prefix(url, "oci://")
		used := {"what": concat(".", ["spec", field]), "container": "", "pointer": obj.pointer("/spec", [field]), "ref": ref, "parsed": image.parse(ref)}
	],
)

# Flux sources that fetch from a registry.
artifact_urls := {
	"source.toolkit.fluxcd.io/HelmRepository": "url",
	"source.toolkit.fluxcd.io/OCIRepository": "url",
}

from(segments, allowed) if {
	some entry in allowed
	want := image.segments_of(entry)
	array.slice(segments, 0, count(want)) == want
}
