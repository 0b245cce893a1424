package dualtrack.pods.dt_rel_002

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod

meta := {
	"id": "DT-REL-002",
	"title": "Probes",
	"severity": "warning",
	"profile": "fleet",
	"why": "Without a readiness probe a Service sends requests to a program that does not answer yet, at every rollout. A liveness probe that asks the same restarts what is merely busy.",
	"mend": "add a readinessProbe that asks the program whether it can serve",
	"refs": [],
	# Whether a liveness probe is asked for too.
	"params": {"needLiveness": false},
}

tuned := params.of(meta)

kinds := {"livenessProbe", "readinessProbe", "startupProbe"}

# lasting are the containers that run as long as a pod that is not meant to end,
# native sidecars among them.
lasting := [c |
	not pod.finite
	some c in pod.containers
	runs_on(c)
]

runs_on(c) if c.list == "containers"

runs_on(c) if {
	c.list == "initContainers"
	object.get(c.value, "restartPolicy", "") == "Always"
}

# targets are the ports at which Services of the namespace send requests to these pods.
targets contains {"service": service.name, "port": port} if {
	some service in data.context.services[input.namespace]
	count(service.selector) > 0
	every key, value in service.selector {
		pod.labels[key] == value
	}
	some port in service.ports
}

serves(c, target) if {
	some port in c.value.ports
	port.containerPort == target.port
}

serves(c, target) if {
	some port in c.value.ports
	port.name == target.port
}

# A port that no container declares may be any one's.
unclaimed(target) if {
	count(lasting) > 0
	count([c | some c in lasting; serves(c, target)]) == 0
	count([c | some c in lasting; probe(c, "readinessProbe") != {}]) == 0
}

probe(c, kind) := obj.member(c.value, kind)

findings contains {
	"pointer": obj.pointer(c.pointer, ["readinessProbe"]),
	"container": c.name,
	"message": sprintf("Service %q sends requests to %s, which has no readiness probe", [service, pod.describe(c)]),
} if {
	some c in lasting
	probe(c, "readinessProbe") == {}
	service := min({t.service | some t in targets; serves(c, t)})
}

findings contains {
	"pointer": concat("", [pod.pointer, "/containers"]),
	"message": sprintf("Service %q sends requests to these pods, and no container has a readiness probe", [target.service]),
} if {
	some target in targets
	unclaimed(target)
}

findings contains {
	"pointer": obj.pointer(c.pointer, ["livenessProbe"]),
	"container": c.name,
	"message": sprintf("%s has no liveness probe", [pod.describe(c)]),
	"mend": "add a livenessProbe that fails only when a restart would help",
} if {
	tuned.needLiveness
	some c in lasting
	probe(c, "livenessProbe") == {}
}

findings contains {
	"pointer": obj.pointer(c.pointer, ["livenessProbe"]),
	"container": c.name,
	"message": sprintf("the liveness probe of %s is its readiness probe: what is busy is restarted", [pod.describe(c)]),
	"mend": "let liveness ask less, or fail later",
} if {
	some c in lasting
	live := c.value.livenessProbe
	is_object(live)
	live == c.value.readinessProbe
}

# asked are the ports that probes ask at.
asked contains {"container": c, "kind": kind, "path": [kind, how, "port"], "port": port} if {
	some c in pod.containers
	some kind in kinds
	asks := c.value[kind]
	some how in ["httpGet", "tcpSocket"]
	port := asks[how].port
	port != null
}

declared(c, port) if {
	some p in c.value.ports
	port == p.containerPort
}

declared(c, port) if {
	some p in c.value.ports
	port == p.name
}

declared(c, port) if {
	some p in c.value.ports
	port == sprintf("%v", [p.containerPort])
}

findings contains {
	"pointer": obj.pointer(want.container.pointer, want.path),
	"container": want.container.name,
	"severity": grave,
	"message": sprintf("the %s of %s asks at port %v, which the container does not declare", [want.kind, pod.describe(want.container), want.port]),
	"mend": "name a port of the container's own list",
} if {
	some want in asked
	not declared(want.container, want.port)
	grave := slip(want)
}

# A name has to be declared: without it the probe fails for ever.
slip(want) := "error" if named(want.port)

# A number need not be, and may be another container's: they share an address.
# Where others are declared it may be a slip; in the node's own network a port
# that is declared is a port that is taken.
slip(want) := "warning" if {
	not named(want.port)
	count(obj.items(want.container.value, "ports")) > 0
	object.get(pod.spec, "hostNetwork", false) != true
	count([c | some c in pod.containers; declared(c, want.port)]) == 0
}

named(port) if {
	is_string(port)
	not regex.match(`^[0-9]+$`, port)
}

findings contains {
	"pointer": obj.pointer(c.pointer, ["livenessProbe"]),
	"container": c.name,
	"severity": "info",
	"message": sprintf("%s looks like a Java program, which starts slowly, and has a liveness probe without a startup probe", [pod.describe(c)]),
	"mend": "add a startupProbe: until it succeeds nothing is restarted",
} if {
	some c in lasting
	is_object(c.value.livenessProbe)
	probe(c, "startupProbe") == {}
	java(c)
}

java(c) if regex.match(`(^|[/_-])(openjdk|jdk|jre|java|temurin|kafka|flink|zookeeper|elasticsearch|cassandra|keycloak)([0-9]*)([:/@_-]|$)`, obj.text(c.value.image))

java(c) if {
	some variable in c.value.env
	variable.name in {"JAVA_OPTS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"}
}
