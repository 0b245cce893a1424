package dualtrack.rules.dt_dat_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_dat_002

# found is what is found, without how to mend it.
found(doc) := {{k: v | some k, v in f; k != "mend"} | some f in findings} if {
	findings := dt_dat_002.findings with input as doc with data.context as fx.facts
}

error(pointer, message) := {"pointer": pointer, "message": message}

simple := {"type": "simple"}

kafka(listener, authorization) := found(fx.kafka("Kafka", {"kafka": {"listeners": [listener], "authorization": authorization}}))

tls := {"name": "tls", "port": 9093, "type": "internal", "tls": true, "authentication": {"type": "tls"}}

open(i, name, type) := object.union(
	error(sprintf("/spec/kafka/listeners/%d/tls", [i]), sprintf("listener %q is open to the outside (%s) without TLS", [name, type])),
	{"patch": [{"op": "add", "path": sprintf("/spec/kafka/listeners/%d/tls", [i]), "value": true}]},
)

anonymous(i, name) := error(sprintf("/spec/kafka/listeners/%d/authentication", [i]), sprintf("listener %q asks nobody who they are", [name]))

unauthorized := error("/spec/kafka/authorization", "without authorization every user may do everything")

super_user(i, user) := error(sprintf("/spec/kafka/authorization/superUsers/%d", [i]), sprintf("%q makes everybody a super user", [user]))

test_pass_kafka if {
	kafka(tls, simple) == set()
	kafka(object.union(tls, {"type": "loadbalancer"}), simple) == set()
	kafka(object.union(tls, {"tls": false}), object.union(simple, {"superUsers": ["CN=admin", 5]})) == set()
}

test_fail_outside if {
	every type in ["ingress", "loadbalancer", "nodeport", "route"] {
		kafka(object.union(tls, {"type": type, "tls": false}), simple) == {open(0, "tls", type)}
		kafka({"name": "tls", "type": type, "authentication": tls.authentication}, simple) == {open(0, "tls", type)}
	}
}

test_fail_authentication if {
	kafka(object.union(tls, {"authentication": null}), simple) == {anonymous(0, "tls")}
	kafka({"type": "internal"}, simple) == {anonymous(0, "")}
}

test_fail_second_listener if found(fx.kafka("Kafka", {"kafka": {"authorization": simple, "listeners": ["odd", {"name": "out", "type": "route"}]}})) == {
	open(1, "out", "route"),
	anonymous(1, "out"),
}

test_fail_authorization if {
	kafka(tls, null) == {unauthorized}
	kafka(tls, {"type": ""}) == {unauthorized}
	found(fx.kafka("Kafka", {})) == {unauthorized}
}

test_fail_super_users if kafka(tls, object.union(simple, {"superUsers": ["a", "User:*"]})) == {super_user(1, "User:*")}

user(acl) := found(fx.kafka("KafkaUser", {"authorization": {"type": "simple", "acls": [acl]}}))

orders := {"type": "topic", "name": "orders", "patternType": "literal"}

named := ["group", "topic", "transactionalId"]

everything(i, on) := error(sprintf("/spec/authorization/acls/%d", [i]), sprintf("the user may do everything on %s", [on]))

all_of(type, operations) := object.union(
	error("/spec/authorization/acls/0/resource/name", sprintf("the user may %s on every %s", [operations, type])),
	{"severity": "warning"},
)

test_pass_user if {
	user({"resource": orders, "operations": ["Read", "Describe"]}) == set()
	user({"resource": orders, "operations": ["All"]}) == set()
	user({"type": "deny", "resource": {"type": "topic", "name": "*"}, "operations": ["All"]}) == set()
	user({"resource": {"type": "cluster", "name": "*"}, "operations": ["Describe"]}) == set()
	user({"resource": {"type": "token", "name": "*"}, "operations": ["All"]}) == set()
}

test_fail_user_all if {
	every type in named {
		user({"resource": {"type": type, "name": "*"}, "operations": ["All"]}) == {everything(0, sprintf("every %s", [type]))}
		user({"type": "allow", "resource": {"type": type, "name": "*"}, "operation": "All"}) == {everything(0, sprintf("every %s", [type]))}
	}
	user({"resource": {"type": "cluster", "name": "*"}, "operations": ["All"]}) == {everything(0, "the cluster")}
}

test_fail_second_acl if found(fx.kafka("KafkaUser", {"authorization": {"acls": ["odd", {"resource": {"type": "cluster"}, "operations": ["Read", "All"]}]}})) == {everything(1, "the cluster")}

test_fail_user_every if {
	every type in named {
		user({"resource": {"type": type, "name": "*"}, "operations": ["Read"]}) == {all_of(type, "Read")}
	}
	user({"resource": {"type": "topic", "name": "*"}, "operations": ["Read", "Write"], "operation": null}) == {all_of("topic", "Read, Write")}
	user({"resource": {"type": "topic", "name": "*"}, "operations": ["Read"], "operation": "Write"}) == {all_of("topic", "Read, Write")}
}

bridge := error("/spec/authentication", "the bridge speaks to Kafka for everybody who reaches it, as nobody in particular")

test_pass_bridge if found(fx.kafka("KafkaBridge", {"authentication": {"type": "tls"}})) == set()

test_fail_bridge if found(fx.kafka("KafkaBridge", {"http": {"port": 8080}})) == {bridge}

ui := {"name": "ui", "image": "docker.io/provectuslabs/kafka-ui:v0.7.2"}

pods(container) := {"template": {"spec": {"containers": [container]}}}

console(env) := found(fx.deployment(pods(object.union(ui, {"env": env}))))

asks_nobody := {
	"pointer": "/spec/template/spec/containers/0",
	"container": "ui",
	"message": `container "ui" is a console of Kafka that asks nobody who they are`,
}

test_pass_console if {
	console([{"name": "AUTH_TYPE", "value": "OAUTH2"}]) == set()
	console([{"name": "AUTH_TYPE", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]) == set()
	found(fx.deployment(pods({"name": "ui", "image": "x/kafka-ui-exporter:1"}))) == set()
	found(fx.deployment(pods({"name": "ui"}))) == set()
	found(fx.deployment(pods({"name": "ui", "image": 5}))) == set()
}

test_fail_console if {
	console([]) == {asks_nobody}
	console([{"name": "AUTH_TYPE", "value": "DISABLED"}]) == {asks_nobody}
	console([{"name": "TITLE", "value": "LDAP"}]) == {asks_nobody}
	console([{"name": "TITLE", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]) == {asks_nobody}
	found(fx.of({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": fx.meta, "spec": pods(ui)})) == {asks_nobody}
}

# A console serves; what runs on every node, or once, is none.
test_pass_no_console if {
	found(fx.of({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": fx.meta, "spec": pods(ui)})) == set()
	found(fx.of({"apiVersion": "batch/v1", "kind": "Job", "metadata": fx.meta, "spec": pods(ui)})) == set()
}

# worst has whatever can be wrong with Strimzi's kinds.
worst := {
	"kafka": {
		"listeners": [{"name": "out", "type": "route"}],
		"authorization": {"superUsers": ["*"]},
	},
	"authorization": {"acls": [
		{"resource": {"type": "cluster"}, "operations": ["All"]},
		{"resource": {"type": "topic", "name": "*"}, "operations": ["Read"]},
	]},
}

test_fail_everything if found(fx.kafka("Kafka", worst)) == {open(0, "out", "route"), anonymous(0, "out"), unauthorized, super_user(0, "*")}

test_pass_other_kind if found(fx.kafka("KafkaConnect", worst)) == set()

test_pass_other_group if {
	every kind in ["Kafka", "KafkaUser", "KafkaBridge"] {
		found(fx.of({"apiVersion": "x.example/v1", "kind": kind, "metadata": fx.meta, "spec": worst})) == set()
	}
}
