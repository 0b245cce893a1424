package dualtrack.drift.dt_drf_004

import data.dualtrack.manager
import data.dualtrack.object as obj

meta := {
	"id": "DT-DRF-004",
	"title": "Object missing, or there without Git",
	"severity": "warning",
	"profile": "fleet",
	"why": "An object that Git wants and the cluster lacks is an outage in waiting; one that Git never heard of is nobody's.",
	"mend": "commit the object to a component, or delete it",
	"refs": ["PCI DSS 11.5"],
}

findings contains {
	"pointer": "",
	"severity": "error",
	"message": "Git wants the object, and the cluster does not have it",
	"mend": "let `platform repair` create it, or remove it from Git",
} if {
	is_object(input.drift.desired)
	input.drift.live == null
}

findings contains {"pointer": "", "message": said} if {
	input.drift.desired == null
	is_object(input.drift.live)
	not expected
}

said := "it left Git and is still on the cluster" if input.drift.inventory

said := "Git does not know the object, and nothing owns it" if not input.drift.inventory

live := input.drift.live

metadata := obj.member(live, "metadata")

expected if count(obj.items(metadata, "ownerReferences")) > 0

expected if obj.key in {
	"/Endpoints",
	"/Event",
	"coordination.k8s.io/Lease",
	"discovery.k8s.io/EndpointSlice",
	"events.k8s.io/Event",
}

# What every namespace, every Helm release and every apply leaves behind.
expected if [obj.key, input.name] in {
	["/ConfigMap", "dualtrack-inventory"],
	["/ConfigMap", "istio-ca-root-cert"],
	["/ConfigMap", "kube-root-ca.crt"],
	["/ServiceAccount", "default"],
}

expected if {
	obj.key == "/Secret"
	live.type in {"helm.sh/release.v1", "kubernetes.io/service-account-token"}
}

# The cluster's own controllers made it and nobody else touched it, as with the
# claims of a StatefulSet.
expected if {
	writers := {m.manager | some m in obj.items(metadata, "managedFields")}
	count(writers) > 0
	count(writers - manager.controllers) == 0
}
