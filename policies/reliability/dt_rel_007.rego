package dualtrack.rules.dt_rel_007

import data.dualtrack.object as obj

meta := {
	"id": "DT-REL-007",
	"title": "Two owners of the replica count",
	"severity": "warning",
	"profile": "fleet",
	"why": "Git and an autoscaler that both set the replicas undo each other at every sync; an autoscaler without target or requests scales nothing.",
	"mend": "let the autoscaler own the field on the cluster first, then remove replicas from Git: removed at once it falls to 1",
	"refs": [],
}

scalers(kind, name) := object.get(data.context.scalers, [input.namespace, concat("/", [obj.text(kind), obj.text(name)])], [])

findings contains {
	"pointer": "/spec/replicas",
	"message": sprintf("Git sets replicas, and so does %s %q", [scaler.kind, scaler.name]),
} if {
	object.get(input.object, ["spec", "replicas"], null) != null
	some scaler in scalers(input.kind, input.name)
}

spec := obj.member(input.object, "spec") if {
	input.kind in {"HorizontalPodAutoscaler", "ScaledObject"}
	input.group in {"autoscaling", "keda.sh"}
}

ref := obj.member(spec, "scaleTargetRef")

kind := object.get(ref, "kind", "Deployment")

name := object.get(ref, "name", "")

target := [workload |
	some workload in data.context.workloads[input.namespace]
	workload.kind == kind
	workload.name == name
][0]

builtin := {"Deployment", "ReplicaSet", "ReplicationController", "StatefulSet"}

findings contains {
	"pointer": "/spec/scaleTargetRef",
	"message": sprintf("the bundle holds no %v %v to scale", [kind, name]),
	"mend": "name a workload of this namespace",
	"result": absent,
} if {
	input.kind in {"HorizontalPodAutoscaler", "ScaledObject"}
	spec
	not target
}

absent := "finding" if {
	not data.context.partial
	kind in builtin
}

absent := "unknown" if data.context.partial

absent := "unknown" if not kind in builtin

findings contains {
	"pointer": "/spec/scaleTargetRef",
	"message": sprintf("%s %q scales %v %v too", [other.kind, other.name, kind, name]),
	"mend": "leave one autoscaler for each workload",
} if {
	input.kind in {"HorizontalPodAutoscaler", "ScaledObject"}
	spec
	some other in scalers(kind, name)
	[other.kind, other.name] != [input.kind, input.name]
}

# measured are the shares of requests that the autoscaler goes by.
measured contains {"pointer": obj.pointer("/spec/metrics", [i]), "resource": source.name, "only": object.get(source, "container", null)} if {
	some i, metric in obj.items(spec, "metrics")
	is_object(metric)
	source := obj.member(metric, {"Resource": "resource", "ContainerResource": "containerResource"}[metric.type])
	source.target.type == "Utilization"
}

# Without metrics the API server fills in the use of CPU.
measured contains {"pointer": "/spec", "resource": "cpu", "only": null} if {
	input.kind == "HorizontalPodAutoscaler"
	spec
	count(obj.items(spec, "metrics")) == 0
}

findings contains {
	"pointer": metric.pointer,
	"message": sprintf("container %q of %v %v requests no %v, so its use cannot be measured", [c.name, kind, name, metric.resource]),
	"mend": "add the request to the container",
} if {
	input.kind in {"HorizontalPodAutoscaler", "ScaledObject"}
	some metric in measured
	some c in target.containers
	metric.only in {null, c.name}
	not requested(c, metric.resource)
	not defaulted(metric.resource)
}

requested(c, resource) if {
	some field in ["requests", "limits"]
	object.get(obj.member(c, "resources"), [field, resource], null) != null
}

defaulted(resource) if {
	some limits in data.context.limits[input.namespace]
	some limit in limits
	limit.type == "Container"
	some field in ["default", "defaultRequest"]
	object.get(limit, [field, resource], null) != null
}
