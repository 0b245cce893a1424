package dualtrack.pods.dt_sec_002

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-002",
	"title": "Host namespace",
	"severity": "error",
	"profile": "baseline",
	"why": "A pod in the node's network, process or IPC namespace sees and reaches what network policy and isolation keep from it.",
	"mend": "remove the field; reach the workload through a Service",
	"refs": ["PSS baseline", "CIS 5.2", "NSA Pod security"],
}

findings contains {
	"pointer": at,
	"message": sprintf("the pod shares the node's namespace: %s", [field]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some field in ["hostNetwork", "hostPID", "hostIPC"]
	not object.get(pod.spec, field, null) in {null, false}
	at := obj.pointer(pod.pointer, [field])
}
