package dualtrack.rules.dt_rba_006_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rba_006

binding(kind, role, subjects) := fx.of({
	"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": "a"},
	"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}, "subjects": subjects,
})

found(doc) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_rba_006.findings with input as doc with data.context as fx.facts
}

to(kind, name) := found(binding("ClusterRoleBinding", "view", [{"kind": kind, "name": name}]))

error := {["/subjects/0/name", "error"]}

test_pass_named if {
	to("ServiceAccount", "web") == set()
	to("Group", "shop:people") == set()
	to("User", "system:kube-proxy") == set()
}

# Kinds are compared exactly.
test_pass_other_kind if {
	to("User", "system:masters") == set()
	to("Group", "default") == set()
}

test_pass_no_subjects if {
	found(binding("RoleBinding", "view", null)) == set()
	found(binding("RoleBinding", "view", ["odd", {"kind": "Group", "name": 5}])) == set()
}

test_pass_discovery if found(binding("ClusterRoleBinding", "system:public-info-viewer", [{"kind": "Group", "name": "system:unauthenticated"}])) == set()

test_pass_bootstrap if {
	doc := fx.of({
		"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"},
		"metadata": {"name": "cluster-admin", "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}},
		"subjects": [{"kind": "Group", "name": "system:masters"}],
	})
	found(doc) == set()
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "RoleBinding", "subjects": [{"kind": "Group", "name": "system:masters"}]})) == set()

test_fail_groups if {
	every name in ["system:authenticated", "system:masters", "system:serviceaccounts", "system:unauthenticated"] {
		to("Group", name) == error
	}
}

test_fail_anonymous if to("User", "system:anonymous") == error

test_fail_default if found(binding("RoleBinding", "view", [{"kind": "User", "name": "a"}, {"kind": "ServiceAccount", "name": "default", "namespace": "shop"}])) == {["/subjects/1/name", "error"]}

test_fail_namespace if to("Group", "system:serviceaccounts:shop") == {["/subjects/0/name", "warning"]}

test_pass_discovery_role if found(binding("ClusterRoleBinding", "system:discovery", [{"kind": "Group", "name": "system:authenticated"}])) == set()

test_fail_whole if {
	every kind in ["ClusterRoleBinding", "RoleBinding"] {
		findings := dt_rba_006.findings with input as binding(kind, "view", [
			"odd",
			{"kind": "Group", "name": "system:masters"},
			{"kind": "Group", "name": "system:serviceaccounts:shop"},
			{"kind": "User", "name": "system:anonymous"},
			{"kind": "ServiceAccount", "name": "default"},
		])
			with data.context as fx.facts
		findings == {
			{"pointer": "/subjects/1/name", "message": `it binds group "system:masters"`},
			{"pointer": "/subjects/2/name", "severity": "warning", "message": `it binds every service account of a namespace, group "system:serviceaccounts:shop"`},
			{"pointer": "/subjects/3/name", "message": "it binds system:anonymous, which is everybody who does not say who they are"},
			{"pointer": "/subjects/4/name", "message": "it binds the service account default, which every pod has that names none"},
		}
	}
}

test_pass_alike if {
	to("User", "system:serviceaccounts:shop") == set()
	to("Group", "my-system:serviceaccounts:shop") == set()
	to("Group", "system:anonymous") == set()
}

test_pass_other_kind_of_object if found(object.union(binding("RoleBinding", "view", [{"kind": "Group", "name": "system:masters"}]), {"kind": "Other"})) == set()

# A binding that names no role is none of those that are allowed.
test_fail_no_role if {
	doc := fx.of({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": fx.meta, "subjects": [{"kind": "Group", "name": "system:masters"}]})
	findings := dt_rba_006.findings with input as doc with data.context as fx.and_facts({"params": {"DT-RBA-006": {"allow": ["_"]}}})
	fx.pointers(findings) == {"/subjects/0/name"}
}
