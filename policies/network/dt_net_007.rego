package dualtrack.rules.dt_net_007

import data.dualtrack.cilium
import data.dualtrack.object as obj
import data.dualtrack.selector

meta := {
	"id": "DT-NET-007",
	"title": "Egress by name that does not hold",
	"severity": "warning",
	"profile": "fleet",
	"why": "Cilium learns the addresses of names from DNS answers that its proxy sees; without a DNS rule it sees none, and a pattern of one star is every name.",
	"mend": "add an egress rule to port 53 of kube-dns with rules.dns for the names",
	"refs": ["PCI DSS 1.3"],
}

# named are the rules to names.
named := [at |
	input.group == "cilium.io"
	some at in cilium.rules("egress")
	count(obj.items(at.rule, "toFQDNs")) > 0
]

findings contains {
	"pointer": concat("", [at.pointer, "/toFQDNs"]),
	"message": "no policy that selects the same endpoints has a DNS rule, so the addresses of these names are never learnt",
	"result": outcome,
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	some at in named
	not observed(object.get(at.spec, "endpointSelector", null))
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

# policies are those that may select the same endpoints.
policies := array.concat(
	[p.spec | some p in data.context.netpols[input.namespace]; p.kind == "CiliumNetworkPolicy"],
	[p.spec | some p in data.context.clusterNetpols],
)

observed(endpoints) if {
	some spec in policies
	selects(object.get(spec, "endpointSelector", null), endpoints)
	some rule in obj.items(spec, "egress")
	some ports in obj.items(rule, "toPorts")
	count(obj.items(ports, ["rules", "dns"])) > 0
}

# selects says that a selector holds for all that another one holds for: it asks
# for labels that the other asks for too.
selects(same, same)

selects(other, endpoints) if {
	is_object(other)
	selector.matches(cilium.selector(other), cilium.selector(endpoints).matchLabels)
}

findings contains {
	"pointer": obj.pointer(at.pointer, ["toFQDNs", i, "matchPattern"]),
	"message": sprintf("%q matches names of anybody", [entry.matchPattern]),
	"mend": "name the domain, with a star for its lower labels alone",
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	some at in named
	some i, entry in obj.items(at.rule, "toFQDNs")
	regex.match(`^[*.]*\*(\.[^.*]+)?\.?$`, obj.text(entry.matchPattern))
}

findings contains {
	"pointer": concat("", [at.pointer, "/toFQDNs"]),
	"message": sprintf("a rule with toFQDNs and %s is refused", [field]),
	"mend": "write two rules",
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	some at in named
	some field in ["toCIDR", "toCIDRSet", "toEndpoints", "toEntities", "toGroups", "toNodes", "toServices"]
	count(obj.items(at.rule, field)) > 0
}
