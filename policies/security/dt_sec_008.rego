package dualtrack.pods.dt_sec_008

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-008",
	"title": "May run as root",
	"severity": "error",
	"profile": "restricted",
	"why": "Root in a container is root on the node to whatever escapes it. A numeric runAsUser alone does not rule it out for Pod Security.",
	"mend": "set the pod's securityContext.runAsNonRoot to true and remove the containers' own values",
	"refs": ["PSS restricted", "CIS 5.2"],
}

path := ["securityContext", "runAsNonRoot"]

field := "/securityContext/runAsNonRoot"

of_pod := object.get(pod.context, "runAsNonRoot", null)

# A pod's false fails even where every container overrides it.
findings contains {
	"pointer": concat("", [pod.pointer, field]),
	"message": "the pod does not have to run as another user than root",
	"patch": obj.set_at(pod.spec, pod.pointer, path, true),
} if {
	value := of_pod
	not value in {null, true}
}

findings contains {
	"pointer": concat("", [c.pointer, field]),
	"container": c.name,
	"message": sprintf("%s does not have to run as another user than root", [pod.describe(c)]),
	"patch": [{"op": "replace", "path": concat("", [c.pointer, field]), "value": true}],
} if {
	some c in pod.containers
	not object.get(c.context, "runAsNonRoot", null) in {null, true}
}

findings contains {
	"pointer": concat("", [c.pointer, field]),
	"container": c.name,
	"message": sprintf("neither %s nor the pod sets runAsNonRoot", [pod.describe(c)]),
	"patch": obj.set_at(pod.spec, pod.pointer, path, true),
} if {
	of_pod != true
	some c in pod.containers
	object.get(c.context, "runAsNonRoot", null) == null
}
