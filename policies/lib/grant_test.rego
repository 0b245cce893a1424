package dualtrack.grant_test

import data.dualtrack.fixture as fx
import data.dualtrack.grant

rules(doc) := all if {
	all := grant.rules with input as doc
}

get_pods := {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}

test_pass_rules if {
	every kind in ["ClusterRole", "Role"] {
		rules(fx.role(kind, ["odd", get_pods, null])) == [{"pointer": "/rules/1", "rule": get_pods}]
	}
}

test_pass_other_kind if rules(object.union(fx.role("Role", [get_pods]), {"kind": "RoleBinding"})) == []

aggregating(kind) := object.union(fx.role(kind, [get_pods]), {"object": {"aggregationRule": {"clusterRoleSelectors": []}}})

test_pass_aggregated if rules(aggregating("ClusterRole")) == []

# A field that the API server drops hides no rule.
test_fail_role_that_aggregates if count(rules(aggregating("Role"))) == 1
