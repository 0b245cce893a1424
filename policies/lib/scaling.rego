# Which difference in replicas is an autoscaler's work.
package dualtrack.scaling

import data.dualtrack.manager

# scaled is the field of the replicas if an autoscaler wrote it last.
scaled(field) if {
	field.pointer == "/spec/replicas"
	field.subresource == "scale"
	field.manager in manager.scalers
	is_object(input.drift.scaled)
}
