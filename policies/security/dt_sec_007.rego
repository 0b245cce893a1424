package dualtrack.pods.dt_sec_007

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-007",
	"title": "Privilege escalation not ruled out",
	"severity": "error",
	"profile": "restricted",
	"why": "Unless it is set to false, a process may gain more privileges than its parent through set-user-ID programs.",
	"mend": "set securityContext.allowPrivilegeEscalation to false on the container; the pod has no such field",
	"refs": ["PSS restricted", "CIS 5.2", "NSA Pod security"],
}

findings contains {
	"pointer": concat("", [c.pointer, "/securityContext/allowPrivilegeEscalation"]),
	"container": c.name,
	"message": sprintf("%s does not set allowPrivilegeEscalation to false", [pod.describe(c)]),
	"patch": obj.set_at(c.value, c.pointer, ["securityContext", "allowPrivilegeEscalation"], false),
} if {
	not pod.windows
	some c in pod.containers
	object.get(c.context, "allowPrivilegeEscalation", null) != false
}
