package dualtrack.rules.dt_dat_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_dat_001

good := {"default.replication.factor": 3, "min.insync.replicas": "2"}

rack := {"topologyKey": "topology.kubernetes.io/zone"}

kafka(config, more) := fx.kafka("Kafka", {"kafka": object.union({"replicas": 3, "config": config, "rack": rack}, more)})

found(doc) := said(doc, fx.facts)

# said is what is found, without how to mend it.
said(doc, facts) := {{k: v | some k, v in f; k != "mend"} | some f in findings} if {
	findings := dt_dat_001.findings with input as doc with data.context as facts
}

warning(pointer, message) := {"pointer": pointer, "message": message, "severity": "warning"}

at(key) := concat("/", ["/spec/kafka/config", key])

few_copies(key, n) := warning(at(key), sprintf("%s is %d: topics have fewer than 3 copies", [key, n]))

few_in_sync(key, n) := warning(at(key), sprintf("%s is %d: a write is acknowledged that fewer than 2 brokers hold", [key, n]))

all_in_sync(key, n, of) := warning(at(key), sprintf("%s is %d of %d copies: the loss of one broker stops all writing", [key, n, of]))

few_brokers(n, copies) := warning("/spec/kafka/replicas", sprintf("%d brokers cannot hold %d copies", [n, copies]))

no_rack := {
	"pointer": "/spec/kafka/rack",
	"message": "without a rack key all copies of a partition may stand in one zone",
	"patch": [{"op": "add", "path": "/spec/kafka/rack", "value": rack}],
}

no_brokers := {
	"pointer": "/spec/kafka",
	"message": "neither replicas nor a KafkaNodePool of the bundle says how many brokers there are",
	"result": "unknown",
}

test_pass_kafka if {
	found(kafka(good, {})) == set()
	found(kafka(object.union(good, {"offsets.topic.replication.factor": "3", "transaction.state.log.min.isr": 2}), {})) == set()
	found(kafka(object.union(good, {"default.replication.factor": 5}), {"replicas": "5"})) == set()
}

# worst has whatever can be wrong with a Kafka but its number of brokers.
worst := {
	"kafka": {"replicas": 2, "config": {"min.insync.replicas": 3, "transaction.state.log.min.isr": 1}},
	"cruiseControl": {},
}

test_fail_everything if found(fx.kafka("Kafka", worst)) == {
	few_copies("default.replication.factor", 1),
	few_in_sync("transaction.state.log.min.isr", 1),
	all_in_sync("min.insync.replicas", 3, 1),
	all_in_sync("min.insync.replicas", 3, 3),
	cruise_control(2, 3),
	few_brokers(2, 3),
	no_rack,
}

test_pass_other_kind if {
	found(fx.kafka("KafkaConnect", worst)) == set()
	found(fx.kafka("KafkaConnect", {"kafka": {"config": good, "rack": rack}})) == set()
	found(fx.kafka("KafkaConnect", {"replicas": 1, "config": {"min.insync.replicas": 1}})) == set()
	said(fx.kafka("KafkaConnect", {"replicas": 3, "config": {"min.insync.replicas": 3}}), cluster(good)) == set()
}

test_pass_other_group if {
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Kafka", "metadata": fx.meta, "spec": worst})) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "Kafka", "spec": {}})) == set()
	said(fx.of({"apiVersion": "x.example/v1", "kind": "KafkaTopic", "metadata": labelled, "spec": {"replicas": 1, "config": {"min.insync.replicas": 2}}}), cluster(good)) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "KafkaTopic", "metadata": labelled, "spec": {}})) == set()
}

# What is absent is one.
test_fail_defaults if found(kafka({}, {})) == {few_copies("default.replication.factor", 1), few_in_sync("min.insync.replicas", 1)}

# Kafka's own topics have three copies where nothing is said, and two of the
# transactions' must answer.
test_fail_default_topics if {
	found(kafka({"default.replication.factor": 4, "min.insync.replicas": 3}, {"replicas": 4})) == {all_in_sync("min.insync.replicas", 3, 3)}
	found(kafka(object.union(good, {"transaction.state.log.min.isr": 3}), {})) == {all_in_sync("transaction.state.log.min.isr", 3, 3)}
	found(kafka(object.union(good, {"transaction.state.log.replication.factor": 2}), {})) == {
		few_copies("transaction.state.log.replication.factor", 2),
		all_in_sync("transaction.state.log.min.isr", 2, 2),
	}
}

test_fail_few_copies if found(kafka(object.union(good, {"offsets.topic.replication.factor": "1", "transaction.state.log.replication.factor": 2}), {})) == {
	few_copies("offsets.topic.replication.factor", 1),
	few_copies("transaction.state.log.replication.factor", 2),
	all_in_sync("min.insync.replicas", 2, 1),
	all_in_sync("transaction.state.log.min.isr", 2, 2),
}

test_fail_few_in_sync if {
	found(kafka(object.union(good, {"min.insync.replicas": 1}), {})) == {few_in_sync("min.insync.replicas", 1)}
	found(kafka(object.union(good, {"transaction.state.log.min.isr": "1"}), {})) == {few_in_sync("transaction.state.log.min.isr", 1)}
}

test_fail_all_in_sync if {
	found(kafka(object.union(good, {"min.insync.replicas": 3}), {})) == {all_in_sync("min.insync.replicas", 3, 3)}
	found(kafka(object.union(good, {"min.insync.replicas": 3, "offsets.topic.replication.factor": 4}), {})) == {all_in_sync("min.insync.replicas", 3, 3)}
}

test_fail_brokers if {
	found(kafka(good, {"replicas": 2})) == {few_brokers(2, 3)}
	found(kafka(object.union(good, {"default.replication.factor": 5}), {})) == {few_brokers(3, 5)}
	few_brokers(2, 3) in found(kafka(object.union(good, {"default.replication.factor": 2}), {"replicas": 2}))
}

pools(counts) := fx.and_facts({"brokers": {"shop": {"a": counts}}})

test_pass_pools if {
	said(kafka(good, {"replicas": null}), pools([2, 1])) == set()
	said(fx.kafka("Kafka", {"kafka": {"config": good, "rack": rack}}), pools([2, 1])) == set()
}

# The pools of a Kafka that names a number itself are not asked.
test_pass_brokers_before_pools if said(kafka(good, {}), pools([2])) == set()

test_fail_pools if said(kafka(good, {"replicas": null}), pools([2])) == {few_brokers(2, 3)}

test_unknown_brokers if {
	found(kafka(good, {"replicas": null})) == {no_brokers}
	found(fx.kafka("Kafka", {"kafka": {"config": good, "rack": rack}})) == {no_brokers}
	said(kafka(good, {"replicas": null}), pools([])) == {no_brokers}
}

test_fail_rack if {
	found(kafka(good, {"rack": null})) == {no_rack}
	found(kafka(good, {"rack": {"topologyKey": ""}})) == {no_rack}
}

cruise_control(of, n) := warning("/spec/cruiseControl", sprintf("Cruise Control's topics have %d copies and inherit min.insync.replicas %d: the loss of one broker stops it", [of, n]))

controlled(control) := found(fx.kafka("Kafka", {"kafka": {"replicas": 3, "config": good, "rack": rack}, "cruiseControl": control}))

test_fail_cruise_control if {
	controlled({}) == {cruise_control(2, 2)}
	controlled({"config": {"sample.store.topic.replication.factor": "1"}}) == {cruise_control(1, 2)}
}

test_pass_cruise_control if {
	controlled({"config": {"sample.store.topic.replication.factor": 3}}) == set()
	controlled(null) == set()
}

test_fail_production if {
	findings := dt_dat_001.findings with input as kafka(object.union(good, {"min.insync.replicas": 1}), {}) with data.context as fx.and_facts({"cluster": {"production": true}})
	{f.severity | some f in findings} == {"error"}
}

labelled := object.union(fx.meta, {"labels": {"strimzi.io/cluster": "main"}})

topic(spec) := fx.of({"apiVersion": "kafka.strimzi.io/v1beta2", "kind": "KafkaTopic", "spec": spec, "metadata": labelled})

cluster(config) := fx.and_facts({"kafkas": {"shop": {"main": {"config": config, "replicas": 3}}}})

topic_copies(n) := warning("/spec/replicas", sprintf("the topic has %d copies, not 3", [n]))

topic_stops(n, of) := warning("/spec/config/min.insync.replicas", sprintf("%d of the topic's %d copies must answer: the loss of one broker stops all writing", [n, of]))

topic_acknowledges := warning("/spec/config/min.insync.replicas", "a write is acknowledged that fewer than 2 brokers hold")

not_known := {
	"pointer": "/spec",
	"message": "the bundle does not hold the topic's Kafka, so what it inherits is not known",
	"result": "unknown",
}

test_pass_topic if {
	said(topic({"replicas": 3, "config": {"min.insync.replicas": 2}}), cluster(good)) == set()
	said(topic({"partitions": 6}), cluster(good)) == set()
	said(topic({"replicas": null, "config": {"min.insync.replicas": 2}}), cluster(good)) == set()
	said(topic({"replicas": 3, "config": {"min.insync.replicas": "2"}}), fx.facts) == set()
}

test_fail_topic_copies if {
	said(topic({"replicas": 1, "config": {"min.insync.replicas": 2}}), cluster(good)) == {topic_copies(1), topic_stops(2, 1)}
	said(topic({}), cluster({"min.insync.replicas": 1})) == {topic_copies(1)}
}

test_fail_topic_in_sync if {
	said(topic({"replicas": 3, "config": {"min.insync.replicas": 3}}), cluster(good)) == {topic_stops(3, 3)}
	said(topic({"replicas": 3, "config": {"min.insync.replicas": 1}}), cluster(good)) == {topic_acknowledges}
	said(topic({"replicas": 3}), cluster({"min.insync.replicas": 3})) == {topic_stops(3, 3)}
}

test_unknown_topic if {
	found(topic({"replicas": 3})) == {not_known}
	found(topic({"config": {"min.insync.replicas": 2}})) == {not_known}
}

test_fail_mends if {
	doc := topic({"replicas": 1, "config": {"min.insync.replicas": 1}})
	findings := dt_dat_001.findings with input as doc with data.context as fx.facts
	{f.mend | some f in findings} == {"set replicas to 3", "set min.insync.replicas to 2, or leave it to the cluster"}
}
