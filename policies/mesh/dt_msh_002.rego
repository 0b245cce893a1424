package dualtrack.rules.dt_msh_002

import data.dualtrack.mesh
import data.dualtrack.object as obj

meta := {
	"id": "DT-MSH-002",
	"title": "Client that leaves mutual TLS",
	"severity": "error",
	"profile": "fleet",
	"why": "A DestinationRule with TLS of its own takes the mesh's away: a strict server refuses the call, a permissive one takes it in the clear.",
	"mend": "set tls.mode ISTIO_MUTUAL, or leave tls out",
	"refs": ["PCI DSS 4.2"],
}

spec := obj.member(input.object, "spec") if {
	input.kind == "DestinationRule"
	input.group == "networking.istio.io"
}

host := trim_suffix(obj.text(object.get(spec, "host", "")), ".")

# levels are the places where a rule sets TLS.
levels := array.concat(of_policy("/spec/trafficPolicy", obj.member(spec, "trafficPolicy")), [level |
	some i, subset in obj.items(spec, "subsets")
	some level in of_policy(obj.pointer("/spec/subsets", [i, "trafficPolicy"]), obj.member(subset, "trafficPolicy"))
])

of_policy(pointer, policy) := array.concat(
	[{"pointer": concat("", [pointer, "/tls/mode"]), "tls": obj.member(policy, "tls")}],
	[{"pointer": obj.pointer(pointer, ["portLevelSettings", i, "tls", "mode"]), "tls": obj.member(port, "tls")} |
		some i, port in obj.items(policy, "portLevelSettings")
	],
)

findings contains {
	"pointer": level.pointer,
	"message": sprintf("calls to %q leave the mesh's TLS by mode %s", [host, level.tls.mode]),
	"result": result,
	"patch": [{"op": "replace", "path": level.pointer, "value": "ISTIO_MUTUAL"}],
} if {
	input.kind == "DestinationRule"
	some level in levels
	level.tls.mode in {"DISABLE", "SIMPLE"}
	result := inside
}

# inside is "finding" for a host of the mesh, "unknown" for one of a namespace
# that the bundle does not hold, and undefined for others.
inside := "finding" if wide

inside := "finding" if mesh.includes(namespace)

inside := "unknown" if {
	not wide
	contains(host, ".svc")
	not data.context.namespaces[namespace]
}

namespace := mesh.namespace_of(host)

# Hosts that take in every Service.
wide if host in {"*", "*.cluster.local", "*.local", "*.svc", "*.svc.cluster.local"}
