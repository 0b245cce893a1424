package dualtrack.rules.dt_rba_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rba_005

found(rule) := said(rule, fx.facts)

said(rule, facts) := {f.message | some f in findings; f.pointer == "/rules/0"} if {
	findings := dt_rba_005.findings with input as fx.role("Role", [rule]) with data.context as facts
}

rule(group, resource, verbs) := {"verbs": verbs, "apiGroups": [group], "resources": [resource]}

test_pass_reads if {
	found(rule("", "pods", ["get", "list", "watch", "delete"])) == set()
	found(rule("", "pods/log", ["get"])) == set()
	found(rule("apps", "deployments", ["patch", "update"])) == set()
}

test_pass_other_group if found(rule("x.example", "deployments", ["create"])) == set()

test_pass_allowed if {
	allow := {"params": {"DT-RBA-005": {"allow": ["shop/a"]}}}
	said(rule("", "pods", ["create"]), fx.and_facts(allow)) == set()
	said(rule("", "pods/exec", ["create"]), fx.and_facts(allow)) == set()
}

test_fail_create if {
	found(rule("", "pods", ["create"])) == {"the rule grants create on pods"}
	found(rule("apps", "*", ["create"])) == {"the rule grants create on daemonsets, deployments, replicasets, statefulsets"}
	found(rule("batch", "jobs", ["*"])) == {"the rule grants create on jobs"}
}

test_fail_exec if found(rule("", "pods/exec", ["create"])) == {"the rule reaches pods/exec by create or get"}

test_fail_exec_get if found(rule("", "pods/exec", ["get"])) == {"the rule reaches pods/exec by create or get"}

test_fail_attach if {
	found(rule("", "pods/attach", ["get", "create"])) == {"the rule reaches pods/attach by create or get"}
	found(rule("", "*/portforward", ["get"])) == {"the rule reaches pods/portforward by create or get"}
}

test_pass_params if dt_rba_005.meta.params == {"allow": []}

whole(kind, rule) := all if {
	all := dt_rba_005.findings with input as fx.role(kind, [rule]) with data.context as fx.facts
}

test_fail_makers if {
	every kind in ["ClusterRole", "Role"] {
		every maker in [
			["", "pods"],
			["", "replicationcontrollers"],
			["apps", "daemonsets"],
			["apps", "deployments"],
			["apps", "replicasets"],
			["apps", "statefulsets"],
			["batch", "cronjobs"],
			["batch", "jobs"],
		] {
			[group, resource] := maker
			whole(kind, rule(group, resource, ["create"])) == {{"pointer": "/rules/0", "message": concat(" ", ["the rule grants create on", resource])}}
			whole(kind, rule("x.example", resource, ["create"])) == set()
		}
	}
}

test_fail_everything if {
	every kind in ["ClusterRole", "Role"] {
		whole(kind, {"verbs": ["*"], "apiGroups": ["", "batch"], "resources": ["*"]}) == {
			{"pointer": "/rules/0", "message": "the rule grants create on cronjobs, jobs, pods, replicationcontrollers"},
			{"pointer": "/rules/0", "message": "the rule reaches pods/attach, pods/exec, pods/portforward by create or get"},
		}
	}
}
