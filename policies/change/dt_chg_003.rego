package dualtrack.change.dt_chg_003

meta := {
	"id": "DT-CHG-003",
	"title": "Definition that takes less than before",
	"severity": "error",
	"profile": "fleet",
	"why": "Objects that are stored stay as they are until somebody writes them, and are then refused or cut down.",
	"mend": "keep what the schema took and add a version beside it, or show that no stored object uses it and say so in an exception",
	"refs": ["PCI DSS 6.5"],
}

findings contains {"pointer": q.pointer, "message": q.why, "severity": q.level} if {
	some q in input.change.effects
	q.effect == "narrows"
}
