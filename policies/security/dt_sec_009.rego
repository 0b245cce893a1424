package dualtrack.pods.dt_sec_009

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-009",
	"title": "Runs as root's user or group",
	"severity": "error",
	"profile": "restricted",
	"why": "User 0 in a container is user 0 on the node to whatever escapes it; files of group 0 are often writable by it.",
	"mend": "set a user and group of 10000 or more that the image's files belong to",
	"refs": ["PSS restricted", "NSA Pod security"],
	# How severe a group 0 is, beyond what Pod Security asks for: error, warning, info or off.
	"params": {"groups": "warning"},
}

tuned := params.of(meta)

# A pod's 0 fails even where every container overrides it.
findings contains {
	"pointer": obj.pointer(level.pointer, ["runAsUser"]),
	"container": level.container,
	"message": sprintf("%s runs as user 0", [level.what]),
} if {
	some level in pod.contexts
	level.value.runAsUser == 0
}

findings contains {
	"pointer": obj.pointer(level.pointer, [field]),
	"container": level.container,
	"severity": groups,
	"message": sprintf("%s has group 0: %s", [level.what, field]),
} if {
	groups := tuned.groups
	groups != "off"
	some level in pod.contexts
	some field in ["fsGroup", "runAsGroup"]
	level.value[field] == 0
	of_level(level, field)
}

findings contains {
	"pointer": obj.pointer(pod.pointer, ["securityContext", "supplementalGroups", index]),
	"severity": groups,
	"message": "the pod has group 0: supplementalGroups",
} if {
	groups := tuned.groups
	groups != "off"
	some index, group in pod.context.supplementalGroups
	group == 0
}

of_level(_, "runAsGroup")

# Only a pod has an fsGroup.
of_level(level, "fsGroup") if level.what == "the pod"
