package dualtrack.main_test

import data.dualtrack.fixture as fx
import data.dualtrack.main
import data.dualtrack.severity

privileged := {"containers": [{"name": "a", "image": "registry.example/shop/a:1", "securityContext": {"privileged": true}}]}

of(id, findings) := {f | some f in findings; f.rule == id}

judged(doc, facts) := findings if findings := main.findings with input as doc with data.context as facts

test_pass_complete if {
	some f in of("DT-SEC-001", judged(fx.pod(privileged), fx.facts))
	object.keys(f) == {"rule", "severity", "result", "pointer", "container", "message", "mend", "patch"}
	f.severity == "error"
}

test_pass_off if of("DT-SEC-001", judged(fx.pod(privileged), fx.and_facts({"severity": {"DT-SEC-001": "off"}}))) == set()

graded(id, facts) := {f.severity | some f in of(id, judged(fx.pod(privileged), facts))}

test_pass_fleet_decides if graded("DT-SEC-001", fx.and_facts({"severity": {"DT-SEC-001": "info"}})) == {"info"}

enforcing(level) := fx.and_facts({"namespaces": {"shop": {"labels": {"pod-security.kubernetes.io/enforce": level}}}})

test_pass_restricted if graded("DT-SEC-007", enforcing("restricted")) == {"error"}

test_pass_no_label if graded("DT-SEC-007", fx.facts) == {"error"}

test_pass_baseline if graded("DT-SEC-007", enforcing("baseline")) == {"warning"}

test_pass_privileged if graded("DT-SEC-007", enforcing("privileged")) == {"warning"}

# The baseline holds whatever the namespace enforces.
test_pass_baseline_rule if graded("DT-SEC-001", enforcing("privileged")) == {"error"}

test_pass_own_severity if graded("DT-SUP-002", fx.facts) == {"warning"}

# What is no error is not raised to a warning.
test_pass_info_stays if {
	level := severity.of({"id": "X", "profile": "restricted", "severity": "error"}, {"severity": "info"}) with input as {"namespace": "shop"} with data.context as enforcing("baseline")
	level == "info"
}

unknowns(spec) := {f.pointer | some f in of("policy", judged(fx.pod(spec), fx.facts)); f.result == "unknown"}

test_unknown_malformed if {
	unknowns({"containers": "a"}) == {"/spec/containers"}
	unknowns({"containers": ["a"], "volumes": [5], "os": 1}) == {"/spec/containers/0", "/spec/volumes/0", "/spec/os"}
	unknowns({"securityContext": []}) == {"/spec/securityContext"}
	unknowns({"securityContext": {"seccompProfile": "x"}}) == {"/spec/securityContext/seccompProfile"}
	unknowns({"containers": [{"image": 5, "securityContext": 5}]}) == {"/spec/containers/0/image", "/spec/containers/0/securityContext"}
	unknowns({"containers": [{"securityContext": {"capabilities": [], "seccompProfile": 1}}]}) == {"/spec/containers/0/securityContext/capabilities", "/spec/containers/0/securityContext/seccompProfile"}
	unknowns({"containers": [{"securityContext": {"capabilities": {"add": 1, "drop": "ALL"}}}]}) == {"/spec/containers/0/securityContext/capabilities/add", "/spec/containers/0/securityContext/capabilities/drop"}
	unknowns({"containers": null, "securityContext": null, "volumes": null}) == set()
}

test_unknown_no_spec if {
	{f.pointer | some f in of("policy", judged(fx.deployment({}), fx.facts))} == {"/spec/template/spec"}
	of("policy", judged(fx.of({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "spec": {"workloadRef": {"name": "a"}}}), fx.facts)) == set()
}

test_pass_drift if {
	found := main.drift with data.context as fx.facts with input as {"drift": {"desired": {}, "live": null, "fields": []}, "group": "", "kind": "ConfigMap", "name": "a", "namespace": "shop"}
	{[f.rule, f.severity, f.patch] | some f in found} == {["DT-DRF-004", "error", null]}
}

test_pass_drift_off if {
	found := main.drift with data.context as fx.and_facts({"severity": {"DT-DRF-004": "off"}}) with input as {"drift": {"desired": {}, "live": null, "fields": []}, "group": "", "kind": "ConfigMap", "name": "a", "namespace": "shop"}
	found == set()
}

changed(facts) := {[f.rule, f.severity] | some f in found} if {
	found := main.change with data.context as facts with input as fx.change("changed", [{"effect": "narrows", "level": "error", "why": "w", "pointer": "/spec", "facts": {}}])
}

test_pass_change if changed(fx.facts) == {["DT-CHG-003", "error"]}

test_pass_change_graded if changed(fx.and_facts({"severity": {"DT-CHG-003": "info"}})) == {["DT-CHG-003", "info"]}

test_pass_change_off if changed(fx.and_facts({"severity": {"DT-CHG-003": "off"}})) == set()

reached(facts) := {[f.rule, f.severity] | some f in found} if {
	found := main.change with data.context as facts with input as fx.fleet({"changed": [{"name": "a", "wave": 0, "controlPlane": []}, {"name": "b", "wave": 1, "controlPlane": []}]})
}

test_pass_fleet if reached(fx.facts) == {["DT-FLT-001", "info"]}

test_pass_fleet_off if reached(fx.and_facts({"severity": {"DT-FLT-001": "off"}})) == set()

test_pass_every_rule_described if {
	every meta in main.rules {
		object.keys(meta) - {"fixed", "params"} == {"id", "title", "severity", "profile", "why", "mend", "refs"}
		meta.profile in {"baseline", "restricted", "fleet"}
		meta.severity in {"error", "warning", "info"}
	}
}

test_pass_programs if {
	open := fx.pod({"containers": [{"name": "a", "command": ["kube-apiserver", "--token-auth-file=/t"]}]})
	count(of("DT-CPL-001", judged(open, fx.facts))) == 2
	of("DT-CPL-001", judged(open, fx.and_facts({"severity": {"DT-CPL-001": "off"}}))) == set()
	count(of("DT-CPL-001", judged(fx.of({"apiVersion": "kubeadm.k8s.io/v1beta3", "kind": "ClusterConfiguration", "apiServer": {"extraArgs": {"token-auth-file": "/t"}}}), fx.facts))) == 1
}

inside(o) := object.union(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta}), {"nested": [{"pointer": "/data/a", "object": o}]})

test_pass_programs_in_a_text if count(of("DT-CPL-005", judged(inside({"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "readOnlyPort": 1}), fx.facts))) == 5

test_pass_no_program if of("DT-CPL-001", judged(fx.pod({"containers": [{"name": "a", "command": ["etcdump"]}]}), fx.facts)) == set()

test_pass_webhooks_are_programs if {
	hook := fx.of({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "a"}, "webhooks": [{"name": "a", "timeoutSeconds": 30}]})
	count(of("DT-CPL-006", judged(hook, fx.facts))) == 1
}

test_pass_defaults if {
	some f in of("DT-SEC-002", judged(fx.pod({"hostPID": true}), fx.facts))
	[f.result, f.container, f.mend] == ["finding", "", "remove the field; reach the workload through a Service"]
}

test_pass_no_patch if {
	some f in of("DT-SEC-003", judged(fx.pod({"volumes": [{"name": "a", "hostPath": {}}]}), fx.facts))
	[f.result, f.patch] == ["finding", null]
}

test_pass_off_whatever if {
	facts := fx.and_facts({"severity": {"DT-SEC-003": "off"}})
	of("DT-SEC-003", judged(fx.pod({"volumes": [{"name": "a", "hostPath": {}}]}), facts)) == set()
}

test_unknown_is_an_error if {
	{f.severity | some f in of("policy", judged(fx.pod({"containers": "a"}), fx.facts))} == {"error"}
}

test_pass_every_group_described if {
	every id in ["DT-SEC-001", "DT-SEC-003", "DT-DRF-001", "DT-CPL-001", "DT-CHG-001", "DT-FLT-001"] {
		id in {meta.id | some meta in main.rules}
	}
}
