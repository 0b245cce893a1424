package dualtrack.pods.dt_rel_001

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod
import data.dualtrack.quantity

meta := {
	"id": "DT-REL-001",
	"title": "Requests and memory limit",
	"severity": "warning",
	"profile": "fleet",
	"why": "Without requests the scheduler overfills nodes and the pod is evicted first; without a memory limit one leak takes its node down.",
	"mend": "request what the container uses (a VerticalPodAutoscaler can tell), and limit its memory",
	"refs": ["CIS 5.7", "NSA Pod security"],
	# Whether a CPU limit is asked for too, and how far a memory limit may stand over its request.
	"params": {"cpuLimit": false, "maxRatio": 4},
}

# What is missing of a container; a limit sets the request.
wanted := {
	{"field": "requests", "resource": "cpu", "or": ["limits"]},
	{"field": "requests", "resource": "memory", "or": ["limits"]},
	{"field": "limits", "resource": "memory", "or": []},
}

more := {{"field": "limits", "resource": "cpu", "or": []}} if params.of(meta).cpuLimit

more := set() if not params.of(meta).cpuLimit

# A container for debugging cannot have resources.
findings contains {
	"pointer": obj.pointer(c.pointer, ["resources", want.field, want.resource]),
	"container": c.name,
	"message": sprintf("%s has no %s of %s", [pod.describe(c), want.field, want.resource]),
} if {
	some c in pod.containers
	c.list != "ephemeralContainers"
	some asked in [wanted, more]
	some want in asked
	not says(c, want)
	not defaulted(want)
}

says(c, want) if {
	some field in array.concat([want.field], want.or)
	object.get(obj.member(c.value, "resources"), [field, want.resource], null) != null
}

# defaulted says that a LimitRange of the namespace fills it in.
defaulted(want) if {
	some limits in data.context.limits[input.namespace]
	some limit in limits
	limit.type == "Container"
	some field in array.concat([defaults[want.field]], ["default"])
	object.get(limit, [field, want.resource], null) != null
}

defaults := {"limits": "default", "requests": "defaultRequest"}

findings contains {
	"pointer": obj.pointer(c.pointer, ["resources", "limits", "memory"]),
	"container": c.name,
	"message": sprintf("%s may use more than %v times the memory that it requests", [pod.describe(c), params.of(meta).maxRatio]),
	"mend": "request what the container uses: the node has no room set aside for the rest",
} if {
	some c in pod.containers
	resources := obj.member(c.value, "resources")
	limit := quantity.value(object.get(resources, ["limits", "memory"], null))
	request := quantity.value(object.get(resources, ["requests", "memory"], null))
	limit > request * params.of(meta).maxRatio
}
