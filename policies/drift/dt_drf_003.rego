package dualtrack.drift.dt_drf_003

import data.dualtrack.injector

meta := injector.meta

findings contains {
	"pointer": field.pointer,
	"message": sprintf("%q fills it in, as it is known to", [field.manager]),
} if {
	some field in input.drift.fields
	injector.wrote(field)
}
