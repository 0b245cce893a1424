package dualtrack.rules.dt_dat_002

import data.dualtrack.object as obj
import data.dualtrack.pod

meta := {
	"id": "DT-DAT-002",
	"title": "Kafka that everybody may use",
	"severity": "error",
	"profile": "fleet",
	"why": "Whoever reaches an open listener, bridge or console reads and writes every topic, and nothing tells who it was.",
	"mend": "set tls, authentication and authorization",
	"refs": ["PCI DSS 4.2", "PCI DSS 7.2", "PCI DSS 8.2"],
}

strimzi if input.group == "kafka.strimzi.io"

kafka := obj.member(input.object, ["spec", "kafka"]) if strimzi

listeners := [{"pointer": obj.pointer("/spec/kafka/listeners", [i]), "of": listener, "name": obj.text(object.get(listener, "name", ""))} |
	some i, listener in obj.items(kafka, "listeners")
	is_object(listener)
]

findings contains {
	"pointer": concat("", [l.pointer, "/tls"]),
	"message": sprintf("listener %q is open to the outside (%s) without TLS", [l.name, l.of.type]),
	"mend": "set tls: true",
	"patch": [{"op": "add", "path": concat("", [l.pointer, "/tls"]), "value": true}],
} if {
	input.kind == "Kafka"
	some l in listeners
	l.of.type in {"ingress", "loadbalancer", "nodeport", "route"}
	object.get(l.of, "tls", false) != true
}

findings contains {
	"pointer": concat("", [l.pointer, "/authentication"]),
	"message": sprintf("listener %q asks nobody who they are", [l.name]),
	"mend": "set authentication, of type tls or scram-sha-512",
} if {
	input.kind == "Kafka"
	some l in listeners
	obj.text(object.get(l.of, ["authentication", "type"], "")) == ""
}

findings contains {
	"pointer": "/spec/kafka/authorization",
	"message": "without authorization every user may do everything",
	"mend": "set authorization: {type: simple}, and ACLs in KafkaUsers",
} if {
	input.kind == "Kafka"
	obj.text(object.get(kafka, ["authorization", "type"], "")) == ""
}

findings contains {
	"pointer": obj.pointer("/spec/kafka/authorization/superUsers", [i]),
	"message": sprintf("%q makes everybody a super user", [user]),
	"mend": "name the users",
} if {
	input.kind == "Kafka"
	some i, user in obj.items(kafka, ["authorization", "superUsers"])
	contains(obj.text(user), "*")
}

acls := [{"pointer": obj.pointer("/spec/authorization/acls", [i]), "resource": obj.member(acl, "resource"), "operations": operations(acl)} |
	strimzi
	some i, acl in obj.items(input.object, ["spec", "authorization", "acls"])
	is_object(acl)
	object.get(acl, "type", "allow") == "allow"
]

# operation is the older spelling of one.
operations(acl) := array.concat(obj.items(acl, "operations"), [o | o := acl.operation; o != null])

findings contains {
	"pointer": at.pointer,
	"message": sprintf("the user may do everything on %s", [whole]),
	"mend": "name the topics, groups and operations that it needs",
} if {
	input.kind == "KafkaUser"
	some at in acls
	"All" in at.operations
	whole := extent(at.resource)
}

findings contains {
	"pointer": concat("", [at.pointer, "/resource/name"]),
	"severity": "warning",
	"message": sprintf("the user may %s on every %s", [concat(", ", [obj.text(o) | some o in at.operations]), at.resource.type]),
	"mend": "name it, or a prefix of its own",
} if {
	input.kind == "KafkaUser"
	some at in acls
	not "All" in at.operations
	at.resource.type in {"group", "topic", "transactionalId"}
	at.resource.name == "*"
}

extent(resource) := "the cluster" if resource.type == "cluster"

extent(resource) := sprintf("every %s", [resource.type]) if {
	resource.type in {"group", "topic", "transactionalId"}
	resource.name == "*"
}

findings contains {
	"pointer": "/spec/authentication",
	"message": "the bridge speaks to Kafka for everybody who reaches it, as nobody in particular",
	"mend": "set authentication, and stand a gateway with its own before it",
} if {
	input.kind == "KafkaBridge"
	strimzi
	obj.text(object.get(input.object, ["spec", "authentication", "type"], "")) == ""
}

consoles := `(^|/)(provectuslabs/kafka-ui|kafbat/kafka-ui)([:@]|$)`

findings contains {
	"pointer": c.pointer,
	"container": c.name,
	"message": sprintf("%s is a console of Kafka that asks nobody who they are", [pod.describe(c)]),
	"mend": "set AUTH_TYPE to LOGIN_FORM, OAUTH2 or LDAP",
} if {
	input.kind in {"Deployment", "StatefulSet"}
	some c in pod.containers
	regex.match(consoles, obj.text(c.value.image))
	not asks(c)
}

asks(c) if {
	some entry in obj.items(c.value, "env")
	entry.name == "AUTH_TYPE"
	entry.value != "DISABLED"
}

asks(c) if {
	some entry in obj.items(c.value, "env")
	entry.name == "AUTH_TYPE"
	entry.valueFrom
}
