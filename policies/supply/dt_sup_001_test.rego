package dualtrack.rules.dt_sup_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sup_001

digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

fine(ref) if count(dt_sup_001.findings) == 0 with input as fx.container({"image": ref})

said(ref) := message if {
	some f in dt_sup_001.findings with input as fx.container({"image": ref})
	message := f.message
}

test_pass_tag if fine("registry.example/shop/web:1.4.2")

test_pass_short if fine("web:1.4.2")

test_pass_port if fine("registry.example:5000/web:1.4.2")

test_pass_digest if fine(sprintf("web@%s", [digest]))

# The digest decides, whatever the tag says.
test_pass_moving_tag_with_digest if fine(sprintf("web:latest@%s", [digest]))

test_pass_nothing if count(dt_sup_001.findings) == 0 with input as fx.of({"apiVersion": "v1", "kind": "ConfigMap"})

test_fail_none if said("registry.example/shop/web") == `container "a": image "registry.example/shop/web" has no tag`

# A port is no tag.
test_fail_port if said("registry.example:5000/web") == `container "a": image "registry.example:5000/web" has no tag`

test_fail_latest if said("web:latest") == `container "a": tag "latest" of image "web:latest" moves`

test_fail_capitals if said("web:Latest") == `container "a": tag "Latest" of image "web:Latest" moves`

test_fail_empty if said("") == `container "a" names no image`

test_fail_null if said(null) == `container "a" names no image`

test_fail_absent if count(dt_sup_001.findings) == 1 with input as fx.container({})

test_fail_each_list if {
	c := {"name": "a", "image": "web"}
	found := dt_sup_001.findings with input as fx.pod({"initContainers": [c], "containers": [c], "ephemeralContainers": [c]})
	fx.pointers(found) == {"/spec/initContainers/0/image", "/spec/containers/0/image", "/spec/ephemeralContainers/0/image"}
}

test_fail_custom_resource if {
	found := dt_sup_001.findings with input as fx.of({"apiVersion": "kafka.strimzi.io/v1beta2", "kind": "Kafka", "spec": {"kafka": {"image": "kafka"}}})
	fx.pointers(found) == {"/spec/kafka/image"}
}

test_pass_custom_resource_without if count(dt_sup_001.findings) == 0 with input as fx.of({"apiVersion": "kafka.strimzi.io/v1beta2", "kind": "Kafka", "spec": {}})

# A value of another type is malformed and judged as such, not here.
test_pass_wrong_type if count(dt_sup_001.findings) == 0 with input as fx.container({"image": 5})

test_fail_each_moving_tag if {
	every tag in ["latest", "main", "master", "dev", "develop", "stable", "edge", "nightly"] {
		found := dt_sup_001.findings with input as fx.container({"image": sprintf("web:%s", [tag])})
		{[f.pointer, f.container] | some f in found} == {["/spec/containers/0/image", "a"]}
	}
}
