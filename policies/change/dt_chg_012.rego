package dualtrack.change.dt_chg_012

meta := {
	"id": "DT-CHG-012",
	"title": "More than the nodes have",
	"severity": "error",
	"profile": "fleet",
	"why": "Pods that no node can take wait for ever, and which of them wait is chance.",
	"mend": "ask for less, or give the cluster more nodes first",
	"refs": [],
}

findings contains {"pointer": q.pointer, "message": q.why, "severity": q.level} if {
	some q in input.change.effects
	q.effect == "does not fit"
}
