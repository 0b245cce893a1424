package dualtrack.rules.dt_obs_003

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-OBS-003",
	"title": "Detection that is switched off",
	"severity": "warning",
	"profile": "fleet",
	"why": "A rule of the detector that is off, a macro that never holds, and an agent that leaves out the control plane's nodes look as if all were quiet. Whether a change removes an exporter, change rules tell.",
	"mend": "turn it on again, and write an exception of the rule's own for the case that disturbs",
	"refs": ["PCI DSS 10.2", "PCI DSS 11.5", "NSA Logging"],
	# protected are names of rules, "*" for every one; agents are the values of
	# app.kubernetes.io/name of what must run on every node.
	"params": {"protected": ["*"], "agents": ["falco", "kubearmor", "tetragon"]},
}

findings contains {
	"pointer": at.pointer,
	"message": sprintf("rule %q is switched off", [at.of.rule]),
} if {
	input.kind == "ConfigMap"
	some at in input.detections
	object.get(at.of, "enabled", true) == false
	guarded(at.of.rule)
}

guarded(_) if "*" in params.of(meta).protected

guarded(rule) if rule in params.of(meta).protected

findings contains {
	"pointer": at.pointer,
	"message": sprintf("macro %q never holds: rules that ask for it never fire", [at.of.macro]),
} if {
	input.kind == "ConfigMap"
	some at in input.detections
	is_string(at.of.macro)
	at.of.macro != "never_true"
	never(obj.text(at.of.condition))
}

# never_true is Falco's own name for it.
never(condition) if regex.match(`^\s*\(*\s*(never_true|evt\.num\s*=\s*0|false)\s*\)*\s*$`, condition)

agent if {
	labels := obj.member(input.object, ["metadata", "labels"])
	object.get(labels, "app.kubernetes.io/name", input.name) in params.of(meta).agents
}

findings contains {
	"pointer": concat("", [pod.pointer, "/tolerations"]),
	"message": sprintf("%q does not tolerate the taint of the control plane, so nobody watches those nodes", [input.name]),
	"mend": "tolerate node-role.kubernetes.io/control-plane with operator Exists",
	"patch": obj.set_at(input.object, "", ["spec", "template", "spec", "tolerations"], array.concat(given, [{"key": taint, "operator": "Exists", "effect": "NoSchedule"}])),
} if {
	input.kind == "DaemonSet"
	agent
	not tolerates
}

taint := "node-role.kubernetes.io/control-plane"

given := obj.items(pod.spec, "tolerations")

# An Exists without a key tolerates every taint.
tolerates if {
	some t in given
	object.get(t, "key", "") in {"", taint}
	object.get(t, "effect", "") in {"", "NoSchedule"}
	fits(t)
}

fits(t) if t.operator == "Exists"

fits(t) if {
	object.get(t, "operator", "Equal") == "Equal"
	t.key == taint
	object.get(t, "value", "") == ""
}
