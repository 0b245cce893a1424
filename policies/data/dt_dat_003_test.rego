package dualtrack.rules.dt_dat_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_dat_003

found(doc) := said(doc, fx.facts)

# said is what is found, without how to mend it.
said(doc, facts) := {{k: v | some k, v in f; k != "mend"} | some f in findings} if {
	findings := dt_dat_003.findings with input as doc with data.context as facts
}

warning(pointer, message) := {"pointer": pointer, "message": message, "severity": "warning"}

patched(finding, value) := object.union(finding, {"patch": [{"op": "replace", "path": finding.pointer, "value": value}]})

ephemeral(pointer) := warning(pointer, "ephemeral storage is lost with its pod")

deleted(pointer) := patched(warning(pointer, "the claim goes with the cluster, and with it what it holds"), false)

kafka(storage) := found(fx.kafka("Kafka", {"kafka": {"storage": storage}, "zookeeper": {"storage": {"type": "persistent-claim", "size": "1Gi"}}}))

test_pass_storage if {
	kafka({"type": "persistent-claim", "size": "10Gi", "deleteClaim": false}) == set()
	kafka({"type": "jbod", "volumes": [{"id": 0, "type": "persistent-claim", "size": "10Gi"}, "odd"]}) == set()
	kafka(null) == set()
}

test_fail_ephemeral if {
	kafka({"type": "ephemeral"}) == {ephemeral("/spec/kafka/storage/type")}
	kafka({"type": "jbod", "volumes": ["odd", {"id": 0, "type": "ephemeral"}]}) == {ephemeral("/spec/kafka/storage/volumes/1/type")}
	found(fx.kafka("Kafka", {"kafka": {}, "zookeeper": {"storage": {"type": "ephemeral"}}})) == {ephemeral("/spec/zookeeper/storage/type")}
	found(fx.kafka("KafkaNodePool", {"storage": {"type": "ephemeral"}})) == {ephemeral("/spec/storage/type")}
}

test_fail_delete_claim if {
	kafka({"type": "persistent-claim", "deleteClaim": true}) == {deleted("/spec/kafka/storage/deleteClaim")}
	found(fx.kafka("KafkaNodePool", {"storage": {"type": "jbod", "volumes": [{"type": "persistent-claim", "deleteClaim": true}]}})) == {deleted("/spec/storage/volumes/0/deleteClaim")}
}

test_fail_production if {
	findings := dt_dat_003.findings with input as fx.kafka("KafkaNodePool", {"storage": {"type": "ephemeral"}}) with data.context as fx.and_facts({"cluster": {"production": true}})
	{f.severity | some f in findings} == {"error"}
}

of_class(version, kind, policy) := said(fx.of({"apiVersion": version, "kind": kind, "metadata": {"name": "fast"}, "reclaimPolicy": policy}), used("fast"))

used(class) := fx.and_facts({"dataClasses": {class: true}})

class := fx.of({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": "fast"}})

goes := warning("/reclaimPolicy", `claims of the bundle use class "fast", whose volumes go with them`)

test_pass_class if {
	of_class("storage.k8s.io/v1", "StorageClass", "Retain") == set()
	of_class("storage.k8s.io/v1", "VolumeAttributesClass", "Delete") == set()
	of_class("x.example/v1", "StorageClass", "Delete") == set()
	said(class, used("other")) == set()
}

test_fail_class if {
	of_class("storage.k8s.io/v1", "StorageClass", "Delete") == {goes}
	said(class, used("fast")) == {goes}
}

retaining(version, kind, policy) := found(fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": {"persistentVolumeClaimRetentionPolicy": policy}}))

both := {"whenDeleted": "Delete", "whenScaled": "Delete"}

claims_go(when, words) := patched(warning(concat("/", ["/spec/persistentVolumeClaimRetentionPolicy", when]), sprintf("%s Delete: the claims go %s", [when, words])), "Retain")

test_pass_retention if {
	retaining("apps/v1", "StatefulSet", {"whenDeleted": "Retain", "whenScaled": "Retain"}) == set()
	retaining("apps/v1", "StatefulSet", null) == set()
	retaining("apps/v1", "Deployment", both) == set()
	retaining("x.example/v1", "StatefulSet", both) == set()
}

test_fail_retention if retaining("apps/v1", "StatefulSet", both) == {
	claims_go("whenDeleted", "with the StatefulSet"),
	claims_go("whenScaled", "with each pod that is scaled away"),
}

held := fx.and_facts({"topics": {"shop": {"a": 4}}})

topics(config) := said(fx.kafka("Kafka", {"kafka": {"config": config}}), held)

test_pass_topics if {
	topics({"delete.topic.enable": "false"}) == set()
	topics({"delete.topic.enable": false}) == set()
	found(fx.kafka("Kafka", {"kafka": {"config": {}}})) == set()
	said(fx.kafka("KafkaConnect", {"kafka": {"config": {}}}), held) == set()
	said(fx.of({"apiVersion": "x.example/v1", "kind": "Kafka", "metadata": fx.meta, "spec": {"kafka": {"config": {}}}}), held) == set()
}

test_fail_topics if {
	every config in [{}, {"delete.topic.enable": "true"}, {"delete.topic.enable": true}] {
		topics(config) == {warning("/spec/kafka/config/delete.topic.enable", "4 topics are objects of Git, and each goes with its messages when Git drops it")}
	}
}

test_pass_other_group if found(fx.of({"apiVersion": "x.example/v1", "kind": "Kafka", "spec": {"kafka": {"storage": {"type": "ephemeral"}}}})) == set()
