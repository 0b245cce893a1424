package dualtrack.rules.dt_net_003

import data.dualtrack.cilium
import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.selector

meta := {
	"id": "DT-NET-003",
	"title": "Policy that selects nothing",
	"severity": "warning",
	"profile": "fleet",
	"why": "A selector with a label that no pod has protects nothing, and a peer that nothing matches lets nobody in; both look right in review.",
	"mend": "write the labels that the pods' template carries",
	"refs": [],
	"params": {"outside": ["default", "kube-node-lease", "kube-public", "kube-system"]},
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

named(s) if not selector.empty(s)

# Pods that Kubernetes itself brings are in no bundle.
outside := {name | some name in params.of(meta).outside}

findings contains {
	"pointer": "/spec/podSelector",
	"message": sprintf("no pod of namespace %q has these labels", [input.namespace]),
	"result": outcome,
} if {
	input.kind == "NetworkPolicy"
	input.group == "networking.k8s.io"
	chosen := input.object.spec.podSelector
	named(chosen)
	not input.namespace in outside
	not chosen_in(input.namespace, chosen)
}

chosen_in(namespace, s) if {
	some pod in data.context.selectable[namespace]
	selector.matches(s, pod.labels)
}

# peers are a NetworkPolicy's, each with its pointer.
peers := [{"pointer": obj.pointer("/spec", [field, i, side, j]), "peer": peer} |
	input.group == "networking.k8s.io"
	some field, side in {"ingress": "from", "egress": "to"}
	some i, rule in obj.items(input.object, ["spec", field])
	some j, peer in obj.items(rule, side)
	is_object(peer)
]

findings contains {
	"pointer": concat("", [at.pointer, "/podSelector"]),
	"message": sprintf("no pod of namespace %q has these labels", [input.namespace]),
	"result": outcome,
} if {
	input.kind == "NetworkPolicy"
	some at in peers
	object.get(at.peer, "namespaceSelector", null) == null
	chosen := at.peer.podSelector
	named(chosen)
	not input.namespace in outside
	not chosen_in(input.namespace, chosen)
}

# abroad are the peers in namespaces of the bundle, with the names of those.
abroad := [object.union(at, {"namespaces": matched}) |
	some at in peers
	spaces := at.peer.namespaceSelector
	named(spaces)
	not beyond(spaces)
	matched := {name | some name, space in data.context.namespaces; selector.matches(spaces, labels_of(name, space.labels))}
]

beyond(spaces) if {
	some name in outside
	selector.matches(spaces, labels_of(name, {}))
}

# The API server gives each namespace its name as a label.
labels_of(name, labels) := object.union(labels, {"kubernetes.io/metadata.name": name})

findings contains {
	"pointer": concat("", [at.pointer, "/namespaceSelector"]),
	"message": "no namespace of the bundle has these labels",
	"mend": "write labels of a namespace: kubernetes.io/metadata.name is its name",
	"result": outcome,
} if {
	input.kind == "NetworkPolicy"
	some at in abroad
	count(at.namespaces) == 0
}

findings contains {
	"pointer": concat("", [at.pointer, "/podSelector"]),
	"message": "no pod of those namespaces has these labels",
	"result": outcome,
} if {
	input.kind == "NetworkPolicy"
	some at in abroad
	count(at.namespaces) > 0
	chosen := at.peer.podSelector
	named(chosen)
	not chosen_in_any(at.namespaces, chosen)
}

chosen_in_any(namespaces, s) if {
	some namespace in namespaces
	chosen_in(namespace, s)
}

# chosen are the selectors of a Cilium policy that labels of pods decide.
chosen := [{"pointer": at.pointer, "peer": at.peer, "selector": s} |
	input.group == "cilium.io"
	some at in array.concat(subjects, cilium_peers)
	s := cilium.selector(at.selector)
	not selector.empty(s)
	cilium.judgeable(s)
	not reaches_outside(s)
	not input.namespace in outside
]

subjects := [{"pointer": concat("", [s.pointer, "/endpointSelector"]), "selector": endpoints, "peer": false} |
	some s in cilium.specs
	endpoints := s.spec.endpointSelector
]

cilium_peers := [{"pointer": obj.pointer(at.pointer, [side, i]), "selector": endpoints, "peer": true} |
	some field, side in {"ingress": "fromEndpoints", "egress": "toEndpoints", "ingressDeny": "fromEndpoints", "egressDeny": "toEndpoints"}
	some at in cilium.rules(field)
	some i, endpoints in obj.items(at.rule, side)
]

reaches_outside(s) if s.matchLabels[cilium.namespace] in outside

reaches_outside(s) if {
	some term in s.matchExpressions
	term.key == cilium.namespace
	some name in obj.items(term, "values")
	name in outside
}

findings contains {
	"pointer": at.pointer,
	"message": sprintf("no pod of namespace %q has these labels%s", [input.namespace, elsewhere(at)]),
	"result": outcome,
} if {
	input.kind == "CiliumNetworkPolicy"
	some at in chosen
	not cilium.namespace in cilium.keys(at.selector)
	not chosen_in(input.namespace, at.selector)
}

elsewhere(at) := ", and without k8s:io.kubernetes.pod.namespace no other namespace is meant" if {
	at.peer
	chosen_in_any(object.keys(data.context.selectable), at.selector)
} else := ""

findings contains {
	"pointer": at.pointer,
	"message": "no pod of the bundle has these labels",
	"result": outcome,
} if {
	input.kind in {"CiliumClusterwideNetworkPolicy", "CiliumNetworkPolicy"}
	some at in chosen
	anywhere(at)
	not chosen_with_namespace(at.selector)
}

anywhere(_) if input.kind == "CiliumClusterwideNetworkPolicy"

anywhere(at) if cilium.namespace in cilium.keys(at.selector)

chosen_with_namespace(s) if {
	some namespace, list in data.context.selectable
	some pod in list
	selector.matches(s, object.union(pod.labels, {cilium.namespace: namespace}))
}
