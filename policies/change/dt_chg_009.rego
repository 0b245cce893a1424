package dualtrack.change.dt_chg_009

meta := {
	"id": "DT-CHG-009",
	"title": "Traffic that nobody answers any more",
	"severity": "error",
	"profile": "fleet",
	"why": "Names and labels hold the parts of an application together; where one side of a pair changes alone, callers get no answer and no pod is unwell.",
	"mend": "expand, then contract: let both the old and the new be answered, move the callers, and take the old away",
	"refs": [],
}

findings contains {"pointer": q.pointer, "message": q.why, "severity": q.level} if {
	some q in input.change.effects
	q.effect == "cuts traffic"
}

findings contains {"pointer": q.pointer, "message": sprintf("closes %s", [q.why]), "severity": "info", "mend": "nothing, if nobody needs the path"} if {
	some q in input.change.effects
	q.effect == "closes"
}
