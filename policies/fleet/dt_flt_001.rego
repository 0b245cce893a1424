package dualtrack.fleet.dt_flt_001

import data.dualtrack.params

meta := {
	"id": "DT-FLT-001",
	"title": "Every wave at once",
	"severity": "info",
	"profile": "fleet",
	"why": "A change that reaches many waves has no canary in Git. A rollout still takes the waves one after the other; fleets whose clusters follow Git themselves make this an error in fleet.yaml.",
	"mend": "change the first wave alone, by a profile or a cluster's values, and the others when it has held",
	"refs": ["PCI DSS 6.5"],
	"params": {"maxWaves": 1},
}

reached := {c.wave | some c in input.fleet.changed; c.wave >= 0}

findings contains {
	"pointer": "/spec/waves",
	"message": sprintf("the change reaches %d waves: %s", [count(reached), concat(", ", [w.name | some index, w in input.fleet.waves; index in reached])]),
} if {
	count(reached) > params.of(meta).maxWaves
}
