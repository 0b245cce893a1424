package dualtrack.rules.dt_net_002

import data.dualtrack.cilium
import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.selector

meta := {
	"id": "DT-NET-002",
	"title": "Rule that lets everything through",
	"severity": "warning",
	"profile": "fleet",
	"why": "Policies add up: one rule that names everybody undoes every other that denies by default.",
	"mend": "name the peers that are needed: pods, namespaces or blocks of addresses",
	"refs": ["NSA Network separation", "PCI DSS 1.3"],
	"params": {"allow": ["ingress"]},
}

peers := {"ingress": "from", "egress": "to"}

# plain are the rules of a NetworkPolicy, each with its peers.
plain := [at |
	input.group == "networking.k8s.io"
	not excused
	some field, side in peers
	some i, rule in obj.items(input.object, ["spec", field])
	is_object(rule)
	at := {"pointer": obj.pointer("/spec", [field, i]), "side": side, "rule": rule, "peers": obj.items(rule, side)}
]

excused if input.namespace in params.of(meta).allow

findings contains {
	"pointer": at.pointer,
	"message": sprintf("a rule without %q means every peer%s", [at.side, on_ports(at.rule)]),
} if {
	input.kind == "NetworkPolicy"
	some at in plain
	count(at.peers) == 0
}

on_ports(rule) := ", on its ports" if count(obj.items(rule, "ports")) > 0

on_ports(rule) := ", on every port" if count(obj.items(rule, "ports")) == 0

findings contains {
	"pointer": obj.pointer(at.pointer, [at.side, i]),
	"message": "an empty namespaceSelector means every pod of every namespace",
} if {
	input.kind == "NetworkPolicy"
	some at in plain
	some i, peer in at.peers
	is_object(peer.namespaceSelector)
	selector.empty(peer.namespaceSelector)
	selector.empty(obj.member(peer, "podSelector"))
}

findings contains {
	"pointer": obj.pointer(at.pointer, [at.side, i, "ipBlock"]),
	"message": sprintf("%s means every address", [peer.ipBlock.cidr]),
} if {
	input.kind == "NetworkPolicy"
	some at in plain
	some i, peer in at.peers
	everywhere(obj.text(peer.ipBlock.cidr))
	count(obj.items(peer, ["ipBlock", "except"])) == 0
}

findings contains {
	"pointer": obj.pointer(at.pointer, [at.side]),
	"message": sprintf("%s and %s together mean every address", [half[0], half[1]]),
} if {
	input.kind == "NetworkPolicy"
	some at in plain
	some half in halves
	blocks := {peer.ipBlock.cidr | some peer in at.peers; count(obj.items(peer, ["ipBlock", "except"])) == 0}
	half[0] in blocks
	half[1] in blocks
}

everywhere(cidr) if endswith(cidr, "/0")

halves := [["0.0.0.0/1", "128.0.0.0/1"], ["::/1", "8000::/1"]]

cilium_rules := [object.union(at, {"side": side}) |
	input.group == "cilium.io"
	not excused
	some field, side in peers
	some at in cilium.rules(field)
]

findings contains {
	"pointer": obj.pointer(at.pointer, [field, i]),
	"message": sprintf("entity %q means %s", [entity, entities[entity]]),
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	some at in cilium_rules
	field := concat("", [at.side, "Entities"])
	some i, entity in obj.items(at.rule, field)
}

entities := {"all": "everything inside and outside the cluster", "world": "every address outside the cluster"}

findings contains {
	"pointer": obj.pointer(at.pointer, [field, i]),
	"message": sprintf("%s means every address", [cidr]),
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	some at in cilium_rules
	field := concat("", [at.side, "CIDR"])
	some i, cidr in obj.items(at.rule, field)
	everywhere(obj.text(cidr))
}

findings contains {
	"pointer": obj.pointer(at.pointer, [field, i]),
	"message": sprintf("%s means every address", [block.cidr]),
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	some at in cilium_rules
	field := concat("", [at.side, "CIDRSet"])
	some i, block in obj.items(at.rule, field)
	everywhere(obj.text(block.cidr))
	count(obj.items(block, "except")) == 0
}

# In a namespaced policy the empty selector means the namespace.
findings contains {
	"pointer": obj.pointer(at.pointer, [field, i]),
	"message": "in a clusterwide policy the empty selector means every pod of the cluster",
} if {
	input.kind == "CiliumClusterwideNetworkPolicy"
	some at in cilium_rules
	field := concat("", [at.side, "Endpoints"])
	some i, endpoints in obj.items(at.rule, field)
	is_object(endpoints)
	selector.empty(endpoints)
}
