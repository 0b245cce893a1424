package dualtrack.rules.dt_msh_004

import data.dualtrack.mesh
import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-MSH-004",
	"title": "Past the mesh, or into its machinery",
	"severity": "warning",
	"profile": "fleet",
	"why": "A pod without a proxy has neither identity nor policy; an EnvoyFilter for everybody and a route for every host change what others run.",
	"mend": "remove it, or narrow it to the workload that needs it",
	"refs": [],
	"params": {"allow": ["default", "kube-node-lease", "kube-public", "kube-system"], "rootNS": "istio-system"},
}

excused if input.namespace in params.of(meta).allow

root := params.of(meta).rootNS

# The label wins over the annotation.
findings contains {
	"pointer": obj.pointer(pod.base, ["metadata", place, key]),
	"message": sprintf("%s %q keeps the pods out of the mesh", [word, key]),
	"patch": [{"op": "remove", "path": obj.pointer(pod.base, ["metadata", place, key])}],
} if {
	input.kind in {"CronJob", "DaemonSet", "Deployment", "Job", "Pod", "PodTemplate", "ReplicaSet", "ReplicationController", "Rollout", "ScaledJob", "Service", "StatefulSet"}
	pod.path
	mesh.includes(input.namespace)
	not excused
	some [place, word, key] in opt_outs
}

template_metadata := obj.member(pod.template, "metadata")

said(place, key) := object.get(template_metadata, [place, key], null)

opt_outs contains ["labels", "label", "sidecar.istio.io/inject"] if said("labels", "sidecar.istio.io/inject") in {"false", false}

opt_outs contains ["labels", "label", "istio.io/dataplane-mode"] if said("labels", "istio.io/dataplane-mode") == "none"

opt_outs contains ["annotations", "annotation", "sidecar.istio.io/inject"] if {
	said("annotations", "sidecar.istio.io/inject") in {"false", false}
	said("labels", "sidecar.istio.io/inject") == null
}

findings contains {
	"pointer": "/metadata/name",
	"message": sprintf("namespace %q makes pods, and has none of the labels that give them a proxy", [input.name]),
	"mend": "set istio.io/rev, istio-injection: enabled or istio.io/dataplane-mode: ambient, or name it in the parameter allow",
} if {
	input.kind == "Namespace"
	input.group == ""
	mesh.used
	not input.name in params.of(meta).allow
	input.name != root
	count(object.get(data.context.selectable, input.name, [])) > 0
	not mesh.member(obj.member(input.object, ["metadata", "labels"]))
}

findings contains {
	"pointer": "/spec",
	"message": sprintf("the filter changes every proxy of %s", [reach]),
	"mend": "add a workloadSelector",
} if {
	input.kind == "EnvoyFilter"
	input.group == "networking.istio.io"
	count(obj.member(input.object, ["spec", "workloadSelector", "labels"])) == 0
	count(obj.items(input.object, ["spec", "targetRefs"])) == 0
	reach := area
}

area := "the mesh" if input.namespace == root

area := sprintf("namespace %q", [input.namespace]) if input.namespace != root

findings contains {
	"pointer": "/metadata/namespace",
	"message": sprintf("a filter in %q reaches the pods of every namespace", [root]),
	"mend": "move it to the namespace of the workload",
} if {
	input.kind == "EnvoyFilter"
	input.group == "networking.istio.io"
	input.namespace == root
	count(obj.member(input.object, ["spec", "workloadSelector", "labels"])) > 0
}

findings contains {
	"pointer": obj.pointer("/spec/hosts", [i]),
	"message": "the route takes the requests to every host",
	"mend": "name the hosts",
} if {
	input.kind == "VirtualService"
	input.group == "networking.istio.io"
	some i, host in obj.items(input.object, ["spec", "hosts"])
	host == "*"
}

findings contains {
	"pointer": obj.pointer("/spec/servers", [i, "hosts", j]),
	"message": "the gateway takes the requests to every host",
	"mend": "name the hosts",
} if {
	input.kind == "Gateway"
	input.group == "networking.istio.io"
	some i, server in obj.items(input.object, ["spec", "servers"])
	some j, host in obj.items(server, "hosts")
	regex.match(`^([^/]*/)?\*$`, obj.text(host))
}
