package dualtrack.rules.dt_net_006

import data.dualtrack.cilium
import data.dualtrack.object as obj
import data.dualtrack.pod
import data.dualtrack.selector

meta := {
	"id": "DT-NET-006",
	"title": "Trap of Cilium's default deny",
	"severity": "error",
	"profile": "fleet",
	"why": "In a Cilium policy an empty list denies nothing, and rules for every endpoint deny all else to the name servers and health checks too.",
	"mend": "write at least one rule for each direction that is to be denied",
	"refs": ["NSA Network separation"],
}

directions := ["ingress", "egress"]

findings contains {
	"pointer": obj.pointer(s.pointer, [field]),
	"severity": "warning",
	"message": sprintf("an empty %s list denies nothing: the policy leaves that direction as it is", [field]),
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	input.group == "cilium.io"
	some s in cilium.specs
	some field in directions
	s.spec[field] == []
	count(obj.items(s.spec, concat("", [field, "Deny"]))) == 0
}

findings contains {
	"pointer": obj.pointer(s.pointer, ["enableDefaultDeny", field]),
	"severity": "warning",
	"message": sprintf("the policy allows %s and denies nothing else", [field]),
	"mend": "remove enableDefaultDeny, once no other traffic is seen",
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	data.context.cluster.production
	input.group == "cilium.io"
	some s in cilium.specs
	some field in directions
	object.get(s.spec, ["enableDefaultDeny", field], true) == false
}

# A rule for every endpoint is one for the name servers and health checks too.
findings contains {
	"pointer": obj.pointer(s.pointer, ["egress"]),
	"message": "egress of every endpoint is denied by default, and no clusterwide policy lets them ask the name servers",
	"mend": "add a rule to port 53 of the pods k8s-app: kube-dns in kube-system, or leave kube-system out of the selector",
	"result": outcome,
} if {
	input.kind == "CiliumClusterwideNetworkPolicy"
	input.group == "cilium.io"
	some s in cilium.specs
	everywhere(s.spec, "egress")
	not asks_names
}

findings contains {
	"pointer": obj.pointer(s.pointer, ["ingress"]),
	"message": "ingress of every endpoint is denied by default, and no clusterwide policy lets the node's health checks in",
	"mend": "add a rule with fromEntities [health, host, remote-node], or leave kube-system out of the selector",
	"result": outcome,
} if {
	input.kind == "CiliumClusterwideNetworkPolicy"
	input.group == "cilium.io"
	some s in cilium.specs
	everywhere(s.spec, "ingress")
	not lets_nodes_in
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

everywhere(spec, field) if {
	is_object(spec.endpointSelector)
	selector.empty(spec.endpointSelector)
	count(obj.items(spec, field)) > 0
	object.get(spec, ["enableDefaultDeny", field], true) != false
}

# all are the clusterwide policies' rules for every endpoint.
all := [p.spec |
	some p in data.context.clusterNetpols
	is_object(p.spec.endpointSelector)
	selector.empty(p.spec.endpointSelector)
]

asks_names if {
	some spec in all
	some rule in obj.items(spec, "egress")
	to_names(rule)
	on_53(rule)
}

to_names(rule) if {
	some entity in obj.items(rule, "toEntities")
	entity in {"all", "cluster"}
}

to_names(rule) if {
	some endpoints in obj.items(rule, "toEndpoints")
	names_kube_system(endpoints)
}

to_names(rule) if {
	is_object(rule)
	count(object.keys(rule) - {"toPorts"}) == 0
}

names_kube_system(endpoints) if cilium.selector(endpoints).matchLabels[cilium.namespace] == "kube-system"

on_53(rule) if count(obj.items(rule, "toPorts")) == 0

on_53(rule) if {
	some ports in obj.items(rule, "toPorts")
	some port in obj.items(ports, "ports")
	port.port in {"0", "53", "dns"}
}

lets_nodes_in if {
	some spec in all
	some rule in obj.items(spec, "ingress")
	some entity in obj.items(rule, "fromEntities")
	entity in {"all", "cluster", "health", "host"}
}

# The agent's own switches, in its ConfigMap and its arguments.
findings contains {
	"pointer": obj.pointer("/data", [key]),
	"message": off[key].says,
	"mend": sprintf("set %s to %q", [key, off[key].to]),
	"patch": [{"op": "replace", "path": obj.pointer("/data", [key]), "value": off[key].to}],
} if {
	input.kind == "ConfigMap"
	input.name == "cilium-config"
	some key, value in obj.member(input.object, "data")
	lower(obj.text(value)) == off[key].value
}

off := {
	"enable-policy": {"value": "never", "to": "default", "says": "with enable-policy never the agent enforces no policy"},
	"policy-audit-mode": {"value": "true", "to": "false", "says": "in audit mode the agent lets through what policies deny"},
}

findings contains {
	"pointer": obj.pointer(c.pointer, [field, i]),
	"container": c.name,
	"message": off[key].says,
	"mend": sprintf("set --%s=%s", [key, off[key].to]),
} if {
	input.kind == "DaemonSet"
	some c in pod.containers
	some field in ["command", "args"]
	some i, arg in obj.items(c.value, field)
	some key, switch in off
	obj.text(arg) in spelled(key, switch.value)
}

spelled(key, "true") := {sprintf("--%s", [key]), sprintf("--%s=true", [key])}

spelled(key, "never") := {sprintf("--%s=never", [key])}
