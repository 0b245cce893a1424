package dualtrack.rules.dt_dat_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_dat_002

found(doc) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	findings := dt_dat_002.findings with input as doc with data.context as fx.facts
}

error(pointer) := {[pointer, "error"]}

simple := {"type": "simple"}

kafka(listener, authorization) := found(fx.kafka("Kafka", {"kafka": {"listeners": [listener], "authorization": authorization}}))

tls := {"name": "tls", "port": 9093, "type": "internal", "tls": true, "authentication": {"type": "tls"}}

test_pass_kafka if {
	kafka(tls, simple) == set()
	kafka(object.union(tls, {"type": "loadbalancer"}), simple) == set()
	kafka(object.union(tls, {"tls": false}), object.union(simple, {"superUsers": ["CN=admin"]})) == set()
}

test_fail_outside if {
	every type in ["ingress", "loadbalancer", "nodeport", "route"] {
		kafka(object.union(tls, {"type": type, "tls": false}), simple) == error("/spec/kafka/listeners/0/tls")
	}
}

test_fail_authentication if kafka(object.union(tls, {"authentication": null}), simple) == error("/spec/kafka/listeners/0/authentication")

test_fail_authorization if kafka(tls, null) == error("/spec/kafka/authorization")

test_fail_super_users if kafka(tls, object.union(simple, {"superUsers": ["a", "User:*"]})) == error("/spec/kafka/authorization/superUsers/1")

user(acl) := found(fx.kafka("KafkaUser", {"authorization": {"type": "simple", "acls": [acl]}}))

orders := {"type": "topic", "name": "orders", "patternType": "literal"}

test_pass_user if {
	user({"resource": orders, "operations": ["Read", "Describe"]}) == set()
	user({"resource": orders, "operations": ["All"]}) == set()
	user({"type": "deny", "resource": {"type": "topic", "name": "*"}, "operations": ["All"]}) == set()
}

test_fail_user_all if {
	user({"resource": {"type": "topic", "name": "*"}, "operations": ["All"]}) == error("/spec/authorization/acls/0")
	user({"resource": {"type": "group", "name": "*"}, "operation": "All"}) == error("/spec/authorization/acls/0")
	user({"resource": {"type": "cluster"}, "operations": ["All"]}) == error("/spec/authorization/acls/0")
}

test_fail_user_every_topic if user({"resource": {"type": "topic", "name": "*"}, "operations": ["Read"]}) == {["/spec/authorization/acls/0/resource/name", "warning"]}

test_pass_bridge if found(fx.kafka("KafkaBridge", {"authentication": {"type": "tls"}})) == set()

test_fail_bridge if found(fx.kafka("KafkaBridge", {"http": {"port": 8080}})) == error("/spec/authentication")

console(env) := found(fx.deployment({"template": {"spec": {"containers": [{"name": "ui", "image": "docker.io/provectuslabs/kafka-ui:v0.7.2", "env": env}]}}}))

test_pass_console if {
	console([{"name": "AUTH_TYPE", "value": "OAUTH2"}]) == set()
	console([{"name": "AUTH_TYPE", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "b"}}}]) == set()
	found(fx.deployment({"template": {"spec": {"containers": [{"name": "ui", "image": "x/kafka-ui-exporter:1"}]}}})) == set()
}

test_fail_console if {
	console([]) == error("/spec/template/spec/containers/0")
	console([{"name": "AUTH_TYPE", "value": "DISABLED"}]) == error("/spec/template/spec/containers/0")
}

test_pass_other_group if {
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Kafka", "spec": {}})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "KafkaBridge", "spec": {}})) == set()
}
