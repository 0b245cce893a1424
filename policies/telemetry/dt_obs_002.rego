package dualtrack.rules.dt_obs_002

import data.dualtrack.object as obj
import data.dualtrack.selector

meta := {
	"id": "DT-OBS-002",
	"title": "Monitor of nothing",
	"severity": "warning",
	"profile": "fleet",
	"why": "A monitor that selects nothing, or a port by a name that is not there, is no error anywhere: the target is missing, and with it the alert that it is down.",
	"mend": "write the labels and the port's name of the Service or pods",
	"refs": [],
}

spec := obj.member(input.object, "spec") if {
	input.group == "monitoring.coreos.com"
}

# spaces are the namespaces that the monitor looks into.
spaces := object.keys(known) if object.get(spec, ["namespaceSelector", "any"], false) == true

spaces := {n | some n in named} if {
	object.get(spec, ["namespaceSelector", "any"], false) != true
	count(named) > 0
}

spaces := {input.namespace} if {
	object.get(spec, ["namespaceSelector", "any"], false) != true
	count(named) == 0
}

named := obj.items(spec, ["namespaceSelector", "matchNames"])

known := data.context.endpoints if input.kind == "ServiceMonitor"

known := data.context.selectable if input.kind == "PodMonitor"

words := {"PodMonitor": "pods", "ServiceMonitor": "Service"}

chosen(namespace) := [target |
	some target in known[namespace]
	selector.matches(obj.member(spec, "selector"), target.labels)
]

targets := [target | some namespace in spaces; some target in chosen(namespace)]

findings contains {
	"pointer": "/spec/selector",
	"message": sprintf("it selects no %s of %s%s", [words[input.kind], concat(", ", spaces), hint]),
	"result": outcome,
} if {
	input.kind in {"PodMonitor", "ServiceMonitor"}
	count(targets) == 0
}

elsewhere := [namespace | some namespace in object.keys(known); count(chosen(namespace)) > 0]

default hint := ""

hint := sprintf("; namespaceSelector leaves out %s, which has some", [elsewhere[0]])

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

lists := {"PodMonitor": "podMetricsEndpoints", "ServiceMonitor": "endpoints"}

endpoints := [{"pointer": obj.pointer("/spec", [lists[input.kind], i]), "of": endpoint} |
	some i, endpoint in obj.items(spec, lists[input.kind])
	is_object(endpoint)
]

findings contains {
	"pointer": concat("", [at.pointer, "/port"]),
	"message": sprintf("none of what it selects has a port of the name %q%s", [port, number_hint(port)]),
	"result": outcome,
} if {
	input.kind in {"PodMonitor", "ServiceMonitor"}
	some at in endpoints
	port := obj.text(object.get(at.of, "port", ""))
	port != ""
	count(targets) > 0
	not port in port_names
}

port_names := {name |
	some target in targets
	some port in obj.items(target, "ports")
	name := name_of(port)
}

# A Service has ports, of pods the names are known.
name_of(port) := port.name

name_of(port) := port if is_string(port)

number_hint(port) := ": this is a name, a number goes into targetPort" if regex.match(`^[0-9]+$`, port)

number_hint(port) := "" if not regex.match(`^[0-9]+$`, port)

findings contains {
	"pointer": concat("", [at.pointer, "/tlsConfig/insecureSkipVerify"]),
	"message": "whoever answers is believed, whatever its certificate says",
	"mend": "set tlsConfig.ca and serverName",
	"patch": [{"op": "remove", "path": concat("", [at.pointer, "/tlsConfig/insecureSkipVerify"])}],
} if {
	input.kind in {"PodMonitor", "ServiceMonitor"}
	some at in endpoints
	object.get(at.of, ["tlsConfig", "insecureSkipVerify"], false) == true
}
