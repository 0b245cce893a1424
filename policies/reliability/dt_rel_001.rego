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

tuned := params.of(meta)

# What a container has to say, and where; a limit sets the request.
wanted := array.concat(
	[
		{"field": "requests", "resource": "cpu", "at": ["requests", "limits"]},
		{"field": "requests", "resource": "memory", "at": ["requests", "limits"]},
		{"field": "limits", "resource": "memory", "at": ["limits"]},
	],
	[{"field": "limits", "resource": "cpu", "at": ["limits"]} | tuned.cpuLimit],
)

# A container for debugging cannot have resources.
findings contains {
	"pointer": obj.pointer(c.pointer, ["resources", want.field, want.resource]),
	"container": c.name,
	"message": sprintf("%s has no %s of %s", [pod.describe(c), want.field, want.resource]),
} if {
	some c in pod.containers
	c.list != "ephemeralContainers"
	some want in wanted
	not says(c, want)
	not defaulted(want)
}

says(c, want) if {
	some field in want.at
	c.value.resources[field][want.resource] != null
}

# defaulted says that a LimitRange of the namespace fills it in.
defaulted(want) if {
	some limits in data.context.limits[input.namespace]
	some limit in limits
	limit.type == "Container"
	some field in defaults[want.field]
	object.get(limit, [field, want.resource], null) != null
}

# A default limit sets the request too.
defaults := {"limits": ["default"], "requests": ["defaultRequest", "default"]}

findings contains {
	"pointer": obj.pointer(c.pointer, ["resources", "limits", "memory"]),
	"container": c.name,
	"message": sprintf("%s may use more than %v times the memory that it requests", [pod.describe(c), tuned.maxRatio]),
	"mend": "request what the container uses: the node has no room set aside for the rest",
} if {
	some c in pod.containers
	limit := quantity.value(c.value.resources.limits.memory)
	request := quantity.value(c.value.resources.requests.memory)
	limit > request * tuned.maxRatio
}
