# Linux capabilities as Pod Security compares them: exactly.
package dualtrack.capability

import data.dualtrack.object as obj
import data.dualtrack.pod

# added are the capabilities that containers add.
added := [entry |
	some c in pod.containers
	some index, name in obj.items(c.context, ["capabilities", "add"])
	entry := {"container": c, "name": obj.text(name), "pointer": obj.pointer(c.pointer, ["securityContext", "capabilities", "add", index])}
]

# plain is a capability's name as the API spells it.
plain(name) := trim_prefix(upper(name), "CAP_")
