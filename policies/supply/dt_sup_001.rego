package dualtrack.rules.dt_sup_001

import data.dualtrack.image

meta := {
	"id": "DT-SUP-001",
	"title": "Image without a fixed tag",
	"severity": "error",
	"profile": "baseline",
	"why": "A tag that moves, or none, makes two nodes run different programs for the same manifest.",
	"mend": "name the image in components/baseline.yaml with a version as its tag",
	"refs": ["CIS 5.5", "PCI DSS 6.3"],
}

moving := {"latest", "main", "master", "dev", "develop", "stable", "edge", "nightly"}

findings contains {"pointer": used.pointer, "container": used.container, "message": message} if {
	some used in image.used
	message := wrong(used)
}

wrong(used) := sprintf("%s names no image", [used.what]) if used.ref in {null, ""}

wrong(used) := sprintf("%s: image %q has no tag", [used.what, used.ref]) if {
	not used.ref in {null, ""}
	used.parsed.digest == ""
	used.parsed.tag == ""
}

wrong(used) := sprintf("%s: tag %q of image %q moves", [used.what, used.parsed.tag, used.ref]) if {
	is_string(used.ref)
	used.parsed.digest == ""
	lower(used.parsed.tag) in moving
}
