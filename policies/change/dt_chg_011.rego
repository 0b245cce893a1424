package dualtrack.change.dt_chg_011

meta := {
	"id": "DT-CHG-011",
	"title": "Order that does not hold",
	"severity": "warning",
	"profile": "fleet",
	"why": "What is applied before that which it needs fails, and is tried again at best.",
	"mend": "keep the definition as long as an object of its kind is there; name in dependsOn what must be there first",
	"refs": [],
}

findings contains {"pointer": q.pointer, "message": q.why, "severity": q.level} if {
	some q in input.change.effects
	q.effect == "order"
}
