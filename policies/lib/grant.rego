# What roles grant, as RBAC reads their rules.
package dualtrack.grant

import data.dualtrack.object as obj
import data.dualtrack.params

# rules are those of the role that is judged, with their pointers. A ClusterRole
# that aggregates others has none of its own: the controller overwrites them.
rules := [{"pointer": obj.pointer("/rules", [index]), "rule": rule} |
	input.kind in {"ClusterRole", "Role"}
	input.group == "rbac.authorization.k8s.io"
	not aggregates
	not bootstrap
	some index, rule in obj.items(input.object, "rules")
	is_object(rule)
	not total(rule)
]

# A Role aggregates nothing, whatever it says.
aggregates if {
	input.kind == "ClusterRole"
	object.get(input.object, "aggregationRule", null) != null
}

# The API server's own roles and bindings, as an export of a cluster holds them.
bootstrap if {
	object.get(input.object, ["metadata", "labels", "kubernetes.io/bootstrapping"], "") == "rbac-defaults"
	own_name
}

own_name if input.name == "cluster-admin"

own_name if startswith(input.name, "system:")

# total says that a rule grants all; DT-RBA-001 speaks of those.
total(rule) if {
	"*" in obj.items(rule, "verbs")
	"*" in obj.items(rule, "apiGroups")
	"*" in obj.items(rule, "resources")
	not named(rule)
}

# named says that a rule holds for some names only.
named(rule) if count(obj.items(rule, "resourceNames")) > 0

# verbs are those of the wanted ones that a rule grants on a resource of a group.
# "*" is every resource, "*/scale" that subresource of every one.
verbs(rule, group, resource, wanted) := granted if {
	covers_group(rule, group)
	covers(rule, resource)
	granted := {verb | some verb in wanted; grants(rule, verb)}
	count(granted) > 0
}

covers_group(rule, group) if {
	some given in obj.items(rule, "apiGroups")
	given in {"*", group}
}

covers(rule, resource) if {
	some given in obj.items(rule, "resources")
	given in {"*", resource}
}

covers(rule, resource) if {
	parts := split(resource, "/")
	concat("/", ["*", parts[1]]) in obj.items(rule, "resources")
}

grants(rule, verb) if {
	some given in obj.items(rule, "verbs")
	given in {"*", verb}
}

# list joins a set of strings in order.
list(set) := concat(", ", [s | some s in set])

# allowed says that fleet.yaml names the role: "name", or "namespace/name".
allowed(meta) if full_name in params.of(meta).allow

full_name := input.name if input.namespace == ""

full_name := concat("/", [input.namespace, input.name]) if input.namespace != ""
