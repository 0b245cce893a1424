# Image references: where objects name images, and how a reference is read.
package dualtrack.image

import data.dualtrack.object as obj
import data.dualtrack.pod

# Custom resources that name images, as paths into the object.
fields := {
	"flink.apache.org/FlinkDeployment": [["spec", "image"]],
	"kafka.strimzi.io/Kafka": [
		["spec", "kafka", "image"],
		["spec", "zookeeper", "image"],
		["spec", "entityOperator", "topicOperator", "image"],
		["spec", "entityOperator", "userOperator", "image"],
	],
	"kafka.strimzi.io/KafkaBridge": [["spec", "image"]],
	"kafka.strimzi.io/KafkaConnect": [["spec", "image"]],
	"kafka.strimzi.io/KafkaMirrorMaker2": [["spec", "image"]],
	"monitoring.coreos.com/Alertmanager": [["spec", "image"]],
	"monitoring.coreos.com/Prometheus": [["spec", "image"]],
	"monitoring.coreos.com/ThanosRuler": [["spec", "image"]],
	"opentelemetry.io/OpenTelemetryCollector": [["spec", "image"]],
}

# used are the images of the object: of its containers and of its fields, each
# with its reference read.
used := array.concat(of_containers, of_fields)

of_containers := [image |
	some c in pod.containers
	ref := object.get(c.value, "image", null)
	ref_or_null(ref)
	image := {"what": pod.describe(c), "container": c.name, "pointer": concat("", [c.pointer, "/image"]), "ref": ref, "parsed": parse(obj.text(ref))}
]

of_fields := [image |
	some path in fields[obj.key]
	ref := object.get(input.object, path, null)
	is_string(ref)
	image := {"what": concat(".", path), "container": "", "pointer": obj.pointer("", path), "ref": ref, "parsed": parse(ref)}
]

ref_or_null(ref) if is_string(ref)

ref_or_null(null)

# parse reads a reference: repository (registry and path segments, with the
# default registry filled in), tag and digest, "" for what is not there. A
# first segment is a registry if it has a dot or a port, or is localhost.
parse(ref) := {"segments": segments(part[1], part[2]), "tag": trim_prefix(part[3], ":"), "digest": trim_prefix(part[4], "@")} if {
	some part in regex.find_all_string_submatch_n(`(?s)^(?:([^/@]*[.:][^/@]*|localhost)/)?([^:@]*)(:[^@]*)?(@.*)?$`, ref, 1)
}

segments(registry, path) := array.concat([registry], split(path, "/")) if not registry in docker_hub

segments(registry, path) := array.concat(["docker.io"], split(path, "/")) if {
	registry in docker_hub
	contains(path, "/")
}

segments(registry, path) := ["docker.io", "library", path] if {
	registry in docker_hub
	not contains(path, "/")
}

# "" is the registry of a reference that names none.
docker_hub := {"", "docker.io", "index.docker.io", "registry-1.docker.io"}

registry(host) if regex.match(`[.:]`, host)

registry("localhost")

# segments_of reads an entry of the allowed registries. "docker.io" alone is the
# whole registry.
segments_of(entry) := parts if {
	parts := split(trim_suffix(entry, "/"), "/")
	registry(parts[0])
	not parts[0] in docker_hub
}

segments_of(entry) := array.concat(["docker.io"], array.slice(parts, 1, count(parts))) if {
	parts := split(trim_suffix(entry, "/"), "/")
	parts[0] in docker_hub
}

segments_of(entry) := array.concat(["docker.io"], parts) if {
	parts := split(trim_suffix(entry, "/"), "/")
	not registry(parts[0])
}
