package dualtrack.pods.dt_sec_016

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-016",
	"title": "Windows host process",
	"severity": "error",
	"profile": "baseline",
	"why": "A host process container is no container: it runs on the Windows node with the node's rights.",
	"mend": "remove hostProcess",
	"refs": ["PSS baseline", "CIS 5.2"],
}

findings contains {
	"pointer": at,
	"container": level.container,
	"message": sprintf("%s runs as a process of the Windows node", [level.what]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some level in pod.contexts
	value := level.value.windowsOptions.hostProcess
	not value in {null, false}
	at := obj.pointer(level.pointer, ["windowsOptions", "hostProcess"])
}
