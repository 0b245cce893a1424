package dualtrack.rules.dt_sil_001

import data.dualtrack.object as obj

meta := {
	"id": "DT-SIL-001",
	"title": "Silence that nobody answers for",
	"severity": "error",
	"profile": "fleet",
	"why": "Whoever wonders why nobody was told must find out whom to ask, and whether the cause still holds.",
	"mend": "write the team that answers for it, and why nobody is to be told",
	"refs": ["PCI DSS 10.7"],
	"fixed": true,
}

findings contains {
	"pointer": obj.pointer("/spec/silences", [index, field]),
	"message": sprintf("silence %q has no %s", [silence.name, field]),
} if {
	input.kind == "Silences"
	input.group == "platform.dualtrack.internal"
	some index, silence in obj.items(input.object, ["spec", "silences"])
	some field in ["owner", "reason"]
	regex.match(`^\s*$`, silence[field])
}
