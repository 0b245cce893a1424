package dualtrack.rules.dt_rba_003

import data.dualtrack.grant

meta := {
	"id": "DT-RBA-003",
	"title": "Reads Secrets",
	"severity": "warning",
	"profile": "baseline",
	"why": "Whoever lists or watches Secrets has the values of all of them; names limit only requests that ask by name.",
	"mend": "grant get alone, with resourceNames",
	"refs": ["CIS 5.1", "PCI DSS 7.2"],
	"params": {"allow": []},
}

findings contains {
	"pointer": at.pointer,
	"message": sprintf("the rule grants %s on every Secret", [grant.list(verbs)]),
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	verbs := grant.verbs(at.rule, "", "secrets", {"get", "list", "watch"})
	not grant.named(at.rule)
	not grant.allowed(meta)
}

# With names, list and watch hold for requests that carry one in a field selector.
findings contains {
	"pointer": at.pointer,
	"severity": "info",
	"message": sprintf("the rule grants %s on Secrets by name: it holds only for requests that select one by metadata.name", [grant.list(verbs)]),
	"mend": "leave get, unless a controller watches that one Secret",
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	verbs := grant.verbs(at.rule, "", "secrets", {"list", "watch"})
	grant.named(at.rule)
	not grant.allowed(meta)
}

findings contains {
	"pointer": at.pointer,
	"message": sprintf("names do not limit %s of Secrets", [grant.list(verbs)]),
	"mend": "grant it in a rule of its own, or not at all",
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	verbs := grant.verbs(at.rule, "", "secrets", {"create", "deletecollection"})
	grant.named(at.rule)
	not grant.allowed(meta)
}
