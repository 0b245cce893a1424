package dualtrack.rules.dt_sil_004

import data.dualtrack.object as obj

meta := {
	"id": "DT-SIL-004",
	"title": "Silence that has ended",
	"severity": "warning",
	"profile": "fleet",
	"why": "Alertmanager has forgotten it; in Git it only hides the ones that hold.",
	"mend": "remove it; Git remembers who asked for it and why",
	"refs": [],
	"fixed": true,
}

findings contains {
	"pointer": obj.pointer("/spec/silences", [index, "until"]),
	"message": sprintf("silence %q ended at %s", [silence.name, silence.until]),
} if {
	input.kind == "Silences"
	input.group == "platform.dualtrack.internal"
	some index, silence in obj.items(input.object, ["spec", "silences"])
	silence.ends <= data.context.now
}
