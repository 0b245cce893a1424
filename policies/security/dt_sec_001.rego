package dualtrack.pods.dt_sec_001

import data.dualtrack.pod

meta := {
	"id": "DT-SEC-001",
	"title": "Privileged container",
	"severity": "error",
	"profile": "baseline",
	"why": "A privileged container has the node's devices and every capability: whoever breaks into it owns the node.",
	"mend": "set privileged to false and add the one capability that is needed",
	"refs": ["PSS baseline", "CIS 5.2", "NSA Pod security", "PCI DSS 2.2"],
}

findings contains {
	"pointer": at,
	"container": c.name,
	"message": sprintf("%s is privileged", [pod.describe(c)]),
	"patch": [{"op": "replace", "path": at, "value": false}],
} if {
	some c in pod.containers
	not object.get(c.context, "privileged", null) in {null, false}
	at := concat("", [c.pointer, "/securityContext/privileged"])
}
