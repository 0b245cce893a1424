package dualtrack.rules.dt_rba_005

import data.dualtrack.grant

meta := {
	"id": "DT-RBA-005",
	"title": "Makes pods, or enters them",
	"severity": "warning",
	"profile": "baseline",
	"why": "Whoever makes a pod runs as any service account of its namespace and mounts any Secret of it; whoever enters one has what it has.",
	"mend": "leave making pods to the reconciler, and entering them to people for a time",
	"refs": ["CIS 5.1"],
	"params": {"allow": []},
}

makers := [
	{"group": "", "resource": "pods"},
	{"group": "", "resource": "replicationcontrollers"},
	{"group": "apps", "resource": "daemonsets"},
	{"group": "apps", "resource": "deployments"},
	{"group": "apps", "resource": "replicasets"},
	{"group": "apps", "resource": "statefulsets"},
	{"group": "batch", "resource": "cronjobs"},
	{"group": "batch", "resource": "jobs"},
]

findings contains {
	"pointer": at.pointer,
	"message": sprintf("the rule grants create on %s", [grant.list(made)]),
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	made := {m.resource | some m in makers; grant.verbs(at.rule, m.group, m.resource, {"create"})}
	count(made) > 0
	not grant.allowed(meta)
}

# A websocket begins as get, so get alone reaches exec.
findings contains {
	"pointer": at.pointer,
	"message": sprintf("the rule reaches %s by create or get", [grant.list(reached)]),
} if {
	input.kind in {"ClusterRole", "Role"}
	some at in grant.rules
	reached := {way | some way in ["pods/attach", "pods/exec", "pods/portforward"]; grant.verbs(at.rule, "", way, {"create", "get"})}
	count(reached) > 0
	not grant.allowed(meta)
}
