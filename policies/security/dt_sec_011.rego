package dualtrack.pods.dt_sec_011

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-011",
	"title": "AppArmor switched off",
	"severity": "error",
	"profile": "baseline",
	"why": "AppArmor's default profile keeps a container from writing below /proc and /sys and from mounting. Before Kubernetes 1.30 only the annotation is read.",
	"mend": "remove it: the runtime's default profile holds then",
	"refs": ["PSS baseline"],
}

prefix := "container.apparmor.security.beta.kubernetes.io/"

findings contains {
	"pointer": at,
	"container": trim_prefix(key, prefix),
	"message": sprintf("the AppArmor profile of container %q is none that Pod Security allows", [trim_prefix(key, prefix)]),
	"patch": [{"op": "remove", "path": at}],
} if {
	some key, profile in pod.annotations
	startswith(key, prefix)
	not allowed(profile)
	at := obj.pointer(pod.base, ["metadata", "annotations", key])
}

allowed("")

allowed("runtime/default")

allowed(profile) if {
	is_string(profile)
	startswith(profile, "localhost/")
}

# The field came in 1.30: an older API server drops it without a word.
findings contains {
	"pointer": at,
	"container": level.container,
	"severity": "warning",
	"message": sprintf("appArmorProfile of %s has no effect before Kubernetes 1.30", [level.what]),
	"mend": "remove it, or write the annotation",
	"patch": [{"op": "remove", "path": at}],
} if {
	data.context.cluster.minor < 30
	some level in pod.contexts
	level.value.appArmorProfile != null
	at := obj.pointer(level.pointer, ["appArmorProfile"])
}

findings contains {
	"pointer": obj.pointer(level.pointer, ["appArmorProfile", "type"]),
	"container": level.container,
	"message": sprintf("the AppArmor profile of %s is neither RuntimeDefault nor Localhost", [level.what]),
	"patch": [{"op": "remove", "path": obj.pointer(level.pointer, ["appArmorProfile"])}],
} if {
	data.context.cluster.minor >= 30
	some level in pod.contexts
	profile := level.value.appArmorProfile
	profile != null
	not object.get(obj.member(level.value, "appArmorProfile"), "type", "") in {"Localhost", "RuntimeDefault"}
}
