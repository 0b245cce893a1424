package dualtrack.pods.dt_sec_010

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-SEC-010",
	"title": "Seccomp profile",
	"severity": "error",
	"profile": "restricted",
	"why": "Without a seccomp profile a container may make every system call, among them those that kernel exploits need.",
	"mend": "set the pod's securityContext.seccompProfile.type to RuntimeDefault",
	"refs": ["PSS restricted", "CIS 5.7", "NSA Pod security"],
}

path := ["securityContext", "seccompProfile"]

field := "/securityContext/seccompProfile/type"

default_profile := {"type": "RuntimeDefault"}

good(profile) if profile.type in {"RuntimeDefault", "Localhost"}

of_pod := object.get(pod.context, "seccompProfile", null)

# A pod's bad value fails even where every container overrides it.
findings contains {
	"pointer": concat("", [pod.pointer, field]),
	"message": "the pod's seccomp profile is neither RuntimeDefault nor Localhost",
	"patch": obj.set_at(pod.spec, pod.pointer, path, default_profile),
} if {
	not pod.windows
	of_pod != null
	not good(of_pod)
}

findings contains {
	"pointer": concat("", [c.pointer, field]),
	"container": c.name,
	"message": sprintf("the seccomp profile of %s is neither RuntimeDefault nor Localhost", [pod.describe(c)]),
	"patch": obj.set_at(c.value, c.pointer, path, default_profile),
} if {
	not pod.windows
	some c in pod.containers
	profile := object.get(c.context, "seccompProfile", null)
	profile != null
	not good(profile)
}

findings contains {
	"pointer": concat("", [c.pointer, field]),
	"container": c.name,
	"message": sprintf("neither %s nor the pod has a usable seccomp profile", [pod.describe(c)]),
	"patch": obj.set_at(pod.spec, pod.pointer, path, default_profile),
} if {
	not pod.windows
	not good(of_pod)
	some c in pod.containers
	object.get(c.context, "seccompProfile", null) == null
}

findings contains {
	"pointer": obj.pointer(pod.base, ["metadata", "annotations", key]),
	"severity": "info",
	"message": sprintf("annotation %q has no effect any more", [key]),
	"mend": "remove it; the field securityContext.seccompProfile took its place",
} if {
	some key, _ in obj.member(obj.member(pod.template, "metadata"), "annotations")
	contains(key, "seccomp.security.alpha.kubernetes.io")
}
