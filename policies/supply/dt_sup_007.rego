package dualtrack.rules.dt_sup_007

import data.dualtrack.image
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-SUP-007",
	"title": "Image without a signature that counts",
	"severity": "warning",
	"profile": "fleet",
	"why": "A signature says who built the bytes that a digest names. Evidence is gathered beforehand and handed over: nothing is fetched while rules run. Until a fleet names the identities it trusts, nothing is asked; while no evidence is handed over, that is said once a cluster.",
	"mend": "sign the image with an identity of this rule's identities, and gather the evidence",
	"refs": ["CIS 5.5", "PCI DSS 6.3"],
	# Whose signatures count, {identity, issuer} each, and how old evidence may be.
	"params": {"identities": [], "maxAgeDays": 90},
}

tuned := params.of(meta)

identities := tuned.identities

default evidence := null

evidence := data.context.attest

findings contains {
	"pointer": "",
	"message": "no evidence about signatures was handed over",
	"result": "unknown",
} if {
	input.kind == "Cluster"
	input.group == "platform.dualtrack.internal"
	count(identities) > 0
	evidence == null
}

findings contains {
	"pointer": used.pointer,
	"container": used.container,
	"message": sprintf("%s: image %q %s", [used.what, used.ref, lack(used.parsed.digest)]),
} if {
	is_object(data.context.attest)
	count(identities) > 0
	some used in image.used
	used.parsed.digest != ""
}

# lack says what is wrong with the evidence of a digest; it is undefined if nothing is.
lack(digest) := "has no signature that was found" if object.get(evidence, digest, null) == null

lack(digest) := "is signed by nobody whose signature counts" if {
	found := evidence[digest]
	found != null
	not trusted(found)
}

lack(digest) := sprintf("was found to be signed more than %v days ago", [tuned.maxAgeDays]) if {
	trusted(evidence[digest])
	data.context.now - evidence[digest].at > tuned.maxAgeDays * 86400
}

trusted(found) if {
	some who in identities
	obj.text(who.identity) == found.identity
	obj.text(who.issuer) == found.issuer
}
