package dualtrack.rules.dt_net_001

import data.dualtrack.object as obj
import data.dualtrack.selector
import data.dualtrack.stage

meta := {
	"id": "DT-NET-001",
	"title": "Namespace without default deny",
	"severity": "warning",
	"profile": "fleet",
	"why": "Where no policy selects a pod, every pod of the cluster reaches it and it reaches everything.",
	"mend": "add a NetworkPolicy with podSelector {} and policyTypes [Ingress, Egress], and one that allows DNS",
	"refs": ["CIS 5.3", "NSA Network separation", "PCI DSS 1.2", "PCI DSS 1.3"],
}

# The control plane's own namespaces.
system := {"kube-node-lease", "kube-public", "kube-system"}

directions := {"Ingress": "ingress", "Egress": "egress"}

findings contains {
	"pointer": "/metadata/name",
	"message": sprintf("no policy denies %s by default in namespace %q", [field, input.name]),
	"severity": stage.severity,
	"result": result(states),
} if {
	input.kind == "Namespace"
	input.group == ""
	not input.name in system
	some direction, field in directions
	states := {state | some policy in policies; state := judged(policy, direction, field)}
	not "deny" in states
}

policies := array.concat(
	object.get(data.context.netpols, input.name, []),
	[object.union(p, {"kind": "clusterwide"}) | some p in data.context.clusterNetpols],
)

result(states) := "unknown" if unclear(states)

result(states) := "finding" if not unclear(states)

unclear(_) if data.context.partial

unclear(states) if "unclear" in states

# A NetworkPolicy of every pod denies a direction that it names, unless a rule
# allows everything. Without policyTypes it names Ingress, and Egress if it has
# egress rules.
judged(policy, direction, field) := "deny" if {
	policy.kind == "NetworkPolicy"
	selector.empty(obj.member(policy.spec, "podSelector"))
	direction in types(policy.spec)
	not {} in obj.items(policy.spec, field)
}

# A Cilium policy denies a direction for which it has rules. What an empty rule
# does there is told in two ways.
judged(policy, _, field) := cilium(rules) if {
	policy.kind != "NetworkPolicy"
	everywhere(policy)
	rules := array.concat(obj.items(policy.spec, field), obj.items(policy.spec, concat("", [field, "Deny"])))
	count(rules) > 0
	object.get(policy.spec, ["enableDefaultDeny", field], true) != false
	not opens(rules)
}

cilium(rules) := "unclear" if {} in rules

cilium(rules) := "deny" if not {} in rules

opens(rules) if {
	some rule in rules
	some field in ["fromEntities", "toEntities"]
	"all" in obj.items(rule, field)
}

types(spec) := spec.policyTypes if count(obj.items(spec, "policyTypes")) > 0

types(spec) := ["Ingress"] if {
	count(obj.items(spec, "policyTypes")) == 0
	object.get(spec, "egress", null) == null
}

types(spec) := ["Ingress", "Egress"] if {
	count(obj.items(spec, "policyTypes")) == 0
	object.get(spec, "egress", null) != null
}

everywhere(policy) if selector.empty(endpoints(policy))

# A clusterwide policy may be one of this namespace alone.
everywhere(policy) if {
	policy.kind == "clusterwide"
	some label in ["k8s:io.kubernetes.pod.namespace", "io.kubernetes.pod.namespace"]
	endpoints(policy) == {"matchLabels": {label: input.name}}
}

endpoints(policy) := policy.spec.endpointSelector if is_object(policy.spec.endpointSelector)
