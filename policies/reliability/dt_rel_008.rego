package dualtrack.rules.dt_rel_008

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod
import data.dualtrack.selector

meta := {
	"id": "DT-REL-008",
	"title": "Broken selector or reference",
	"severity": "warning",
	"profile": "fleet",
	"why": "A pod whose ConfigMap, Secret, claim or account is missing does not start, and a Service that selects nothing answers nobody; the API server accepts both.",
	"mend": "correct the name, or add the object to a component; what an operator makes is listed in this rule's createdBy",
	"refs": [],
	# What others make on the cluster: "Kind/namespace/name", with * for a part of a name.
	"params": {"createdBy": []},
}

tuned := params.of(meta)

result := "unknown" if data.context.partial

result := "finding" if not data.context.partial

# A workload that selects other pods than it makes is refused by the API server.
findings contains {
	"pointer": "/spec/selector",
	"severity": "error",
	"message": "the selector does not match the labels of the pod template: the API server refuses it",
	"mend": "let the template carry the labels that the selector names",
} if {
	input.kind in {"DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"}
	input.group == "apps"
	s := input.object.spec.selector
	is_object(s)
	not selector.matches(s, pod.labels)
}

service_selector := obj.member(input.object, ["spec", "selector"])

findings contains {
	"pointer": "/spec/selector",
	"message": "no workload of the namespace has the labels that the Service selects",
	"mend": "let the selector name labels of a pod template",
	"result": answered,
} if {
	input.kind == "Service"
	input.group == ""
	count(service_selector) > 0
	object.get(input.object, ["spec", "type"], "") != "ExternalName"
	not selected
	not made("Service", input.name)
}

selected if {
	some w in data.context.workloads[input.namespace]
	selector.matches({"matchLabels": service_selector}, w.labels)
}

# Operators make pods that the bundle does not show.
answered := "unknown" if {
	some w in data.context.workloads[input.namespace]
	not w.group in {"", "apps", "batch"}
} else := result

# references are the objects of the namespace that this one cannot do without.
references contains {"kind": "ServiceAccount", "name": name, "pointer": concat("", [pod.pointer, "/serviceAccountName"])} if {
	name := pod.spec.serviceAccountName
	not name in {"", "default"}
}

references contains {"kind": kind, "name": source[field], "pointer": obj.pointer(pod.pointer, ["volumes", index, type, field])} if {
	some index, volume in pod.spec.volumes
	some type, [kind, field] in {"configMap": ["ConfigMap", "name"], "persistentVolumeClaim": ["PersistentVolumeClaim", "claimName"], "secret": ["Secret", "secretName"]}
	source := volume[type]
	needed(source)
}

references contains {"kind": kind, "name": source.name, "pointer": obj.pointer(pod.pointer, ["volumes", index, "projected", "sources", at, type, "name"])} if {
	some index, volume in pod.spec.volumes
	some at, projected in volume.projected.sources
	some type, kind in {"configMap": "ConfigMap", "secret": "Secret"}
	source := projected[type]
	needed(source)
}

references contains {"kind": kind, "name": source.name, "pointer": obj.pointer(c.pointer, ["env", index, "valueFrom", type, "name"])} if {
	some c in pod.containers
	some index, variable in c.value.env
	read := variable.valueFrom
	some type, kind in {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
	source := read[type]
	needed(source)
}

references contains {"kind": kind, "name": source.name, "pointer": obj.pointer(c.pointer, ["envFrom", index, type, "name"])} if {
	some c in pod.containers
	some index, from in c.value.envFrom
	some type, kind in {"configMapRef": "ConfigMap", "secretRef": "Secret"}
	source := from[type]
	needed(source)
}

references contains {"kind": "Service", "name": backend.name, "pointer": obj.pointer("/spec/rules", [rule, "http", "paths", path, "backend", "service", "name"])} if {
	input.kind == "Ingress"
	some rule, entry in obj.items(input.object, ["spec", "rules"])
	some path, way in obj.items(obj.member(entry, "http"), "paths")
	backend := obj.member(way, ["backend", "service"])
}

references contains {"kind": "Service", "name": backend.name, "pointer": "/spec/defaultBackend/service/name"} if {
	input.kind == "Ingress"
	backend := obj.member(input.object, ["spec", "defaultBackend", "service"])
}

references contains {"kind": "Secret", "name": tls.secretName, "pointer": obj.pointer("/spec/tls", [index, "secretName"])} if {
	input.kind == "Ingress"
	some index, tls in obj.items(input.object, ["spec", "tls"])
}

# A backend of another namespace or group is not looked up here.
references contains {"kind": "Service", "name": backend.name, "pointer": obj.pointer("/spec/rules", [rule, "backendRefs", index, "name"])} if {
	input.kind in {"GRPCRoute", "HTTPRoute", "TCPRoute", "TLSRoute"}
	input.group == "gateway.networking.k8s.io"
	some rule, entry in obj.items(input.object, ["spec", "rules"])
	some index, backend in obj.items(entry, "backendRefs")
	object.get(backend, "kind", "Service") == "Service"
	object.get(backend, "group", "") == ""
	object.get(backend, "namespace", input.namespace) == input.namespace
}

needed(source) if not source.optional == true

findings contains {
	"pointer": reference.pointer,
	"message": sprintf("the bundle holds no %s %q in this namespace", [reference.kind, reference.name]),
	"result": result,
} if {
	some reference in references
	is_string(reference.name)
	not data.context.names[input.namespace][concat("/", [reference.kind, reference.name])]
	not given(reference.kind, reference.name)
	not made(reference.kind, reference.name)
}

# Every namespace has these.
given("ConfigMap", "kube-root-ca.crt")

made(kind, name) if {
	some pattern in tuned.createdBy
	glob.match(pattern, ["/"], concat("/", [kind, input.namespace, name]))
}
