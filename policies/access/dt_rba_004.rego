package dualtrack.rules.dt_rba_004

import data.dualtrack.grant

meta := {
	"id": "DT-RBA-004",
	"title": "Right that leads to every right",
	"severity": "error",
	"profile": "baseline",
	"why": "Each of these rights lets its holder act as somebody else, write roles beyond its own, or reach the kubelet behind the API server's back.",
	"mend": "give the right to a controller of its own, or drop it",
	"refs": ["CIS 5.1"],
	"params": {"allow": []},
}

rbac := "rbac.authorization.k8s.io"

writes := {"create", "patch", "update"}

# What each right does, by group, resource and verbs.
rights := [
	{"group": rbac, "resource": "roles", "verbs": {"bind", "escalate"}, "does": "gives roles rights that the holder lacks"},
	{"group": rbac, "resource": "clusterroles", "verbs": {"bind", "escalate"}, "does": "gives roles rights that the holder lacks"},
	{"group": "", "resource": "users", "verbs": {"impersonate"}, "does": "acts as any user"},
	{"group": "", "resource": "groups", "verbs": {"impersonate"}, "does": "acts as any group, system:masters too"},
	{"group": "", "resource": "serviceaccounts", "verbs": {"impersonate"}, "does": "acts as any service account"},
	{"group": "", "resource": "serviceaccounts/token", "verbs": {"create"}, "does": "makes tokens of service accounts"},
	{"group": "", "resource": "nodes/proxy", "verbs": {"create", "get"}, "does": "runs commands in every pod of a node through its kubelet, get alone too"},
	{"group": "", "resource": "persistentvolumes", "verbs": {"create"}, "does": "mounts any path of a node"},
	{"group": "", "resource": "pods/ephemeralcontainers", "verbs": {"patch", "update"}, "does": "puts a container into a running pod"},
	{"group": "certificates.k8s.io", "resource": "certificatesigningrequests/approval", "verbs": {"patch", "update"}, "does": "approves certificates of any user"},
	{"group": "certificates.k8s.io", "resource": "signers", "verbs": {"approve", "sign"}, "does": "signs certificates of any user"},
	{"group": "admissionregistration.k8s.io", "resource": "mutatingwebhookconfigurations", "verbs": writes, "does": "reads and changes what is sent to the API server"},
	{"group": "admissionregistration.k8s.io", "resource": "validatingwebhookconfigurations", "verbs": writes, "does": "reads what is sent to the API server"},
]

# Said once a rule, however many rights it holds.
findings contains {
	"pointer": at.pointer,
	"message": concat("; ", ways),
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	not grant.allowed(meta)
	ways := {way |
		some right in rights
		verbs := grant.verbs(at.rule, right.group, right.resource, right.verbs)
		not harmless(right, at.rule)
		way := sprintf("%s on %s %s", [grant.list(verbs), right.resource, right.does])
	}
	count(ways) > 0
}

# Of the cluster's own resources a Role grants nothing.
harmless(right, _) if {
	input.kind == "Role"
	not right.resource in {"pods/ephemeralcontainers", "roles", "serviceaccounts", "serviceaccounts/token"}
}

# A role that may be bound by name gives what that role gives, which is judged there.
harmless(right, rule) if {
	right.resource in {"clusterroles", "roles"}
	grant.named(rule)
	not grant.grants(rule, "escalate")
}
