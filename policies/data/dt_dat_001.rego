package dualtrack.rules.dt_dat_001

import data.dualtrack.number
import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.stage

meta := {
	"id": "DT-DAT-001",
	"title": "Kafka that loses or refuses writes",
	"severity": "warning",
	"profile": "fleet",
	"why": "With too few copies the loss of one broker loses what was acknowledged; with as many copies demanded as there are, it stops all writing.",
	"mend": "keep three copies and demand two: default.replication.factor 3, min.insync.replicas 2",
	"refs": [],
	"params": {"rf": 3, "isr": 2},
}

want := params.of(meta)

strimzi if input.group == "kafka.strimzi.io"

kafka := obj.member(input.object, ["spec", "kafka"]) if strimzi

config := obj.member(kafka, "config")

# What Kafka does when its configuration does not say.
defaults := {
	"default.replication.factor": 1, "min.insync.replicas": 1, "offsets.topic.replication.factor": 3,
	"transaction.state.log.min.isr": 2, "transaction.state.log.replication.factor": 3,
}

setting(values, key) := number.of(object.get(values, key, defaults[key]))

at(key) := obj.pointer("/spec/kafka/config", [key])

copies := {"default.replication.factor", "offsets.topic.replication.factor", "transaction.state.log.replication.factor"}

findings contains {
	"pointer": at(key),
	"message": sprintf("%s is %d: topics have fewer than %d copies", [key, n, want.rf]),
	"severity": stage.severity,
} if {
	input.kind == "Kafka"
	some key in copies
	n := setting(config, key)
	n < want.rf
}

findings contains {
	"pointer": at(key),
	"message": sprintf("%s is %d: a write is acknowledged that fewer than %d brokers hold", [key, n, want.isr]),
	"severity": stage.severity,
} if {
	input.kind == "Kafka"
	some key in ["min.insync.replicas", "transaction.state.log.min.isr"]
	n := setting(config, key)
	n < want.isr
}

findings contains {
	"pointer": at(key),
	"message": sprintf("%s is %d of %d copies: the loss of one broker stops all writing", [key, n, of]),
	"severity": stage.severity,
} if {
	input.kind == "Kafka"
	some [key, against] in [
		["min.insync.replicas", "default.replication.factor"],
		["min.insync.replicas", "offsets.topic.replication.factor"],
		["transaction.state.log.min.isr", "transaction.state.log.replication.factor"],
	]
	n := setting(config, key)
	of := setting(config, against)
	n > 1
	n >= of
}

# Cruise Control's own topics have two copies unless it is told, and inherit
# min.insync.replicas.
findings contains {
	"pointer": "/spec/cruiseControl",
	"message": sprintf("Cruise Control's topics have %d copies and inherit min.insync.replicas %d: the loss of one broker stops it", [of, n]),
	"mend": "set sample.store.topic.replication.factor in spec.cruiseControl.config to the other topics'",
	"severity": stage.severity,
} if {
	input.kind == "Kafka"
	control := input.object.spec.cruiseControl
	is_object(control)
	of := number.of(object.get(control, ["config", "sample.store.topic.replication.factor"], 2))
	n := setting(config, "min.insync.replicas")
	n >= of
}

# brokers are those of the Kafka itself, else of its node pools.
brokers := number.of(kafka.replicas)

brokers := sum(pools) if {
	object.get(kafka, "replicas", null) == null
	pools := [number.of(n) | some n in data.context.brokers[input.namespace][input.name]]
	count(pools) > 0
}

findings contains {
	"pointer": "/spec/kafka/replicas",
	"message": sprintf("%d brokers cannot hold %d copies", [brokers, n]),
	"mend": "run as many brokers as there are copies, or more",
	"severity": stage.severity,
} if {
	input.kind == "Kafka"
	n := max([want.rf, setting(config, "default.replication.factor")])
	brokers < n
}

findings contains {
	"pointer": "/spec/kafka",
	"message": "neither replicas nor a KafkaNodePool of the bundle says how many brokers there are",
	"result": "unknown",
} if {
	input.kind == "Kafka"
	kafka
	not brokers
}

findings contains {
	"pointer": "/spec/kafka/rack",
	"message": "without a rack key all copies of a partition may stand in one zone",
	"mend": "set spec.kafka.rack.topologyKey: topology.kubernetes.io/zone",
	"patch": [{"op": "add", "path": "/spec/kafka/rack", "value": {"topologyKey": "topology.kubernetes.io/zone"}}],
} if {
	input.kind == "Kafka"
	obj.text(object.get(kafka, ["rack", "topologyKey"], "")) == ""
}

# A topic says it itself, or goes by its cluster.
topic := obj.member(input.object, "spec") if strimzi

cluster := data.context.kafkas[input.namespace][input.object.metadata.labels["strimzi.io/cluster"]]

topic_rf := number.of(topic.replicas)

topic_rf := setting(obj.member(cluster, "config"), "default.replication.factor") if object.get(topic, "replicas", null) == null

topic_isr := number.of(topic.config["min.insync.replicas"])

topic_isr := setting(obj.member(cluster, "config"), "min.insync.replicas") if not topic.config["min.insync.replicas"]

findings contains {
	"pointer": "/spec/replicas",
	"message": sprintf("the topic has %d copies, not %d", [topic_rf, want.rf]),
	"mend": sprintf("set replicas to %d", [want.rf]),
	"severity": stage.severity,
} if {
	input.kind == "KafkaTopic"
	topic_rf < want.rf
}

findings contains {
	"pointer": "/spec/config/min.insync.replicas",
	"message": sprintf("%d of the topic's %d copies must answer: the loss of one broker stops all writing", [topic_isr, topic_rf]),
	"mend": "demand one copy less than there are",
	"severity": stage.severity,
} if {
	input.kind == "KafkaTopic"
	topic_isr > 1
	topic_isr >= topic_rf
}

# Less than the cluster demands, said by the topic itself.
findings contains {
	"pointer": "/spec/config/min.insync.replicas",
	"message": sprintf("a write is acknowledged that fewer than %d brokers hold", [want.isr]),
	"mend": sprintf("set min.insync.replicas to %d, or leave it to the cluster", [want.isr]),
	"severity": stage.severity,
} if {
	input.kind == "KafkaTopic"
	number.of(topic.config["min.insync.replicas"]) < want.isr
}

findings contains {
	"pointer": "/spec",
	"message": "the bundle does not hold the topic's Kafka, so what it inherits is not known",
	"result": "unknown",
} if {
	input.kind == "KafkaTopic"
	topic
	not cluster
	inherits
}

inherits if object.get(topic, "replicas", null) == null

inherits if not topic.config["min.insync.replicas"]
