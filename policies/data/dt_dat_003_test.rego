package dualtrack.rules.dt_dat_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_dat_003

found(doc) := said(doc, fx.facts)

said(doc, facts) := {f.pointer | some f in findings} if {
	findings := dt_dat_003.findings with input as doc with data.context as facts
}

kafka(storage) := found(fx.kafka("Kafka", {"kafka": {"storage": storage}, "zookeeper": {"storage": {"type": "persistent-claim", "size": "1Gi"}}}))

test_pass_storage if {
	kafka({"type": "persistent-claim", "size": "10Gi", "deleteClaim": false}) == set()
	kafka({"type": "jbod", "volumes": [{"id": 0, "type": "persistent-claim", "size": "10Gi"}, "odd"]}) == set()
	kafka(null) == set()
}

test_fail_ephemeral if {
	kafka({"type": "ephemeral"}) == {"/spec/kafka/storage/type"}
	kafka({"type": "jbod", "volumes": [{"id": 0, "type": "ephemeral"}]}) == {"/spec/kafka/storage/volumes/0/type"}
	found(fx.kafka("Kafka", {"kafka": {}, "zookeeper": {"storage": {"type": "ephemeral"}}})) == {"/spec/zookeeper/storage/type"}
	found(fx.kafka("KafkaNodePool", {"storage": {"type": "ephemeral"}})) == {"/spec/storage/type"}
}

test_fail_delete_claim if {
	kafka({"type": "persistent-claim", "deleteClaim": true}) == {"/spec/kafka/storage/deleteClaim"}
	found(fx.kafka("KafkaNodePool", {"storage": {"type": "jbod", "volumes": [{"type": "persistent-claim", "deleteClaim": true}]}})) == {"/spec/storage/volumes/0/deleteClaim"}
}

test_fail_production if {
	findings := dt_dat_003.findings with input as fx.kafka("KafkaNodePool", {"storage": {"type": "ephemeral"}}) with data.context as fx.and_facts({"cluster": {"production": true}})
	{f.severity | some f in findings} == {"error"}
}

class(policy, used) := said(fx.of({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}, "reclaimPolicy": policy}), fx.and_facts({"dataClasses": {used: true}}))

test_pass_class if {
	class("Retain", "fast") == set()
	class("Delete", "other") == set()
}

test_fail_class if {
	class("Delete", "fast") == {"/reclaimPolicy"}
	said(fx.of({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}}), fx.and_facts({"dataClasses": {"fast": true}})) == {"/reclaimPolicy"}
}

stateful(policy) := found(fx.of({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": fx.meta, "spec": {"persistentVolumeClaimRetentionPolicy": policy}}))

test_pass_retention if {
	stateful({"whenDeleted": "Retain", "whenScaled": "Retain"}) == set()
	stateful(null) == set()
}

test_fail_retention if stateful({"whenDeleted": "Delete", "whenScaled": "Delete"}) == {"/spec/persistentVolumeClaimRetentionPolicy/whenDeleted", "/spec/persistentVolumeClaimRetentionPolicy/whenScaled"}

topics(config) := said(fx.kafka("Kafka", {"kafka": {"config": config}}), fx.and_facts({"topics": {"shop": {"a": 4}}}))

test_pass_topics if {
	topics({"delete.topic.enable": "false"}) == set()
	topics({"delete.topic.enable": false}) == set()
	found(fx.kafka("Kafka", {"kafka": {"config": {}}})) == set()
}

test_fail_topics if {
	topics({}) == {"/spec/kafka/config/delete.topic.enable"}
	topics({"delete.topic.enable": "true"}) == {"/spec/kafka/config/delete.topic.enable"}
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "Kafka", "spec": {"kafka": {"storage": {"type": "ephemeral"}}}})) == set()
