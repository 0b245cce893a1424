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
