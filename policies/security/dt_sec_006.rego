package dualtrack.pods.dt_sec_006

import data.dualtrack.capability
import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-006",
	"title": "Capabilities not dropped",
	"severity": "error",
	"profile": "restricted",
	"why": "Container runtimes grant some fourteen capabilities to every container that does not drop them.",
	"mend": "set securityContext.capabilities.drop to [ALL] on the container; the pod has no such field",
	"refs": ["PSS restricted", "CIS 5.2"],
}

findings contains {
	"pointer": concat("", [c.pointer, "/securityContext/capabilities/drop"]),
	"container": c.name,
	"message": sprintf("%s does not drop ALL capabilities%s", [pod.describe(c), hint(drop)]),
	"patch": obj.set_at(c.value, c.pointer, ["securityContext", "capabilities", "drop"], ["ALL"]),
} if {
	not pod.windows
	some c in pod.containers
	drop := obj.items(c.context, ["capabilities", "drop"])
	not "ALL" in drop
}

findings contains {
	"pointer": added.pointer,
	"container": added.container.name,
	"message": sprintf("%s adds capability %q; only NET_BIND_SERVICE may be added", [pod.describe(added.container), added.name]),
	"mend": "remove it from add",
	"patch": [{"op": "remove", "path": added.pointer}],
} if {
	not pod.windows
	some added in capability.added
	added.name != "NET_BIND_SERVICE"
}

hint(drop) := " (Pod Security wants it in capitals)" if "ALL" in {upper(d) | some d in drop; is_string(d)}

hint(drop) := "" if not "ALL" in {upper(d) | some d in drop; is_string(d)}
