package dualtrack.change.dt_chg_002

meta := {
	"id": "DT-CHG-002",
	"title": "Field that can't be changed",
	"severity": "error",
	"profile": "fleet",
	"why": "The API server refuses the whole object, and what comes after it waits.",
	"mend": "leave the field as it was, or make a new object beside the old one and delete that later",
	"refs": ["PCI DSS 6.5"],
}

findings contains {"pointer": q.pointer, "message": q.why} if {
	some q in input.change.effects
	q.effect == "refused"
}
