package dualtrack.programs.dt_cpl_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.programs.dt_cpl_002

judged(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_cpl_002.findings with input as doc with data.context as facts
}

found(doc) := judged(doc, fx.facts)

cluster(audit) := fx.of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Cluster", "metadata": {"name": "hub"}, "spec": {"kubernetes": {"audit": audit}}})

test_pass_cluster if {
	found(cluster({"level": "Metadata", "maxBackups": 10, "maxSizeMB": 100})) == set()
	found(cluster({})) == set()
}

test_fail_cluster_none if found(cluster({"level": "None", "maxBackups": 1})) == {"/spec/kubernetes/audit/level"}

test_fail_cluster_short if found(cluster({"level": "Request", "maxBackups": 9, "maxSizeMB": 99})) == {"/spec/kubernetes/audit/maxBackups", "/spec/kubernetes/audit/maxSizeMB"}

test_pass_cluster_param if judged(cluster({"level": "Metadata", "maxBackups": 3, "maxSizeMB": 20}), fx.and_facts({"params": {"DT-CPL-002": {"maxbackup": 3, "maxsize": 20}}})) == set()

kubeadm(args) := fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": args}})

on := {"audit-policy-file": "/p", "audit-log-path": "/l"}

base := "/apiServer/extraArgs"

test_pass_kubeadm if {
	found(kubeadm(on)) == set()
	found(kubeadm({"audit-policy-file": "/p", "audit-webhook-config-file": "/w"})) == set()
	found(kubeadm(object.union(on, {"audit-log-maxage": "30", "audit-log-maxbackup": "10", "audit-log-maxsize": "100"}))) == set()
}

# 0 and absent are without end.
test_pass_kubeadm_unlimited if found(kubeadm(object.union(on, {"audit-log-maxage": "0", "audit-log-maxbackup": "0"}))) == set()

test_fail_kubeadm_absent if {
	findings := dt_cpl_002.findings with input as kubeadm({}) with data.context as fx.facts
	{f.mend | some f in findings} == {"set audit-policy-file", "set audit-log-path, or audit-webhook-config-file"}
}

test_fail_kubeadm_short if found(kubeadm(object.union(on, {"audit-log-maxage": "29", "audit-log-maxbackup": 9, "audit-log-maxsize": "99"}))) == {
	sprintf("%s/audit-log-maxage", [base]),
	sprintf("%s/audit-log-maxbackup", [base]),
	sprintf("%s/audit-log-maxsize", [base]),
}

test_pass_kubeadm_no_number if found(kubeadm(object.union(on, {"audit-log-maxage": "long"}))) == set()

test_fail_static if {
	doc := fx.pod({"containers": [{"name": "a", "command": ["kube-apiserver", "--audit-policy-file=/p", "--audit-log-path=/l", "--audit-log-maxage", "5"]}]})
	found(doc) == {"/spec/containers/0/command/3"}
}

policy(rules) := fx.of({"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": rules})

core(resources) := {"resources": [{"group": "", "resources": resources}]}

at_level(level, more) := object.union({"level": level}, more)

metadata := at_level("Metadata", {})

test_pass_policy if {
	found(policy([metadata])) == set()
	found(policy([at_level("None", core(["events"])), at_level("Metadata", core(["secrets"])), at_level("Request", {})])) == set()
	found(policy([at_level("Metadata", core(["*"])), at_level("RequestResponse", {})])) == set()
	found(policy([at_level("Metadata", core([])), at_level("Request", {})])) == set()
}

test_fail_policy_empty if found(policy([])) == {"/rules"}

test_fail_policy_none if found(policy([at_level("None", core(["secrets"])), metadata])) == {"/rules"}

test_fail_policy_bindings if {
	rbac := {"resources": [{"group": "rbac.authorization.k8s.io", "resources": ["rolebindings"]}]}
	findings := dt_cpl_002.findings with input as policy([at_level("None", rbac), metadata]) with data.context as fx.facts
	{f.message | some f in findings} == {"requests for RoleBindings leave no trace: the policy logs them at level None, or not at all"}
}

# Rules for some people do not speak for all.
test_fail_policy_for_some if {
	found(policy([at_level("Metadata", {"users": ["a"]})])) == {"/rules"}
	found(policy([at_level("None", {"nonResourceURLs": ["/healthz"]})])) == {"/rules"}
}

test_pass_policy_quiet_user if found(policy([at_level("None", {"users": ["a"]}), metadata])) == set()

test_fail_policy_bodies if {
	found(policy([at_level("Request", {})])) == {"/rules/0/level"}
	found(policy([at_level("RequestResponse", object.union(core(["secrets"]), {"verbs": ["get"]})), metadata])) == {"/rules/0/level"}
	found(policy([at_level("Metadata", {"resources": [{"group": "", "resources": ["secrets"], "resourceNames": ["a"]}]}), at_level("Request", {})])) == {"/rules/1/level"}
}

test_fail_policy_nested if {
	nested := [{"pointer": "/data/audit.yaml", "object": {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": []}}]
	found(object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap"}), {"nested": nested})) == {"/data/audit.yaml"}
}

told(doc) := findings if {
	findings := dt_cpl_002.findings with input as doc with data.context as fx.facts
}

test_pass_other_kind if {
	found(object.union(cluster({"level": "None"}), {"kind": "Fleet"})) == set()
	found(object.union(cluster({"level": "Metadata", "maxBackups": 1}), {"kind": "Fleet"})) == set()
}

test_fail_cluster_findings if {
	told(cluster({"level": "None"})) == {{
		"pointer": "/spec/kubernetes/audit/level",
		"message": "the cluster keeps no audit log",
		"mend": "set spec.kubernetes.audit.level to Metadata",
	}}
	told(cluster({"level": "Metadata", "maxBackups": 9})) == {{
		"pointer": "/spec/kubernetes/audit/maxBackups",
		"message": "9 is less than 10, so the audit log soon forgets",
		"mend": "set it to 10 or more",
	}}
}

server(flags) := fx.container({"name": "server", "command": array.concat(["kube-apiserver"], flags)})

test_fail_static_findings if {
	told(server([])) == {
		{
			"pointer": "/spec/containers/0",
			"container": "server",
			"message": "the API server has no audit policy, so it logs nothing",
			"mend": "set audit-policy-file",
		},
		{
			"pointer": "/spec/containers/0",
			"container": "server",
			"message": "the API server is told no place for its audit log",
			"mend": "set audit-log-path, or audit-webhook-config-file",
		},
	}
	told(server(["--audit-policy-file=/p", "--audit-log-path=/l", "--audit-log-maxage=5"])) == {{
		"pointer": "/spec/containers/0/command/3",
		"container": "server",
		"message": "audit-log-maxage 5 is less than 30, so the audit log soon forgets",
		"mend": "set it to 30 or more",
	}}
}

test_fail_policy_findings if {
	told(policy([])) == {
	{
		"pointer": "/rules",
		"message": sprintf("requests for %s leave no trace: the policy logs them at level None, or not at all", [what]),
		"mend": "add a rule that logs them at level Metadata, before those that log less",
	} |
		some what in ["RoleBindings", "Secrets"]
	}
	told(policy([at_level("Request", {})])) == {{
		"pointer": "/rules/0/level",
		"message": "the policy logs the bodies of Secrets",
		"mend": "log Secrets at level Metadata, in a rule before this one",
	}}
}

test_pass_policy_bodies_of_others if found(policy([at_level("Request", core(["events"])), metadata])) == set()

# What an earlier rule logs for some people, this one logs for the others.
test_fail_policy_bodies_for_the_others if found(policy([at_level("Metadata", object.union(core(["secrets"]), {"users": ["a"]})), at_level("Request", {})])) == {"/rules/1/level"}

test_fail_policy_for_each_some if {
	every field in ["namespaces", "userGroups", "users", "verbs"] {
		found(policy([at_level("Metadata", {field: ["a"]})])) == {"/rules"}
	}
}

# No group is the core group.
test_fail_policy_no_group if found(policy([at_level("None", {"resources": [{"resources": ["secrets"]}]}), metadata])) == {"/rules"}

test_pass_policy_other_rules if {
	found(policy([at_level("None", {"resources": [{"group": "example.org", "resources": ["secrets"]}]}), metadata])) == set()
	found(policy([at_level("None", {"nonResourceURLs": ["/healthz"]}), metadata])) == set()
	found(policy(["odd", metadata])) == set()
}
