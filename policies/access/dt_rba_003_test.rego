package dualtrack.rules.dt_rba_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rba_003

found(rule) := said(rule, fx.facts)

said(rule, facts) := {object.get(f, "severity", "warning") | some f in findings; f.pointer == "/rules/0"} if {
	findings := dt_rba_003.findings with input as fx.role("Role", [rule]) with data.context as facts
}

secrets(verbs) := {"verbs": verbs, "apiGroups": [""], "resources": ["secrets"]}

by_name(verbs) := object.union(secrets(verbs), {"resourceNames": ["one"]})

test_pass_by_name if found(by_name(["get"])) == set()

test_pass_writes if found(secrets(["create", "update"])) == set()

test_pass_other if {
	found({"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps", "secrets/x"]}) == set()
	found({"verbs": ["get"], "apiGroups": ["apps"], "resources": ["secrets"]}) == set()
}

test_pass_allowed if said(secrets(["get"]), fx.and_facts({"params": {"DT-RBA-003": {"allow": ["shop/a"]}}})) == set()

test_fail_get if found(secrets(["get"])) == {"warning"}

test_fail_wildcards if {
	found({"verbs": ["*"], "apiGroups": [""], "resources": ["*"]}) == {"warning"}
	found({"verbs": ["list"], "apiGroups": ["*"], "resources": ["secrets"]}) == {"warning"}
}

# An empty list of names is no list.
test_fail_no_names if found(object.union(secrets(["watch"]), {"resourceNames": []})) == {"warning"}

test_fail_list_by_name if found(by_name(["list"])) == {"info"}

test_fail_create_by_name if found(by_name(["create", "get"])) == {"warning"}

test_fail_other_allowed if said(secrets(["get"]), fx.and_facts({"params": {"DT-RBA-003": {"allow": ["shop/b"]}}})) == {"warning"}

whole(kind, rule, facts) := all if {
	all := dt_rba_003.findings with input as fx.role(kind, [rule]) with data.context as facts
}

test_pass_params if dt_rba_003.meta.params == {"allow": []}

test_fail_whole if {
	every kind in ["ClusterRole", "Role"] {
		whole(kind, secrets(["get", "list", "watch", "create"]), fx.facts) == {{
			"pointer": "/rules/0",
			"message": "the rule grants get, list, watch on every Secret",
		}}
		whole(kind, by_name(["*"]), fx.facts) == {
			{
				"pointer": "/rules/0",
				"severity": "info",
				"message": "the rule grants list, watch on Secrets by name: it holds only for requests that select one by metadata.name",
				"mend": "leave get, unless a controller watches that one Secret",
			},
			{
				"pointer": "/rules/0",
				"message": "names do not limit create, deletecollection of Secrets",
				"mend": "grant it in a rule of its own, or not at all",
			},
		}
	}
}

test_pass_allowed_by_name if {
	allow := fx.and_facts({"params": {"DT-RBA-003": {"allow": ["shop/a", "a"]}}})
	every kind in ["ClusterRole", "Role"] {
		whole(kind, secrets(["*"]), allow) == set()
		whole(kind, by_name(["*"]), allow) == set()
	}
}
