package dualtrack.rules.dt_rba_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rba_001

everything := [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]

some_things := [{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}]

facts := fx.and_facts({"clusterRoles": {
	"god": {"rules": everything, "labels": {}, "aggregation": null},
	"viewer": {"rules": some_things, "labels": {}, "aggregation": null},
	"part": {"rules": everything, "labels": {"into": "sum"}, "aggregation": null},
	"sum": {"rules": [], "labels": {}, "aggregation": {"clusterRoleSelectors": [{"matchLabels": {"into": "none"}}, {"matchLabels": {"into": "sum"}}]}},
}})

binding(kind, role) := labelled(kind, {"kind": "ClusterRole", "name": role}, "a", {})

labelled(kind, ref, name, labels) := fx.of({
	"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind,
	"metadata": {"name": name, "labels": labels}, "roleRef": ref,
})

found(doc) := {[f.pointer, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_rba_001.findings with input as doc with data.context as facts
}

bound := {["/roleRef/name", "finding"]}

test_pass_narrow if found(binding("ClusterRoleBinding", "viewer")) == set()

test_pass_builtin if found(binding("RoleBinding", "view")) == set()

test_pass_system if found(binding("ClusterRoleBinding", "system:auth-delegator")) == set()

test_pass_role if found(labelled("RoleBinding", {"kind": "Role", "name": "cluster-admin"}, "a", {})) == set()

test_fail_cluster if found(binding("ClusterRoleBinding", "cluster-admin")) == bound

test_fail_namespace if found(binding("RoleBinding", "cluster-admin")) == bound

test_fail_alike if found(binding("ClusterRoleBinding", "god")) == bound

test_fail_aggregated if found(binding("ClusterRoleBinding", "sum")) == bound

test_unknown_role if found(binding("ClusterRoleBinding", "elsewhere")) == {["/roleRef/name", "unknown"]}

admin := {"kind": "ClusterRole", "name": "cluster-admin"}

defaults := {"kubernetes.io/bootstrapping": "rbac-defaults"}

test_pass_bootstrap if found(labelled("ClusterRoleBinding", admin, "cluster-admin", defaults)) == set()

test_pass_bootstrap_system if found(labelled("ClusterRoleBinding", admin, "system:masters", defaults)) == set()

# The label alone excuses nobody.
test_fail_forged_label if found(labelled("ClusterRoleBinding", admin, "mine", defaults)) == bound

role(rules) := fx.of({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}, "rules": rules})

test_fail_rule if found(role(array.concat(some_things, everything))) == {["/rules/1", "finding"]}

test_pass_rules if found(role(some_things)) == set()

test_pass_null_rules if found(role(null)) == set()

test_pass_one_wildcard_short if {
	every rule in [
		{"verbs": ["*"], "apiGroups": ["*"], "resources": ["pods"]},
		{"verbs": ["*"], "apiGroups": [""], "resources": ["*"]},
		{"verbs": ["get"], "apiGroups": ["*"], "resources": ["*"]},
		{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "resourceNames": ["one"]},
		"odd",
	] {
		found(role([rule])) == set()
	}
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "ClusterRoleBinding", "roleRef": admin})) == set()

test_pass_builtin_roles if {
	every name in ["admin", "edit", "view"] {
		found(binding("RoleBinding", name)) == set()
	}
}

test_unknown_alike if found(binding("RoleBinding", "my-system:role")) == {["/roleRef/name", "unknown"]}

# The name alone excuses nobody either.
test_fail_forged_name if found(labelled("ClusterRoleBinding", admin, "system:masters", {})) == bound

test_fail_forged_prefix if found(labelled("ClusterRoleBinding", admin, "my-system:masters", defaults)) == bound

test_pass_bootstrap_role if {
	doc := fx.of({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "cluster-admin", "labels": defaults}, "rules": everything})
	found(doc) == set()
}

test_pass_other_kind if {
	found(object.union(binding("ClusterRoleBinding", "cluster-admin"), {"kind": "Other"})) == set()
	found(object.union(role(everything), {"kind": "Other"})) == set()
	found(object.union(role(everything), {"group": "x.example"})) == set()
}

# An aggregated role that selects nothing of the bundle grants nothing.
test_pass_aggregated_none if {
	roles := {"clusterRoles": object.union(facts.clusterRoles, {"sum": {"rules": [], "labels": {}, "aggregation": {"clusterRoleSelectors": [{"matchLabels": {"into": "none"}}]}}})}
	findings := dt_rba_001.findings with input as binding("ClusterRoleBinding", "sum") with data.context as object.union(facts, roles)
	findings == set()
}

test_unknown_no_name if {
	findings := dt_rba_001.findings with input as labelled("RoleBinding", {"kind": "ClusterRole"}, "a", {}) with data.context as facts
	{f.message | some f in findings} == {`the bundle does not hold ClusterRole "", so what it grants is not known`}
}

test_pass_no_kind if found(labelled("RoleBinding", {"name": "cluster-admin"}, "a", {})) == set()

test_fail_no_label if {
	doc := fx.of({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": {"name": "cluster-admin"}, "roleRef": admin})
	found(doc) == bound
}
