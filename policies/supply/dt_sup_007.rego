package dualtrack.rules.dt_sup_007

import data.dualtrack.image
import data.dualtrack.number
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
	# Whose signatures count, {identity, issuer} each, and how old evidence may be. A key
	# has no issuer.
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
	"message": sprintf("%s: image %q %s", [used.what, used.ref, lack(signatures(used.parsed.digest))]),
} if {
	is_object(evidence)
	count(identities) > 0
	some used in image.used
	used.parsed.digest != ""
}

signatures(digest) := [s | some s in obj.items(evidence, digest); is_object(s)]

# lack says what is wrong with the signatures of a digest; it is undefined if one counts.
lack(list) := "has no signature that was found" if {
	count(list) == 0
} else := "is signed by nobody whose signature counts" if {
	count(trusted(list)) == 0
} else := sprintf("was found to be signed %v days ago or more", [tuned.maxAgeDays]) if {
	not fresh(list)
	some s in trusted(list)
	old(s)
} else := "is said to have been found signed later than now" if {
	not fresh(list)
}

fresh(list) if {
	some s in trusted(list)
	s.days >= 0
	not old(s)
}

old(s) if s.days >= number.of(tuned.maxAgeDays)

trusted(list) := [s |
	some s in list
	some who in identities
	same(obj.text(who.identity), s.identity)
	object.get(who, "issuer", "") == s.issuer
]

# An identity is a text; * stands for anything but a slash in it, ** for anything.
same(identity, by) if {
	identity != ""
	identity == by
}

same(pattern, by) if {
	regex.match(`^[A-Za-z0-9:/@._+=~%#-]*\*[A-Za-z0-9:/@._+=~%#*-]*$`, pattern)
	glob.match(pattern, ["/"], by)
}
