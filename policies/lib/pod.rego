# The pod an object makes: where its template stands, its containers, and what
# is too malformed to be judged. null counts as absent, as in the API.
package dualtrack.pod

import data.dualtrack.object as obj

# Where a kind keeps its pod template. Kinds of CRDs are data like the rest.
templates := {
	"/Pod": [],
	"/PodTemplate": ["template"],
	"/ReplicationController": ["spec", "template"],
	"apps/DaemonSet": ["spec", "template"],
	"apps/Deployment": ["spec", "template"],
	"apps/ReplicaSet": ["spec", "template"],
	"apps/StatefulSet": ["spec", "template"],
	"argoproj.io/Rollout": ["spec", "template"],
	"batch/CronJob": ["spec", "jobTemplate", "spec", "template"],
	"batch/Job": ["spec", "template"],
	"extensions/DaemonSet": ["spec", "template"],
	"extensions/Deployment": ["spec", "template"],
	"extensions/ReplicaSet": ["spec", "template"],
	"keda.sh/ScaledJob": ["spec", "jobTargetRef", "template"],
	"serving.knative.dev/Service": ["spec", "template"],
}

lists := ["initContainers", "containers", "ephemeralContainers"]

path := templates[obj.key]

base := concat("/", array.concat([""], path)) if count(path) > 0

base := "" if count(path) == 0

pointer := concat("", [base, "/spec"])

template := obj.member(input.object, path)

spec := s if {
	s := object.get(template, "spec", null)
	is_object(s)
}

# labels and annotations are those that the pods will carry.
labels := obj.member(obj.member(template, "metadata"), "labels")

annotations := obj.member(obj.member(template, "metadata"), "annotations")

# named gives the workload a name in a list of a parameter: "namespace/name".
named := concat("/", [input.namespace, input.name])

# finite are pods that are meant to end.
finite if obj.key in {"batch/CronJob", "batch/Job", "keda.sh/ScaledJob"}

finite if {
	obj.key == "/Pod"
	spec.restartPolicy in {"Never", "OnFailure"}
}

# contexts are the security contexts of the pod and of its containers, for what
# both levels have.
contexts := array.concat(
	[{"container": "", "what": "the pod", "pointer": concat("", [pointer, "/securityContext"]), "value": context} | spec],
	[{"container": c.name, "what": describe(c), "pointer": concat("", [c.pointer, "/securityContext"]), "value": c.context} | some c in containers],
)

# context is the pod's security context, {} when there is none.
context := obj.member(spec, "securityContext")

windows if object.get(spec, ["os", "name"], "") == "windows"

# containers are init, regular and ephemeral containers, in that order.
containers := [c |
	some list in lists
	some index, value in obj.items(spec, list)
	is_object(value)
	c := {
		"list": list,
		"index": index,
		"name": obj.text(object.get(value, "name", "")),
		"pointer": sprintf("%s/%s/%d", [pointer, list, index]),
		"value": value,
		"context": obj.member(value, "securityContext"),
	}
]

# describe names a container in a message.
describe(c) := sprintf("container %q", [c.name]) if c.list == "containers"

describe(c) := sprintf("init container %q", [c.name]) if c.list == "initContainers"

describe(c) := sprintf("ephemeral container %q", [c.name]) if c.list == "ephemeralContainers"

malformed contains {"pointer": pointer, "message": "there is no pod spec"} if {
	path
	not spec
	object.get(input.object, ["spec", "workloadRef"], null) == null
}

malformed contains unlike(obj.pointer(pointer, [list]), value, "array") if {
	some list in ["initContainers", "containers", "ephemeralContainers", "volumes"]
	value := spec[list]
	value != null
	not is_array(value)
}

malformed contains unlike(obj.pointer(pointer, [list, index]), value, "object") if {
	some list in ["initContainers", "containers", "ephemeralContainers", "volumes"]
	some index, value in spec[list]
	not is_object(value)
}

malformed contains unlike(obj.pointer(pointer, [field]), value, "object") if {
	some field in ["os", "securityContext"]
	value := spec[field]
	value != null
	not is_object(value)
}

malformed contains unlike(obj.pointer(pointer, ["securityContext", field]), value, "object") if {
	some field in ["seLinuxOptions", "seccompProfile", "windowsOptions"]
	value := context[field]
	value != null
	not is_object(value)
}

malformed contains unlike(concat("", [c.pointer, "/image"]), value, "string") if {
	some c in containers
	value := c.value.image
	value != null
	not is_string(value)
}

malformed contains unlike(concat("", [c.pointer, "/securityContext"]), value, "object") if {
	some c in containers
	value := c.value.securityContext
	value != null
	not is_object(value)
}

malformed contains unlike(obj.pointer(c.pointer, ["securityContext", field]), value, "object") if {
	some c in containers
	some field in ["capabilities", "seLinuxOptions", "seccompProfile", "windowsOptions"]
	value := c.context[field]
	value != null
	not is_object(value)
}

malformed contains unlike(obj.pointer(c.pointer, ["securityContext", "capabilities", field]), value, "array") if {
	some c in containers
	some field in ["add", "drop"]
	value := c.context.capabilities[field]
	value != null
	not is_array(value)
}

unlike(at, value, want) := {"pointer": at, "message": sprintf("it is of type %s, not %s", [type_name(value), want])}
