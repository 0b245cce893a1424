# Cilium's policies: their rules, and labels as its selectors name them.
package dualtrack.cilium

import data.dualtrack.object as obj

# specs are the policy's rules with their pointers: spec, and each of specs.
specs := array.concat(
	[{"pointer": "/spec", "spec": spec} | spec := input.object.spec; is_object(spec)],
	[{"pointer": obj.pointer("/specs", [i]), "spec": spec} | some i, spec in obj.items(input.object, "specs"); is_object(spec)],
)

# rules are those of one list of each spec: ingress, egress and their denials.
rules(field) := [{"pointer": obj.pointer(s.pointer, [field, i]), "rule": rule, "spec": s.spec} |
	some s in specs
	some i, rule in obj.items(s.spec, field)
	is_object(rule)
]

# plain is a label without the source that Cilium puts before it.
plain(key) := trim_prefix(trim_prefix(key, "k8s:"), "any:")

# selector is one whose keys are labels of pods.
selector(s) := {"matchLabels": {plain(key): value | some key, value in obj.member(s, "matchLabels")}, "matchExpressions": [object.union(term, {"key": plain(obj.text(term.key))}) | some term in obj.items(s, "matchExpressions")]}

keys(s) := {key | some key in object.keys(s.matchLabels)} | {term.key | some term in s.matchExpressions}

namespace := "io.kubernetes.pod.namespace"

# judgeable says that labels of pods and their namespace decide it.
judgeable(s) if {
	every key in keys(s) {
		not startswith(key, "io.cilium.")
		not startswith(key, "reserved:")
		not regex.match(`^(cidr|container|unspec|cni|fqdn):`, key)
	}
}
