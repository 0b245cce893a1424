package dualtrack.drift.dt_drf_002

import data.dualtrack.scaling

meta := {
	"id": "DT-DRF-002",
	"title": "Replicas set by an autoscaler",
	"severity": "info",
	"profile": "fleet",
	"why": "An autoscaler that keeps to its bounds does what Git asked it to; outside them something is wrong with one of the two.",
	"mend": "nothing has to be done; removing replicas from Git ends the difference (see DT-REL-007)",
	"refs": [],
}

bounds := {"min": input.drift.scaled.min, "max": input.drift.scaled.max}

inside(n) if {
	is_number(n)
	n >= bounds.min
	n <= bounds.max
}

findings contains {
	"pointer": field.pointer,
	"message": sprintf("%s scaled it to %v, within %v and %v", [input.drift.scaled.name, field.have, bounds.min, bounds.max]),
} if {
	some field in input.drift.fields
	scaling.scaled(field)
	inside(field.have)
}

findings contains {
	"pointer": field.pointer,
	"severity": "error",
	"message": sprintf("%s scaled it to %v, outside %v and %v", [input.drift.scaled.name, field.have, bounds.min, bounds.max]),
	"mend": "look at the autoscaler: it no longer keeps to Git's bounds",
} if {
	some field in input.drift.fields
	scaling.scaled(field)
	not inside(field.have)
}
