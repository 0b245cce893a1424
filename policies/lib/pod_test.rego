package dualtrack.pod_test

import data.dualtrack.fixture as fx
import data.dualtrack.pod

spec_at := {
	"/Pod": "/spec",
	"/PodTemplate": "/template/spec",
	"/ReplicationController": "/spec/template/spec",
	"apps/DaemonSet": "/spec/template/spec",
	"apps/Deployment": "/spec/template/spec",
	"apps/ReplicaSet": "/spec/template/spec",
	"apps/StatefulSet": "/spec/template/spec",
	"argoproj.io/Rollout": "/spec/template/spec",
	"batch/CronJob": "/spec/jobTemplate/spec/template/spec",
	"batch/Job": "/spec/template/spec",
	"extensions/DaemonSet": "/spec/template/spec",
	"extensions/Deployment": "/spec/template/spec",
	"extensions/ReplicaSet": "/spec/template/spec",
	"keda.sh/ScaledJob": "/spec/jobTargetRef/template/spec",
	"serving.knative.dev/Service": "/spec/template/spec",
}

test_pass_every_kind if {
	every key, at in spec_at {
		[group, kind] := split(key, "/")
		pod.pointer == at with input as {"group": group, "kind": kind, "object": {}}
	}
	object.keys(pod.templates) == object.keys(spec_at)
}

test_pass_containers if {
	found := pod.containers with input as fx.pod({"containers": [{"name": "a", "securityContext": {"privileged": true}}, 5, {}]})
	found == [
		{"list": "containers", "index": 0, "name": "a", "pointer": "/spec/containers/0", "value": {"name": "a", "securityContext": {"privileged": true}}, "context": {"privileged": true}},
		{"list": "containers", "index": 2, "name": "", "pointer": "/spec/containers/2", "value": {}, "context": {}},
	]
}

malformed(spec) := {[m.pointer, m.message] | some m in found} if found := pod.malformed with input as fx.pod(spec)

test_fail_each_list if {
	every list in ["initContainers", "containers", "ephemeralContainers", "volumes"] {
		malformed({list: "a"}) == {[sprintf("/spec/%s", [list]), "it is of type string, not array"]}
		malformed({list: ["a"]}) == {[sprintf("/spec/%s/0", [list]), "it is of type string, not object"]}
	}
}

test_fail_each_field if {
	malformed({"os": 1, "securityContext": [], "containers": []}) == {
		["/spec/os", "it is of type number, not object"],
		["/spec/securityContext", "it is of type array, not object"],
	}
	malformed({"securityContext": {"seccompProfile": 1}}) == {["/spec/securityContext/seccompProfile", "it is of type number, not object"]}
	malformed({"containers": [{"image": 5, "securityContext": 5}]}) == {
		["/spec/containers/0/image", "it is of type number, not string"],
		["/spec/containers/0/securityContext", "it is of type number, not object"],
	}
	malformed({"containers": [{"securityContext": {"capabilities": 1, "seccompProfile": true}}]}) == {
		["/spec/containers/0/securityContext/capabilities", "it is of type number, not object"],
		["/spec/containers/0/securityContext/seccompProfile", "it is of type boolean, not object"],
	}
	malformed({"containers": [{"securityContext": {"capabilities": {"add": 1, "drop": "ALL"}}}]}) == {
		["/spec/containers/0/securityContext/capabilities/add", "it is of type number, not array"],
		["/spec/containers/0/securityContext/capabilities/drop", "it is of type string, not array"],
	}
}

# null counts as absent.
test_pass_null if {
	malformed({"os": null, "securityContext": {"seccompProfile": null}, "containers": [
		{"image": null, "securityContext": null},
		{"securityContext": {"capabilities": null, "seccompProfile": null}},
		{"securityContext": {"capabilities": {"add": null, "drop": null}}},
	]}) == set()
}

test_pass_whole if {
	malformed({"os": {}, "volumes": [{}], "securityContext": {"seccompProfile": {}}, "containers": [{"image": "a", "securityContext": {"capabilities": {"add": [], "drop": []}, "seccompProfile": {}}}]}) == set()
}

finite(doc) if pod.finite with input as doc

test_pass_finite if {
	every key in ["batch/CronJob", "batch/Job", "keda.sh/ScaledJob"] {
		[group, kind] := split(key, "/")
		finite({"group": group, "kind": kind, "object": {}})
	}
	finite(fx.pod({"restartPolicy": "Never"}))
	finite(fx.pod({"restartPolicy": "OnFailure"}))
}

# Only a pod of its own ends by its restartPolicy.
test_fail_endless if {
	every policy in ["Always", null, "never"] {
		not finite(fx.pod({"restartPolicy": policy}))
	}
	not finite(fx.pod({}))
	not finite(fx.deployment({"template": {"spec": {"restartPolicy": "Never"}}}))
}

contexts(doc) := found if found := pod.contexts with input as doc

test_pass_contexts if {
	contexts(fx.pod({"securityContext": {"runAsUser": 1}, "containers": [{"name": "a", "securityContext": {"runAsUser": 2}}]})) == [
		{"container": "", "what": "the pod", "pointer": "/spec/securityContext", "value": {"runAsUser": 1}},
		{"container": "a", "what": `container "a"`, "pointer": "/spec/containers/0/securityContext", "value": {"runAsUser": 2}},
	]
	contexts(fx.pod({})) == [{"container": "", "what": "the pod", "pointer": "/spec/securityContext", "value": {}}]
	contexts(fx.of({"apiVersion": "v1", "kind": "Pod"})) == []
}

test_fail_each_option if {
	every field in ["seLinuxOptions", "seccompProfile", "windowsOptions"] {
		malformed({"securityContext": {field: 1}}) == {[sprintf("/spec/securityContext/%s", [field]), "it is of type number, not object"]}
	}
	every field in ["capabilities", "seLinuxOptions", "seccompProfile", "windowsOptions"] {
		malformed({"containers": [{"securityContext": {field: 1}}]}) == {[sprintf("/spec/containers/0/securityContext/%s", [field]), "it is of type number, not object"]}
	}
}
