package dualtrack.rules.dt_dat_003

import data.dualtrack.object as obj
import data.dualtrack.stage

meta := {
	"id": "DT-DAT-003",
	"title": "Data that goes with its object",
	"severity": "warning",
	"profile": "fleet",
	"why": "An object that Git drops by mistake is made again from Git; its data is not.",
	"mend": "keep the volume: Retain, and deleteClaim false",
	"refs": ["PCI DSS 3"],
}

strimzi if input.group == "kafka.strimzi.io"

# storages are the volumes of Strimzi's kinds, with their pointers.
storages := [s |
	strimzi
	some path in paths[input.kind]
	storage := obj.member(input.object, path)
	some s in array.concat([{"pointer": obj.pointer("", path), "of": storage}], [{"pointer": obj.pointer("", array.concat(path, ["volumes", i])), "of": volume} |
		some i, volume in obj.items(storage, "volumes")
	])
]

paths := {
	"Kafka": [["spec", "kafka", "storage"], ["spec", "zookeeper", "storage"]],
	"KafkaNodePool": [["spec", "storage"]],
}

findings contains {
	"pointer": concat("", [s.pointer, "/type"]),
	"message": "ephemeral storage is lost with its pod",
	"mend": "set type: persistent-claim",
	"severity": stage.severity,
} if {
	input.kind in {"Kafka", "KafkaNodePool"}
	some s in storages
	s.of.type == "ephemeral"
}

findings contains {
	"pointer": concat("", [s.pointer, "/deleteClaim"]),
	"message": "the claim goes with the cluster, and with it what it holds",
	"severity": stage.severity,
	"patch": [{"op": "replace", "path": concat("", [s.pointer, "/deleteClaim"]), "value": false}],
} if {
	input.kind in {"Kafka", "KafkaNodePool"}
	some s in storages
	s.of.deleteClaim == true
}

# Absent is Delete.
findings contains {
	"pointer": "/reclaimPolicy",
	"message": sprintf("claims of the bundle use class %q, whose volumes go with them", [input.name]),
	"mend": "set reclaimPolicy: Retain; the field cannot be changed, so make a class of another name",
	"severity": stage.severity,
} if {
	input.kind == "StorageClass"
	input.group == "storage.k8s.io"
	object.get(input.object, "reclaimPolicy", "Delete") == "Delete"
	data.context.dataClasses[input.name]
}

findings contains {
	"pointer": obj.pointer("/spec/persistentVolumeClaimRetentionPolicy", [when]),
	"message": sprintf("%s Delete: the claims go %s", [when, words[when]]),
	"severity": stage.severity,
	"patch": [{"op": "replace", "path": obj.pointer("/spec/persistentVolumeClaimRetentionPolicy", [when]), "value": "Retain"}],
} if {
	input.kind == "StatefulSet"
	input.group == "apps"
	some when in object.keys(words)
	object.get(input.object, ["spec", "persistentVolumeClaimRetentionPolicy", when], "Retain") == "Delete"
}

words := {"whenDeleted": "with the StatefulSet", "whenScaled": "with each pod that is scaled away"}

findings contains {
	"pointer": "/spec/kafka/config/delete.topic.enable",
	"message": sprintf("%d topics are objects of Git, and each goes with its messages when Git drops it", [n]),
	"mend": "set delete.topic.enable: \"false\", or annotate the topics with kustomize.toolkit.fluxcd.io/prune: disabled",
	"severity": stage.severity,
} if {
	input.kind == "Kafka"
	strimzi
	not object.get(input.object, ["spec", "kafka", "config", "delete.topic.enable"], true) in {false, "false"}
	n := data.context.topics[input.namespace][input.name]
}
