package dualtrack.rules.dt_sil_002

import data.dualtrack.object as obj

meta := {
	"id": "DT-SIL-002",
	"title": "Silence longer than 30 days",
	"severity": "error",
	"profile": "fleet",
	"why": "What is silent for so long is no incident: it hides the next one. A month is enough to mend the cause, or to change the rule.",
	"mend": "end it at most 30 days after its begin; if it is still needed then, a reviewed change renews it",
	"refs": ["PCI DSS 10.7"],
	"fixed": true,
}

longest := ((30 * 24) * 60) * 60

findings contains {
	"pointer": obj.pointer("/spec/silences", [index, "until"]),
	"message": sprintf("silence %q ends more than 30 days after its begin", [silence.name]),
} if {
	input.kind == "Silences"
	input.group == "platform.dualtrack.internal"
	some index, silence in obj.items(input.object, ["spec", "silences"])
	silence.ends - silence.begins > longest
}
