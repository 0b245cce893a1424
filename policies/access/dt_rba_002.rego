package dualtrack.rules.dt_rba_002

import data.dualtrack.grant
import data.dualtrack.object as obj
import data.dualtrack.selector

meta := {
	"id": "DT-RBA-002",
	"title": "Wildcard in a role",
	"severity": "warning",
	"profile": "baseline",
	"why": "A wildcard grants what will be added later too: new resources of a group, new verbs of a resource.",
	"mend": "name the verbs, groups and resources that are needed",
	"refs": ["CIS 5.1"],
}

findings contains {
	"pointer": obj.pointer(at.pointer, [field, index]),
	"message": sprintf("the rule grants every one of its %s", [words[field]]),
	"severity": severity(at.rule),
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	some field in object.keys(words)
	some index, value in obj.items(at.rule, field)
	value == "*"
}

words := {"verbs": "verbs", "apiGroups": "API groups", "resources": "resources", "nonResourceURLs": "URLs"}

# All three wildcards, and only names narrow them.
severity(rule) := "error" if {
	every field in ["verbs", "apiGroups", "resources"] {
		"*" in obj.items(rule, field)
	}
} else := "warning"

findings contains {
	"pointer": obj.pointer(at.pointer, ["resources", index]),
	"message": sprintf("%q is that subresource of every resource", [value]),
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	some index, value in obj.items(at.rule, "resources")
	startswith(obj.text(value), "*/")
}

findings contains {
	"pointer": obj.pointer(at.pointer, ["resources", index]),
	"message": sprintf("%q matches nothing: a wildcard stands for a whole resource, or before the slash", [value]),
	"mend": "name the subresources",
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	some index, value in obj.items(at.rule, "resources")
	regex.match(`^[^*]+/\*$`, obj.text(value))
}

# Whoever is bound to an aggregated role has the union of the others.
findings contains {
	"pointer": "/aggregationRule",
	"message": sprintf("it takes in ClusterRole %q, which has a wildcard", [name]),
} if {
	input.kind == "ClusterRole"
	input.group == "rbac.authorization.k8s.io"
	some name, role in members
	some rule in obj.items(role, "rules")
	some field in object.keys(words)
	"*" in obj.items(rule, field)
}

findings contains {
	"pointer": "/rules",
	"message": "the controller overwrites the rules of a role that aggregates others",
	"mend": "move the rules to a ClusterRole that the selectors match",
} if {
	input.kind == "ClusterRole"
	input.group == "rbac.authorization.k8s.io"
	object.get(input.object, "aggregationRule", null) != null
	not grant.bootstrap
	count(obj.items(input.object, "rules")) > 0
}

members[name] := role if {
	some term in obj.items(input.object, ["aggregationRule", "clusterRoleSelectors"])
	some name, role in data.context.clusterRoles
	selector.matches(term, role.labels)
}
