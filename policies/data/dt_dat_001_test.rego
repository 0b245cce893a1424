package dualtrack.rules.dt_dat_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_dat_001

good := {"default.replication.factor": 3, "min.insync.replicas": "2"}

rack := {"topologyKey": "topology.kubernetes.io/zone"}

kafka(config, more) := fx.kafka("Kafka", {"kafka": object.union({"replicas": 3, "config": config, "rack": rack}, more)})

found(doc) := said(doc, fx.facts)

said(doc, facts) := {f.pointer | some f in findings; object.get(f, "result", "") != "unknown"} if {
	findings := dt_dat_001.findings with input as doc with data.context as facts
}

unknown(doc, facts) := {f.pointer | some f in findings; object.get(f, "result", "") == "unknown"} if {
	findings := dt_dat_001.findings with input as doc with data.context as facts
}

at(key) := {concat("/", ["/spec/kafka/config", key])}

test_pass_kafka if {
	found(kafka(good, {})) == set()
	found(kafka(object.union(good, {"offsets.topic.replication.factor": "3", "transaction.state.log.min.isr": 2}), {})) == set()
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "Kafka", "spec": {}})) == set()

# What is absent is one.
test_fail_defaults if found(kafka({}, {})) == at("default.replication.factor") | at("min.insync.replicas")

test_fail_few_copies if found(kafka(object.union(good, {"offsets.topic.replication.factor": "1", "transaction.state.log.replication.factor": 2}), {})) == {
	"/spec/kafka/config/offsets.topic.replication.factor",
	"/spec/kafka/config/transaction.state.log.replication.factor",
	"/spec/kafka/config/min.insync.replicas",
	"/spec/kafka/config/transaction.state.log.min.isr",
}

test_fail_few_in_sync if found(kafka(object.union(good, {"min.insync.replicas": 1}), {})) == at("min.insync.replicas")

test_fail_all_in_sync if found(kafka(object.union(good, {"min.insync.replicas": 3}), {})) == at("min.insync.replicas")

test_fail_brokers if found(kafka(good, {"replicas": 2})) == {"/spec/kafka/replicas"}

pools(counts) := fx.and_facts({"brokers": {"shop": {"a": counts}}})

test_pass_pools if said(kafka(good, {"replicas": null}), pools([2, 1])) == set()

test_fail_pools if said(kafka(good, {"replicas": null}), pools([2])) == {"/spec/kafka/replicas"}

test_unknown_brokers if unknown(kafka(good, {"replicas": null}), fx.facts) == {"/spec/kafka"}

test_fail_rack if found(kafka(good, {"rack": null})) == {"/spec/kafka/rack"}

test_fail_cruise_control if {
	doc := kafka(good, {})
	found(object.union(doc, {"object": object.union(doc.object, {"spec": {"cruiseControl": {}}})})) == {"/spec/cruiseControl"}
}

test_pass_cruise_control if {
	doc := kafka(good, {})
	found(object.union(doc, {"object": object.union(doc.object, {"spec": {"cruiseControl": {"config": {"sample.store.topic.replication.factor": 3}}}})})) == set()
}

test_fail_production if {
	findings := dt_dat_001.findings with input as kafka(object.union(good, {"min.insync.replicas": 1}), {}) with data.context as fx.and_facts({"cluster": {"production": true}})
	{f.severity | some f in findings} == {"error"}
}

topic(spec) := fx.of({
	"apiVersion": "kafka.strimzi.io/v1beta2", "kind": "KafkaTopic", "spec": spec,
	"metadata": object.union(fx.meta, {"labels": {"strimzi.io/cluster": "main"}}),
})

cluster(config) := fx.and_facts({"kafkas": {"shop": {"main": {"config": config, "replicas": 3}}}})

test_pass_topic if {
	said(topic({"replicas": 3, "config": {"min.insync.replicas": 2}}), cluster(good)) == set()
	said(topic({"partitions": 6}), cluster(good)) == set()
	said(topic({"replicas": 3, "config": {"min.insync.replicas": "2"}}), fx.facts) == set()
}

test_fail_topic_copies if {
	said(topic({"replicas": 1, "config": {"min.insync.replicas": 2}}), cluster(good)) == {"/spec/replicas", "/spec/config/min.insync.replicas"}
	said(topic({}), cluster({"min.insync.replicas": 1})) == {"/spec/replicas"}
}

test_fail_topic_in_sync if {
	said(topic({"replicas": 3, "config": {"min.insync.replicas": 3}}), cluster(good)) == {"/spec/config/min.insync.replicas"}
	said(topic({"replicas": 3, "config": {"min.insync.replicas": 1}}), cluster(good)) == {"/spec/config/min.insync.replicas"}
	said(topic({"replicas": 3}), cluster({"min.insync.replicas": 3})) == {"/spec/config/min.insync.replicas"}
}

test_unknown_topic if {
	unknown(topic({"replicas": 3}), fx.facts) == {"/spec"}
	unknown(topic({"config": {"min.insync.replicas": 2}}), fx.facts) == {"/spec"}
	unknown(topic({"replicas": 3, "config": {"min.insync.replicas": 2}}), fx.facts) == set()
}
