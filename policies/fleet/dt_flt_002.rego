package dualtrack.fleet.dt_flt_002

meta := {
	"id": "DT-FLT-002",
	"title": "Wave before the one ahead has held",
	"severity": "warning",
	"profile": "fleet",
	"why": "A later wave is to get only what an earlier one has run in health for its soak. A tree holds no evidence of health: what a change of later waves alone needs is unknown here, and told by a rollout.",
	"mend": "let `platform rollout` take it through the waves, or show that the earlier wave has run it",
	"refs": ["PCI DSS 6.5"],
}

waves := {c.wave | some c in input.fleet.changed; c.wave >= 0}

first := min(waves)

# Before the first wave there is none.
findings contains {
	"pointer": sprintf("/spec/waves/%d", [first]),
	"message": sprintf("wave %s gets it, and whether wave %s has held it for %s is not known", [input.fleet.waves[first].name, before.name, before.soak]),
	"result": "unknown",
} if {
	before := input.fleet.waves[first - 1]
}
