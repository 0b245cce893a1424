package dualtrack.rules.dt_obs_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_obs_003

found(doc) := said(doc, fx.facts)

said(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_obs_003.findings with input as doc with data.context as facts
}

# of is a ConfigMap with an entry of a rule file, which the engine reads.
of(entry) := object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta}), {"detections": [{"pointer": "/data/a.yaml", "of": entry}]})

at := {"/data/a.yaml"}

test_pass_rules if {
	found(of({"rule": "A", "enabled": true})) == set()
	found(of({"rule": "A", "condition": "never_true"})) == set()
	found(of({"macro": "never_true", "condition": "(evt.num=0)"})) == set()
	found(of({"macro": "b", "condition": "proc.name = sh"})) == set()
	found(of({"macro": 5, "condition": "never_true"})) == set()
}

test_fail_rule if found(of({"rule": "Terminal shell in container", "enabled": false})) == at

test_fail_macro if {
	every condition in ["(never_true)", "never_true", "evt.num=0", " ( false ) "] {
		found(of({"macro": "shell_procs", "condition": condition})) == at
	}
}

only(rule) := fx.and_facts({"params": {"DT-OBS-003": {"protected": [rule]}}})

test_pass_unprotected if said(of({"rule": "A", "enabled": false}), only("B")) == set()

test_fail_protected if said(of({"rule": "A", "enabled": false}), only("A")) == at

agent(name, tolerations) := found(fx.of({
	"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name, "namespace": "security"},
	"spec": {"template": {"spec": {"containers": [], "tolerations": tolerations}}},
}))

taint := "node-role.kubernetes.io/control-plane"

test_pass_agent if {
	agent("falco", [{"operator": "Exists"}]) == set()
	agent("falco", [{"key": taint, "operator": "Exists", "effect": "NoSchedule"}]) == set()
	agent("falco", [{"key": taint, "effect": "NoSchedule"}]) == set()
	agent("web", []) == set()
}

test_fail_agent if {
	agent("falco", null) == {"/spec/template/spec/tolerations"}
	agent("tetragon", [{"key": taint, "operator": "Exists", "effect": "NoExecute"}]) == {"/spec/template/spec/tolerations"}
	agent("falco", [{"key": "other", "operator": "Exists"}]) == {"/spec/template/spec/tolerations"}
	agent("falco", [{"key": taint, "value": "yes"}]) == {"/spec/template/spec/tolerations"}
}

test_fail_agent_by_label if {
	doc := fx.of({
		"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": object.union(fx.meta, {"labels": {"app.kubernetes.io/name": "falco"}}),
		"spec": {"template": {"spec": {"containers": []}}},
	})
	found(doc) == {"/spec/template/spec/tolerations"}
}

test_pass_defaults if dt_obs_003.meta.params == {"protected": ["*"], "agents": ["falco", "kubearmor", "tetragon"]}

test_pass_macro_without_condition if found(of({"macro": "a"})) == set()

test_pass_other_kind_with_rules if {
	every entry in [{"rule": "A", "enabled": false}, {"macro": "a", "condition": "never_true"}] {
		found(object.union(of(entry), {"kind": "Secret"})) == set()
	}
}

falco(kind, tolerations) := findings if {
	findings := dt_obs_003.findings with data.context as fx.facts with input as fx.of({
		"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "falco", "namespace": "security"},
		"spec": {"template": {"spec": {"containers": [], "tolerations": tolerations}}},
	})
}

test_fail_agent_whole if falco("DaemonSet", [{"key": "a"}]) == {{
	"pointer": "/spec/template/spec/tolerations",
	"message": `"falco" does not tolerate the taint of the control plane, so nobody watches those nodes`,
	"mend": "tolerate node-role.kubernetes.io/control-plane with operator Exists",
	"patch": [{"op": "add", "path": "/spec/template/spec/tolerations", "value": [
		{"key": "a"},
		{"key": taint, "operator": "Exists", "effect": "NoSchedule"},
	]}],
}}

test_pass_agent_of_another_kind if falco("Deployment", []) == set()

# Only Exists goes without a key, and other operators ask for a number.
test_fail_other_tolerations if {
	every toleration in [{"key": taint, "operator": "Gt"}, {"effect": "NoSchedule"}, {"key": "", "operator": "Equal"}] {
		agent("falco", [toleration]) == {"/spec/template/spec/tolerations"}
	}
}
