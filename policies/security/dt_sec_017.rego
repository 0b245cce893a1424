package dualtrack.pods.dt_sec_017

import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-017",
	"title": "Writable root file system",
	"severity": "warning",
	"profile": "fleet",
	"why": "An intruder who can write beside the program can replace it; what the program itself writes there is lost with the container.",
	"mend": "set readOnlyRootFilesystem to true and mount an emptyDir where the program writes",
	"refs": ["NSA Pod security"],
	# Whether init containers may write.
	"params": {"skipInit": false},
}

tuned := params.of(meta)

# A container for debugging cannot be helped, and Windows knows no such thing.
findings contains {
	"pointer": concat("", [c.pointer, "/securityContext/readOnlyRootFilesystem"]),
	"container": c.name,
	"message": sprintf("%s can write to its root file system", [pod.describe(c)]),
} if {
	not pod.windows
	some c in pod.containers
	c.list in lists
	not c.context.readOnlyRootFilesystem == true
}

lists := {"containers"} if tuned.skipInit

lists := {"containers", "initContainers"} if not tuned.skipInit
