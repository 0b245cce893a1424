package dualtrack.image_test

import data.dualtrack.fixture as fx
import data.dualtrack.image

used(group, kind, spec) := {u.pointer | some u in found} if {
	found := image.used with input as {"group": group, "kind": kind, "object": {"spec": spec}}
}

test_pass_one_image if {
	every kind in [
		["flink.apache.org", "FlinkDeployment"],
		["kafka.strimzi.io", "KafkaBridge"],
		["kafka.strimzi.io", "KafkaConnect"],
		["kafka.strimzi.io", "KafkaMirrorMaker2"],
		["monitoring.coreos.com", "Alertmanager"],
		["monitoring.coreos.com", "Prometheus"],
		["monitoring.coreos.com", "ThanosRuler"],
		["opentelemetry.io", "OpenTelemetryCollector"],
	] {
		used(kind[0], kind[1], {"image": "a"}) == {"/spec/image"}
	}
}

test_pass_kafka if {
	one := {"image": "a"}
	used("kafka.strimzi.io", "Kafka", {"kafka": one, "zookeeper": one, "entityOperator": {"topicOperator": one, "userOperator": one}}) == {
		"/spec/kafka/image",
		"/spec/zookeeper/image",
		"/spec/entityOperator/topicOperator/image",
		"/spec/entityOperator/userOperator/image",
	}
}

test_pass_field if {
	found := image.used with input as {"group": "kafka.strimzi.io", "kind": "KafkaConnect", "object": {"spec": {"image": "a.io/b:1"}}}
	found == [{"what": "spec.image", "container": "", "pointer": "/spec/image", "ref": "a.io/b:1", "parsed": {"segments": ["a.io", "b"], "tag": "1", "digest": ""}}]
}

test_pass_no_image if {
	found := image.used with input as fx.container({})
	[[u.ref, u.container] | some u in found] == [[null, "a"]]
}

test_pass_segments if {
	image.parse("nginx").segments == ["docker.io", "library", "nginx"]
	every registry in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
		image.parse(sprintf("%s/org/a", [registry])).segments == ["docker.io", "org", "a"]
		image.segments_of(sprintf("%s/org/", [registry])) == ["docker.io", "org"]
	}
	image.segments_of("org/team/") == ["docker.io", "org", "team"]
	image.segments_of("a.io/team/") == ["a.io", "team"]
}

test_pass_hub_by_name if image.parse("docker.io/nginx").segments == ["docker.io", "library", "nginx"]
