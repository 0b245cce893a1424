package dualtrack.rules.dt_obs_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_obs_003

found(doc) := said(doc, fx.facts)

said(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_obs_003.findings with input as doc with data.context as facts
}

rules(text) := fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta, "data": {"falco_rules.local.yaml": text}})

test_pass_rules if {
	found(rules("- rule: A\n  enabled: true\n- macro: never_true\n  condition: (evt.num=0)\n- macro: b\n  condition: proc.name = sh\n- odd\n")) == set()
	found(rules("- rule: [\n")) == set()
	found(rules("text about - rule: A\nenabled: false\n")) == set()
	found(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "data": null})) == set()
}

test_fail_rule if found(rules("- rule: Terminal shell in container\n  enabled: false\n")) == {"/data/falco_rules.local.yaml"}

test_fail_macro if {
	found(rules("- macro: shell_procs\n  condition: (never_true)\n")) == {"/data/falco_rules.local.yaml"}
	found(rules("- macro: shell_procs\n  condition: evt.num=0\n")) == {"/data/falco_rules.local.yaml"}
}

only(rule) := fx.and_facts({"params": {"DT-OBS-003": {"protected": [rule]}}})

test_pass_unprotected if said(rules("- rule: A\n  enabled: false\n"), only("B")) == set()

test_fail_protected if said(rules("- rule: A\n  enabled: false\n"), only("A")) == {"/data/falco_rules.local.yaml"}

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
