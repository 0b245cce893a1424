package dualtrack.rules.dt_msh_001

import data.dualtrack.mesh
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-MSH-001",
	"title": "Mesh that takes plain text",
	"severity": "error",
	"profile": "fleet",
	"why": "Where mutual TLS is not strict, whoever reaches a pod talks to it without saying who they are, and policies that name identities do not hold.",
	"mend": "set mtls.mode STRICT, for the namespace or in the root namespace",
	"refs": ["NSA Network separation", "PCI DSS 4.2"],
	"params": {"rootNS": "istio-system", "allowPorts": []},
}

weak := {"DISABLE", "PERMISSIVE"}

spec := obj.member(input.object, "spec") if {
	input.kind == "PeerAuthentication"
	input.group == "security.istio.io"
}

whole if mesh.all_pods(object.get(spec, "selector", null))

findings contains {
	"pointer": "/spec/mtls/mode",
	"message": sprintf("mode %s takes plain text from everybody", [mode]),
	"patch": [{"op": "replace", "path": "/spec/mtls/mode", "value": "STRICT"}],
} if {
	input.kind == "PeerAuthentication"
	mode := spec.mtls.mode
	mode in weak
}

findings contains {
	"pointer": obj.pointer("/spec/portLevelMtls", [port, "mode"]),
	"message": sprintf("mode %s takes plain text on port %s", [level.mode, port]),
	"mend": "set STRICT, or name the port in the parameter allowPorts",
	"patch": [{"op": "replace", "path": obj.pointer("/spec/portLevelMtls", [port, "mode"]), "value": "STRICT"}],
} if {
	input.kind == "PeerAuthentication"
	not whole
	some port, level in obj.member(spec, "portLevelMtls")
	level.mode in weak
	not allowed(port)
}

allowed(port) if {
	some known in params.of(meta).allowPorts
	sprintf("%v", [known]) == port
}

findings contains {
	"pointer": "/spec/portLevelMtls",
	"severity": "warning",
	"message": "modes of ports are ignored in a policy that selects no workload",
	"mend": "add a selector, or remove portLevelMtls",
} if {
	input.kind == "PeerAuthentication"
	whole
	count(obj.member(spec, "portLevelMtls")) > 0
}

# Nothing that decides is the mesh's default, which takes plain text. A mode that
# decides is judged where it stands.
findings contains {
	"pointer": "/metadata/name",
	"message": sprintf("no PeerAuthentication of namespace %q or %q says which TLS its pods take, so they take plain text", [input.name, root]),
	"result": outcome,
} if {
	input.kind == "Namespace"
	input.group == ""
	mesh.member(obj.member(input.object, ["metadata", "labels"]))
	not decided(input.name)
	not decided(root)
}

root := params.of(meta).rootNS

decided(namespace) if {
	some policy in data.context.peerAuth[namespace]
	mesh.all_pods(policy.selector)
	not policy.mode in {null, "UNSET"}
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial
