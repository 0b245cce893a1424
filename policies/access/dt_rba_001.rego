package dualtrack.rules.dt_rba_001

import data.dualtrack.grant
import data.dualtrack.object as obj
import data.dualtrack.selector

meta := {
	"id": "DT-RBA-001",
	"title": "Cluster administrator",
	"severity": "error",
	"profile": "baseline",
	"why": "Whoever holds every right holds every Secret and every node; a controller that does so gives it to whoever breaks into it.",
	"mend": "bind a role that names the groups, resources and verbs that are needed",
	"refs": ["CIS 5.1", "PCI DSS 7.2"],
}

group := "rbac.authorization.k8s.io"

bound := obj.text(object.get(input.object, ["roleRef", "name"], "")) if {
	input.kind in {"ClusterRoleBinding", "RoleBinding"}
	input.group == group
	object.get(input.object, ["roleRef", "kind"], "") == "ClusterRole"
	not grant.bootstrap
}

findings contains {"pointer": "/roleRef/name", "message": sprintf("it binds ClusterRole %q, which holds every right", [bound])} if admin(bound)

findings contains {
	"pointer": "/roleRef/name",
	"message": sprintf("the bundle does not hold ClusterRole %q, so what it grants is not known", [bound]),
	"result": "unknown",
} if {
	not admin(bound)
	not data.context.clusterRoles[bound]
	not bound in {"admin", "edit", "view"}
	not startswith(bound, "system:")
}

findings contains {"pointer": obj.pointer("/rules", [index]), "message": "the rule grants every verb on every resource of every group"} if {
	input.kind == "ClusterRole"
	input.group == group
	not grant.bootstrap
	some index, rule in obj.items(input.object, "rules")
	grant.total(rule)
}

admin("cluster-admin")

admin(name) if {
	some rule in rules(data.context.clusterRoles[name])
	grant.total(rule)
}

# rules are a ClusterRole's own, and those of the roles it aggregates.
rules(role) := array.concat(obj.items(role, "rules"), [rule |
	some term in obj.items(role, ["aggregation", "clusterRoleSelectors"])
	some other in data.context.clusterRoles
	selector.matches(term, other.labels)
	some rule in obj.items(other, "rules")
])
