package dualtrack.fleet.dt_flt_002

import data.dualtrack.number
import data.dualtrack.params

meta := {
	"id": "DT-FLT-002",
	"title": "Wave before the one ahead has held",
	"severity": "warning",
	"profile": "fleet",
	"why": "A later wave is to get only what the one before it has run in health for its soak. A tree holds no evidence of health: it is handed over, and what it does not tell is unknown. In production evidence that leaves a cluster out, or speaks against it, denies.",
	"mend": "hand over evidence that the earlier wave has held what Git says (check --evidence FILE), or change that wave first",
	"refs": ["PCI DSS 6.5"],
	"params": {
		# The least time to hold, whatever a wave's own soak is.
		"soakHours": 0,
		# How old the last look at a cluster may be.
		"maxAgeHours": 24,
		# Whether health on a simulator's word counts.
		"simulated": false,
		# Whether production is denied where no evidence is handed over at all.
		"required": false,
	},
}

tuned := params.of(meta)

# ahead are the waves that get the change while the wave before them does not: that
# one is to have it already. Where both get it, a rollout keeps their order; before
# the first there is none.
ahead[c.wave] := before if {
	some c in input.fleet.changed
	not gets(c.wave - 1)
	before := input.fleet.waves[c.wave - 1]
}

gets(index) if {
	some c in input.fleet.changed
	c.wave == index
}

weighs(index) if {
	some c in input.fleet.changed
	c.wave == index
	c.production
}

findings contains object.union(silence(index), {
	"pointer": sprintf("/spec/waves/%d", [index]),
	"message": sprintf("wave %s gets it, and whether wave %s has held it for %s is not known", [input.fleet.waves[index].name, before.name, asked(before)]),
}) if {
	input.fleet.health == null
	some index, before in ahead
}

findings contains object.union(grade(index, lack.known), {
	"pointer": sprintf("/spec/waves/%d", [index]),
	"message": sprintf("wave %s gets it, and %s of wave %s %s", [input.fleet.waves[index].name, name, before.name, lack.says]),
}) if {
	is_object(input.fleet.health)
	some index, before in ahead
	some name in before.clusters
	lack := lacks(before, name)
}

# silence is what no evidence at all comes to.
silence(index) := {"severity": "error"} if {
	tuned.required
	weighs(index)
} else := {"result": "unknown"}

# grade is what comes of a cluster that is not shown to hold it: known says that it is
# shown not to.
grade(index, known) := {"severity": "error"} if {
	weighs(index)
} else := {"result": "unknown"} if {
	not known
} else := {}

# lacks says what is wrong with the evidence of a cluster; it is undefined if nothing is.
lacks(before, name) := {"known": false, "says": "is not in the evidence"} if {
	not input.fleet.health[name]
} else := {"known": false, "says": "did not render as a whole"} if {
	not input.fleet.bundles[name]
} else := {"known": false, "says": "is said to have been looked at later than now"} if {
	input.fleet.health[name].hours < 0
} else := {"known": false, "says": sprintf("was looked at %v hours ago or more", [tuned.maxAgeHours])} if {
	input.fleet.health[name].hours >= number.of(tuned.maxAgeHours)
} else := {"known": true, "says": "runs another bundle"} if {
	input.fleet.health[name].bundle != input.fleet.bundles[name]
} else := {"known": true, "says": "is not healthy"} if {
	not input.fleet.health[name].healthy
} else := {"known": true, "says": sprintf("has held it for %s of %s", [input.fleet.health[name].words, asked(before)])} if {
	input.fleet.health[name].held < needed(before)
} else := {"known": false, "says": "is healthy on a simulator's word"} if {
	input.fleet.health[name].pods == "simulated"
	not tuned.simulated
}

needed(before) := max([before.seconds, number.of(tuned.soakHours) * 3600])

asked(before) := before.soak if {
	needed(before) == before.seconds
} else := sprintf("%v hours", [tuned.soakHours])
