package dualtrack.rules.dt_obs_005

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-OBS-005",
	"title": "Host of a Service that is not there",
	"severity": "warning",
	"profile": "fleet",
	"why": "A program that sends to a Service which the cluster does not have starts, waits and drops what it holds; nothing is red but a counter.",
	"mend": "add the component that brings the Service, or take the host out of the configuration",
	"refs": [],
}

pattern := `([a-z0-9]([a-z0-9-]*[a-z0-9])?)\.([a-z0-9]([a-z0-9-]*[a-z0-9])?)\.svc\b`

# missing are the hosts in a text that name no Service of a namespace of the
# bundle. Comments count for nothing.
missing(text) := {concat(".", [found[1], found[3], "svc"]) |
	contains(text, ".svc")
	some line in split(text, "\n")
	contains(line, ".svc")
	not regex.match(`^\s*(#|//)`, line)
	some found in regex.find_all_string_submatch_n(pattern, line, -1)
	data.context.namespaces[found[3]]
	not provided(found[3], found[1])
}

provided(namespace, name) if {
	some service in data.context.endpoints[namespace]
	service.name == name
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

findings contains {
	"pointer": obj.pointer("/data", [key]),
	"message": sprintf("it names %s, and the bundle has no such Service", [host]),
	"result": outcome,
} if {
	input.kind == "ConfigMap"
	input.group == ""
	some key, text in obj.member(input.object, "data")
	is_string(text)
	some host in missing(text)
}

findings contains {
	"pointer": pointer,
	"container": c.name,
	"message": sprintf("%s names %s, and the bundle has no such Service", [pod.describe(c), host]),
	"result": outcome,
} if {
	input.kind in {"CronJob", "DaemonSet", "Deployment", "Job", "StatefulSet"}
	some c in pod.containers
	some [pointer, text] in spoken(c)
	some host in missing(text)
}

# spoken are a container's arguments and the values of its environment.
spoken(c) := array.concat(
	[[obj.pointer(c.pointer, [field, i]), text] | some field in ["args", "command"]; some i, text in obj.items(c.value, field); is_string(text)],
	[[obj.pointer(c.pointer, ["env", i, "value"]), entry.value] | some i, entry in obj.items(c.value, "env"); is_string(entry.value)],
)
