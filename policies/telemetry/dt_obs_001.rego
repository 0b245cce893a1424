package dualtrack.rules.dt_obs_001

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.selector

meta := {
	"id": "DT-OBS-001",
	"title": "Alert that helps nobody",
	"severity": "info",
	"profile": "fleet",
	"why": "An alert without severity reaches nobody, without a runbook it is a riddle, and without a time to wait it cries at every blip. Rule files in ConfigMaps are validate's to judge, by Prometheus itself.",
	"mend": "add the label or annotation, and a time to wait",
	"refs": ["PCI DSS 10.4"],
	"params": {"req": ["severity", "runbook_url"]},
}

alerts := [{"pointer": obj.pointer("/spec/groups", [i, "rules", j]), "rule": rule, "name": rule.alert} |
	input.group == "monitoring.coreos.com"
	some i, group in obj.items(input.object, ["spec", "groups"])
	some j, rule in obj.items(group, "rules")
	obj.text(rule.alert) != ""
]

# required stand among the labels or the annotations.
findings contains {
	"pointer": at.pointer,
	"message": sprintf("alert %q has no %s", [at.name, key]),
} if {
	input.kind == "PrometheusRule"
	some at in alerts
	some key in params.of(meta).req
	every place in ["labels", "annotations"] {
		obj.text(object.get(at.rule, [place, key], "")) == ""
	}
}

findings contains {
	"pointer": concat("", [at.pointer, "/for"]),
	"message": sprintf("alert %q does not wait: it fires at the first sample", [at.name]),
	"mend": "set for, unless the expression itself looks over a time",
} if {
	input.kind == "PrometheusRule"
	some at in alerts
	object.get(at.rule, "for", "0s") in {"", "0", "0s", "0m", "0h"}
	object.get(at.rule, "keep_firing_for", "") == ""
	not looks_back(at.rule)
}

looks_back(rule) if regex.match(`\[[0-9]+[smhdw]`, obj.text(rule.expr))

findings contains {
	"pointer": concat("", [at.pointer, "/alert"]),
	"message": sprintf("alert %q is in %s too", [at.name, other]),
	"mend": "give each alert a name of its own",
} if {
	input.kind == "PrometheusRule"
	some at in alerts
	some other in data.context.alerts[at.name]
	other != concat("/", [input.namespace, input.name])
}

findings contains {
	"pointer": concat("", [second.pointer, "/alert"]),
	"message": sprintf("alert %q is twice in this object, with the same labels", [second.name]),
	"mend": "give each alert a name of its own, or a severity that differs",
} if {
	input.kind == "PrometheusRule"
	some i, first in alerts
	some j, second in alerts
	i < j
	first.name == second.name
	object.get(first.rule, "labels", {}) == object.get(second.rule, "labels", {})
}

# Taken by no Prometheus of the bundle. Without one nobody knows.
findings contains {
	"pointer": "/metadata/labels",
	"severity": "warning",
	"message": "no Prometheus of the bundle selects this object, so its alerts are never evaluated",
	"mend": "set the labels that ruleSelector asks for",
} if {
	input.kind == "PrometheusRule"
	input.group == "monitoring.coreos.com"
	count(data.context.prometheuses) > 0
	not data.context.partial
	not taken
}

taken if {
	some p in data.context.prometheuses
	selector.matches(p.rules, obj.member(input.object, ["metadata", "labels"]))
	looks_here(p)
}

# No selector of namespaces is its own, an empty one all.
looks_here(p) if {
	p.namespaces == null
	p.namespace == input.namespace
}

looks_here(p) if selector.matches(p.namespaces, obj.member(data.context.namespaces, [input.namespace, "labels"]))
