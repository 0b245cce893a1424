package dualtrack.rules.dt_rba_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rba_002

role(rules) := fx.role("ClusterRole", rules)

found(doc) := {[f.pointer, object.get(f, "severity", "warning")] | some f in findings} if {
	findings := dt_rba_002.findings with input as doc with data.context as facts
}

facts := fx.and_facts({"clusterRoles": {
	"wide": {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["*"]}], "labels": {"into": "sum"}},
	"narrow": {"rules": [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}], "labels": {"into": "sum"}},
	"other": {"rules": [{"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}], "labels": {"into": "else"}},
}})

get_pods := {"verbs": ["get"], "apiGroups": [""], "resources": ["pods", "pods/log"]}

test_pass_named if found(role([get_pods])) == set()

test_pass_odd if {
	found(role(null)) == set()
	found(role(["odd", {"verbs": "*", "resources": [1]}])) == set()
}

# Every right at once is DT-RBA-001's to say.
test_pass_everything if found(role([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}])) == set()

test_pass_bootstrap if {
	doc := fx.of({
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
		"metadata": {"name": "system:node", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
		"rules": [{"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}],
	})
	found(doc) == set()
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "Role", "rules": [{"verbs": ["*"]}]})) == set()

test_fail_verbs if found(role([get_pods, {"verbs": ["get", "*"], "apiGroups": [""], "resources": ["pods"]}])) == {["/rules/1/verbs/1", "warning"]}

test_fail_groups if found(fx.role("Role", [{"verbs": ["get"], "apiGroups": ["*"], "resources": ["pods"]}])) == {["/rules/0/apiGroups/0", "warning"]}

test_fail_urls if found(role([{"verbs": ["get"], "nonResourceURLs": ["*"]}])) == {["/rules/0/nonResourceURLs/0", "warning"]}

test_fail_all_but_names if found(role([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["a"]}])) == {
	["/rules/0/verbs/0", "error"], ["/rules/0/apiGroups/0", "error"], ["/rules/0/resources/0", "error"],
}

test_fail_subresource if found(role([{"verbs": ["get"], "apiGroups": [""], "resources": ["*/scale"]}])) == {["/rules/0/resources/0", "warning"]}

test_fail_no_match if found(role([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods/*"]}])) == {["/rules/0/resources/0", "warning"]}

sum(rules) := fx.of({
	"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "sum"}, "rules": rules,
	"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": {"into": "sum"}}]},
})

# The rules beside the selectors do not count.
test_fail_aggregated if {
	found(sum([])) == {["/aggregationRule", "warning"]}
	found(sum([{"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}])) == {["/aggregationRule", "warning"], ["/rules", "warning"]}
}

said(doc, facts) := all if {
	all := dt_rba_002.findings with input as doc with data.context as facts
}

wildcard(field, index, words, severity) := {
	"pointer": concat("/", ["/rules/0", field, index]),
	"message": sprintf("the rule grants every one of its %s", [words]),
	"severity": severity,
}

test_fail_wildcards_whole if {
	every kind in ["ClusterRole", "Role"] {
		said(fx.role(kind, [{"verbs": ["get", "*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["a"], "nonResourceURLs": ["/a", "*"]}]), facts) == {
			wildcard("verbs", "1", "verbs", "error"),
			wildcard("apiGroups", "0", "API groups", "error"),
			wildcard("resources", "0", "resources", "error"),
			wildcard("nonResourceURLs", "1", "URLs", "error"),
		}
	}
}

test_fail_subresources_whole if {
	every kind in ["ClusterRole", "Role"] {
		said(fx.role(kind, [{"verbs": ["get"], "apiGroups": [""], "resources": ["a*/scale", "*/scale", "pods/*"]}]), facts) == {
			{"pointer": "/rules/0/resources/1", "message": `"*/scale" is that subresource of every resource`},
			{"pointer": "/rules/0/resources/2", "message": `"pods/*" matches nothing: a wildcard stands for a whole resource, or before the slash`, "mend": "name the subresources"},
		}
	}
}

beside := {"pointer": "/rules", "message": "the controller overwrites the rules of a role that aggregates others", "mend": "move the rules to a ClusterRole that the selectors match"}

# Of the roles only the one that is selected and has a wildcard is named.
test_fail_aggregated_whole if said(sum([get_pods]), facts) == {
	{"pointer": "/aggregationRule", "message": `it takes in ClusterRole "wide", which has a wildcard`},
	beside,
}

# Only a ClusterRole aggregates; the rules of a Role are its own.
test_pass_role_aggregates if {
	said(object.union(sum([get_pods]), {"kind": "Role"}), facts) == set()
	said(object.union(sum([get_pods]), {"group": "x.example"}), facts) == set()
}

test_fail_role_aggregates if said(object.union(sum([{"verbs": ["*"], "apiGroups": [""], "resources": ["pods"]}]), {"kind": "Role"}), facts) == {wildcard("verbs", "0", "verbs", "warning")}

# The API server's own roles are as an export holds them, with the rules that the controller wrote.
test_pass_bootstrap_aggregates if {
	doc := object.union(sum([get_pods]), {"name": "system:sum", "object": {"metadata": {"name": "system:sum", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}}}})
	said(doc, fx.facts) == set()
	said(sum([get_pods]), fx.facts) == {beside}
}
