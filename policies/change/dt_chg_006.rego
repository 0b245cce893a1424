package dualtrack.change.dt_chg_006

meta := {
	"id": "DT-CHG-006",
	"title": "Node drains newly blocked",
	"severity": "error",
	"profile": "fleet",
	"why": "The next upgrade of a node stops at these pods, long after this change is forgotten.",
	"mend": "allow a disruption: maxUnavailable: 1 and two replicas or more; change a budget and what it guards in two changes",
	"refs": [],
}

findings contains {"pointer": q.pointer, "message": q.why, "severity": q.level} if {
	some q in input.change.effects
	q.effect == "blocks drains"
}
