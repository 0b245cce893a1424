package dualtrack.rules.dt_msh_003

import data.dualtrack.mesh
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-MSH-003",
	"title": "Authorization that is too wide, or absent",
	"severity": "warning",
	"profile": "fleet",
	"why": "Where no policy allows, all is allowed; a rule for everybody is the same; and a rule about HTTP never matches on a port of plain TCP.",
	"mend": "add an AuthorizationPolicy without rules for the namespace, and ones that allow the callers that are known",
	"refs": ["NSA Authorization", "PCI DSS 7.2"],
	"params": {"rootNS": "istio-system"},
}

root := params.of(meta).rootNS

allows(policy) if policy.action in {null, "ALLOW"}

# allowing are the policies that decide in a namespace.
allowing(namespace) := [policy |
	some policy in array.concat(object.get(data.context.authz, namespace, []), object.get(data.context.authz, root, []))
	allows(policy)
]

findings contains {
	"pointer": "/metadata/name",
	"message": sprintf("no AuthorizationPolicy allows anybody in namespace %q, so everybody is allowed", [input.name]),
	"result": outcome,
} if {
	input.kind == "Namespace"
	input.group == ""
	mesh.member(obj.member(input.object, ["metadata", "labels"]))
	count(allowing(input.name)) == 0
}

findings contains {
	"pointer": "/metadata/name",
	"message": sprintf("%d kinds of pods of namespace %q are in no AuthorizationPolicy that allows, so everybody reaches them", [count(open), input.name]),
	"result": outcome,
} if {
	input.kind == "Namespace"
	input.group == ""
	mesh.member(obj.member(input.object, ["metadata", "labels"]))
	policies := allowing(input.name)
	count(policies) > 0
	open := {pod.labels | some pod in data.context.selectable[input.name]; not guarded(policies, pod.labels)}
	count(open) > 0
}

guarded(policies, labels) if {
	some policy in policies
	mesh.selects(policy.selector, labels)
}

guarded(policies, _) if {
	some policy in policies
	policy.targeted # waypoints and Services stand between
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

spec := obj.member(input.object, "spec") if {
	input.kind == "AuthorizationPolicy"
	input.group == "security.istio.io"
}

action := object.get(spec, "action", "ALLOW")

rules := [{"pointer": obj.pointer("/spec/rules", [i]), "rule": rule} |
	some i, rule in obj.items(spec, "rules")
	is_object(rule)
]

findings contains {"pointer": at.pointer, "message": "an empty rule allows everybody everything", "mend": "name who may do what; a policy without rules denies all"} if {
	input.kind == "AuthorizationPolicy"
	action == "ALLOW"
	some at in rules
	count(at.rule) == 0
}

findings contains {
	"pointer": obj.pointer(at.pointer, ["from", i, "source", field, j]),
	"message": sprintf("%s \"*\" are everybody who has an identity of the mesh", [field]),
	"mend": "name the callers' service accounts",
} if {
	input.kind == "AuthorizationPolicy"
	action == "ALLOW"
	some at in rules
	some i, from in obj.items(at.rule, "from")
	some field in ["namespaces", "principals"]
	some j, who in obj.items(from, ["source", field])
	who == "*"
}

http := ["hosts", "methods", "notHosts", "notMethods", "notPaths", "paths"]

# The proxy drops fields of HTTP on other ports: what allows then never matches,
# and what denies matches more.
findings contains {
	"pointer": obj.pointer(at.pointer, ["to", i, "operation", field]),
	"message": sprintf("%s are of HTTP, and port %v of Service %q is not: %s", [field, tcp[0].port, tcp[0].service, then]),
	"mend": "name the ports of HTTP in operation.ports, or drop the field",
} if {
	input.kind == "AuthorizationPolicy"
	some at in rules
	some i, to in obj.items(at.rule, "to")
	operation := obj.member(to, "operation")
	some field in http
	count(obj.items(operation, field)) > 0
	tcp := [p | some p in reached; not p.http; meant(p, obj.items(operation, "ports"))]
	then := consequence
}

consequence := "the rule never matches there" if action == "ALLOW"

consequence := "the rule matches every call there" if action != "ALLOW"

# A port that the rule names; or all of them, when none speaks HTTP.
meant(p, ports) if {
	some port in ports
	port == sprintf("%v", [p.target])
}

meant(_, ports) if {
	count(ports) == 0
	every p in reached {
		not p.http
	}
}

# reached are the ports of Services before the pods that the policy selects.
reached := [p |
	some service in data.context.endpoints[input.namespace]
	is_object(service.selector)
	count(service.selector) > 0
	some pod in data.context.selectable[input.namespace]
	mesh.selects({"matchLabels": service.selector}, pod.labels)
	mesh.selects(object.get(spec, "selector", null), pod.labels)
	some port in service.ports
	number := port.port
	p := {"service": service.name, "port": number, "target": object.get(port, "targetPort", number), "http": speaks_http(port)}
]

# The proxy goes by appProtocol, else by the port's name; without either it looks.
speaks_http(port) := false if protocol(port) in {"mongo", "mysql", "postgres", "redis", "tcp", "tls", "udp", "https"}

speaks_http(port) if not protocol(port) in {"mongo", "mysql", "postgres", "redis", "tcp", "tls", "udp", "https"}

protocol(port) := port.appProtocol if is_string(port.appProtocol)

protocol(port) := split(obj.text(object.get(port, "name", "")), "-")[0] if not is_string(object.get(port, "appProtocol", null))
