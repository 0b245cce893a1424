package dualtrack.pods.dt_sec_013

import data.dualtrack.pod

meta := {
	"id": "DT-SEC-013",
	"title": "Unmasked /proc",
	"severity": "error",
	"profile": "baseline",
	"why": "The parts of /proc that are masked by default tell about the node and let root change it.",
	"mend": "remove procMount",
	"refs": ["PSS baseline"],
}

findings contains {
	"pointer": at,
	"container": c.name,
	"message": sprintf("%s asks for another /proc than the default one", [pod.describe(c)]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some c in pod.containers
	mount := c.context.procMount
	not mount in {null, "Default"}
	at := concat("", [c.pointer, "/securityContext/procMount"])
}
