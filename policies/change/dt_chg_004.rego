package dualtrack.change.dt_chg_004

import data.dualtrack.params

meta := {
	"id": "DT-CHG-004",
	"title": "Scaled to nothing, or far down",
	"severity": "warning",
	"profile": "fleet",
	"why": "Pods that are left take the whole load at once; and a number that nobody writes any more falls back to 1.",
	"mend": "step down in several changes; leave the number to an autoscaler only after it has scaled once",
	"refs": [],
	"params": {"maxPct": 50},
}

findings contains {"pointer": q.pointer, "message": sprintf("%s: nothing is left of it", [q.why]), "severity": "error"} if {
	some q in input.change.effects
	q.effect == "scales"
	q.facts.before > 0
	q.facts.after <= 0
}

findings contains {
	"pointer": q.pointer,
	"message": sprintf("%s: more than %v %% fewer at once", [q.why, params.of(meta).maxPct]),
} if {
	some q in input.change.effects
	q.effect == "scales"
	q.facts.after > 0
	100 * (q.facts.before - q.facts.after) > q.facts.before * params.of(meta).maxPct
}

findings contains {"pointer": q.pointer, "message": q.why} if {
	some q in input.change.effects
	q.effect == "scales"
	q.facts.dropped
	q.facts.after < q.facts.before
	100 * (q.facts.before - q.facts.after) <= q.facts.before * params.of(meta).maxPct
}

findings contains {"pointer": q.pointer, "message": q.why, "mend": "take replicas out of the manifest, once the autoscaler has scaled it"} if {
	some q in input.change.effects
	q.effect == "takes over"
	q.level == "warning"
}
