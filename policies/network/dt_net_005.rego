package dualtrack.rules.dt_net_005

import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-NET-005",
	"title": "Route without TLS or without a host",
	"severity": "warning",
	"profile": "fleet",
	"why": "What a route serves without TLS everybody on the way reads; a route for every host takes the requests of others.",
	"mend": "name the hosts in rules and in tls, with a certificate for them",
	"refs": ["PCI DSS 4.2"],
	"params": {"hosts": []},
}

ingress := obj.member(input.object, "spec") if input.group == "networking.k8s.io"

rules := [{"pointer": obj.pointer("/spec/rules", [i]), "rule": rule, "host": obj.text(object.get(rule, "host", ""))} |
	some i, rule in obj.items(ingress, "rules")
	is_object(rule)
]

findings contains {"pointer": at.pointer, "message": "the rule names no host, so it takes the requests to every one"} if {
	input.kind == "Ingress"
	some at in rules
	at.host in {"", "*"}
}

findings contains {"pointer": "/spec/defaultBackend", "message": "the default backend takes the requests to every host"} if {
	input.kind == "Ingress"
	is_object(ingress.defaultBackend)
}

findings contains {
	"pointer": concat("", [at.pointer, "/host"]),
	"message": sprintf("no entry of tls covers host %q", [at.host]),
} if {
	input.kind == "Ingress"
	some at in rules
	not at.host in {"", "*"}
	not covered(at.host)
}

covered(host) if host in params.of(meta).hosts

covered(host) if {
	some entry in obj.items(ingress, "tls")
	some name in obj.items(entry, "hosts")
	same(name, host)
}

# Without hosts an entry is the certificate of all.
covered(_) if {
	some entry in obj.items(ingress, "tls")
	is_object(entry)
	count(obj.items(entry, "hosts")) == 0
}

same(name, name)

# A wildcard stands for one label.
same(name, host) if name == regex.replace(host, `^[^.]+\.`, "*.")

findings contains {
	"pointer": obj.pointer(at.pointer, ["http", "paths", i, "path"]),
	"message": sprintf("%s%s is routed in namespace %q too", [at.host, path, other]),
	"mend": "route each host and path in one namespace",
} if {
	input.kind == "Ingress"
	some at in rules
	some i, entry in obj.items(at.rule, ["http", "paths"])
	is_object(entry)
	path := obj.text(object.get(entry, "path", ""))
	some other in data.context.routes[concat("", [at.host, path])]
	other != input.namespace
}

listeners := [{"pointer": obj.pointer("/spec/listeners", [i]), "listener": listener} |
	input.group == "gateway.networking.k8s.io"
	some i, listener in obj.items(input.object, ["spec", "listeners"])
	is_object(listener)
]

findings contains {
	"pointer": concat("", [at.pointer, "/protocol"]),
	"message": "the listener serves HTTP, and no route of the bundle answers it with a redirect alone",
	"mend": "add an HTTPRoute to this listener with a RequestRedirect to https, or remove the listener",
	"result": outcome,
} if {
	input.kind == "Gateway"
	some at in listeners
	at.listener.protocol == "HTTP"
	not redirected(at.listener)
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

redirected(listener) if {
	some entry in data.context.redirects[input.namespace]
	entry.gateway == input.name
	entry.section in {"", object.get(listener, "name", "")}
}

findings contains {
	"pointer": concat("", [at.pointer, "/hostname"]),
	"message": "the listener names no host, so it takes the requests to every one",
	"mend": "set hostname",
} if {
	input.kind == "Gateway"
	some at in listeners
	at.listener.protocol in {"HTTP", "HTTPS", "TLS"}
	object.get(at.listener, "hostname", "") in {"", "*", null}
}

findings contains {
	"pointer": concat("", [at.pointer, "/allowedRoutes/namespaces/from"]),
	"message": "routes of every namespace may attach, with any host of the listener",
	"mend": "set from: Selector with the namespaces that may",
} if {
	input.kind == "Gateway"
	some at in listeners
	object.get(at.listener, ["allowedRoutes", "namespaces", "from"], "Same") == "All"
}
