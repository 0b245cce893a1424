package dualtrack.rules.dt_rba_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rba_004

found(kind, rule) := said(kind, rule, fx.facts)

said(kind, rule, facts) := {split(f.message, " ")[0] | some f in findings; f.pointer == "/rules/0"} if {
	findings := dt_rba_004.findings with input as fx.role(kind, [rule]) with data.context as facts
}

rule(group, resource, verbs) := {"verbs": verbs, "apiGroups": [group], "resources": [resource]}

rbac := "rbac.authorization.k8s.io"

test_pass_reads if {
	every resource in ["nodes", "pods", "serviceaccounts", "persistentvolumes"] {
		found("ClusterRole", rule("", resource, ["get", "list", "watch"])) == set()
	}
	found("ClusterRole", rule("certificates.k8s.io", "certificatesigningrequests", ["create", "get"])) == set()
}

test_pass_bind_by_name if found("ClusterRole", object.union(rule(rbac, "clusterroles", ["bind"]), {"resourceNames": ["edit"]})) == set()

# Nodes belong to no namespace, so a Role cannot reach them.
test_pass_role_of_nodes if found("Role", rule("", "nodes/proxy", ["get"])) == set()

test_pass_other_group if found("ClusterRole", rule("x.example", "roles", ["bind"])) == set()

test_pass_allowed if said("ClusterRole", rule("", "nodes/proxy", ["get"]), fx.and_facts({"params": {"DT-RBA-004": {"allow": ["a"]}}})) == set()

test_fail_bind if {
	found("ClusterRole", rule(rbac, "roles", ["bind"])) == {"bind"}
	found("Role", rule(rbac, "roles", ["escalate"])) == {"escalate"}
	found("ClusterRole", object.union(rule(rbac, "clusterroles", ["bind", "escalate"]), {"resourceNames": ["edit"]})) == {"bind,"}
}

test_fail_impersonate if {
	every resource in ["users", "groups", "serviceaccounts"] {
		found("ClusterRole", rule("", resource, ["impersonate"])) == {"impersonate"}
	}
}

test_fail_token if found("Role", rule("", "serviceaccounts/token", ["create"])) == {"create"}

# get alone opens a websocket to the kubelet.
test_fail_nodes_proxy if found("ClusterRole", rule("", "nodes/proxy", ["get"])) == {"get"}

test_fail_subresource_wildcard if found("ClusterRole", rule("", "*/proxy", ["get"])) == {"get"}

test_fail_certificates if {
	found("ClusterRole", rule("certificates.k8s.io", "certificatesigningrequests/approval", ["update"])) == {"update"}
	found("ClusterRole", rule("certificates.k8s.io", "signers", ["approve", "sign"])) == {"approve,"}
}

test_fail_webhooks if {
	found("ClusterRole", rule("admissionregistration.k8s.io", "mutatingwebhookconfigurations", ["patch"])) == {"patch"}
	found("ClusterRole", rule("admissionregistration.k8s.io", "validatingwebhookconfigurations", ["create"])) == {"create"}
}

test_fail_volumes if found("ClusterRole", rule("", "persistentvolumes", ["create"])) == {"create"}

test_fail_debug if found("Role", rule("", "pods/ephemeralcontainers", ["patch"])) == {"patch"}

test_fail_all_verbs if found("ClusterRole", rule("", "nodes/proxy", ["*"])) == {"create,"}

test_fail_many_once if {
	findings := dt_rba_004.findings with input as fx.role("ClusterRole", [rule("", "*", ["*"])]) with data.context as fx.facts
	count(findings) == 1
}

test_pass_params if dt_rba_004.meta.params == {"allow": []}

whole(kind, rule) := all if {
	all := dt_rba_004.findings with input as fx.role(kind, [rule]) with data.context as fx.facts
}

# What all verbs on a resource lead to.
ways := [
	[rbac, "roles", "bind, escalate on roles gives roles rights that the holder lacks"],
	[rbac, "clusterroles", "bind, escalate on clusterroles gives roles rights that the holder lacks"],
	["", "users", "impersonate on users acts as any user"],
	["", "groups", "impersonate on groups acts as any group, system:masters too"],
	["", "serviceaccounts", "impersonate on serviceaccounts acts as any service account"],
	["", "serviceaccounts/token", "create on serviceaccounts/token makes tokens of service accounts"],
	["", "nodes/proxy", "create, get on nodes/proxy runs commands in every pod of a node through its kubelet, get alone too"],
	["", "persistentvolumes", "create on persistentvolumes mounts any path of a node"],
	["", "pods/ephemeralcontainers", "patch, update on pods/ephemeralcontainers puts a container into a running pod"],
	["certificates.k8s.io", "certificatesigningrequests/approval", "patch, update on certificatesigningrequests/approval approves certificates of any user"],
	["certificates.k8s.io", "signers", "approve, sign on signers signs certificates of any user"],
	["admissionregistration.k8s.io", "mutatingwebhookconfigurations", "create, patch, update on mutatingwebhookconfigurations reads and changes what is sent to the API server"],
	["admissionregistration.k8s.io", "validatingwebhookconfigurations", "create, patch, update on validatingwebhookconfigurations reads what is sent to the API server"],
]

test_fail_ways if {
	every way in ways {
		[group, resource, message] := way
		whole("ClusterRole", rule(group, resource, ["*"])) == {{"pointer": "/rules/0", "message": message}}
	}
}

# A Role reaches what belongs to its namespace.
test_fail_ways_of_role if {
	every way in ways {
		[group, resource, message] := way
		of_namespace := {finding |
			resource in {"pods/ephemeralcontainers", "roles", "serviceaccounts", "serviceaccounts/token"}
			finding := {"pointer": "/rules/0", "message": message}
		}
		whole("Role", rule(group, resource, ["*"])) == of_namespace
	}
}

# Names limit which role is bound, and leave every other right one that leads to every right.
test_pass_by_name if {
	every resource in ["clusterroles", "roles"] {
		whole("ClusterRole", object.union(rule(rbac, resource, ["bind"]), {"resourceNames": ["edit"]})) == set()
	}
}

test_fail_by_name if whole("ClusterRole", object.union(rule("", "users", ["impersonate"]), {"resourceNames": ["root"]})) == {{"pointer": "/rules/0", "message": "impersonate on users acts as any user"}}
