package dualtrack.pods.dt_sec_010_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_010

both(a, b) := fx.pod({"securityContext": a, "containers": [{"name": "a", "securityContext": b}]})

profile(type) := {"seccompProfile": {"type": type}}

of_pod := "/spec/securityContext/seccompProfile/type"

of_container := "/spec/containers/0/securityContext/seccompProfile/type"

found(a, b) := fx.pointers(findings) if findings := dt_sec_010.findings with input as both(a, b)

test_pass_pod if found(profile("RuntimeDefault"), {}) == set()

test_pass_container if found({}, profile("Localhost")) == set()

test_pass_windows if count(dt_sec_010.findings) == 0 with input as fx.pod({"os": {"name": "windows"}, "containers": [{"name": "a"}]})

test_fail_unset if found({}, {}) == {of_container}

test_fail_pod_overridden if found(profile("Unconfined"), profile("RuntimeDefault")) == {of_pod}

test_fail_container if found(profile("RuntimeDefault"), profile("Unconfined")) == {of_container}

# Set to Unconfined, a profile is there and is not one.
test_fail_not_inherited if found(profile("Unconfined"), {}) == {of_pod, of_container}

test_fail_no_type if found({"seccompProfile": {}}, profile("RuntimeDefault")) == {of_pod}

test_fail_null if found({"seccompProfile": null}, {"seccompProfile": null}) == {of_container}

test_fail_wrong_type if found({"seccompProfile": "RuntimeDefault"}, {}) == {of_pod, of_container}

test_fail_annotation if {
	key := "seccomp.security.alpha.kubernetes.io/pod"
	o := {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {key: "runtime/default"}}, "spec": {}}
	some f in dt_sec_010.findings with input as fx.of(o)
	[f.pointer, f.severity] == ["/metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod", "info"]
}

test_mend if {
	some f in dt_sec_010.findings with input as fx.secured({})
	f.patch == [{"op": "add", "path": "/spec/securityContext", "value": {"seccompProfile": {"type": "RuntimeDefault"}}}]
}

test_mend_container if {
	some f in dt_sec_010.findings with input as both(profile("RuntimeDefault"), profile("Unconfined"))
	f.patch == [{"op": "add", "path": "/spec/containers/0/securityContext/seccompProfile", "value": {"type": "RuntimeDefault"}}]
}

test_fail_whole if {
	at := "/spec/containers/0/securityContext/seccompProfile/type"
	bad := {"seccompProfile": {"type": "Unconfined"}}
	of_pod := dt_sec_010.findings with input as fx.pod({"securityContext": bad, "containers": []})
	{[f.pointer, f.patch] | some f in of_pod} == {["/spec/securityContext/seccompProfile/type", [{"op": "add", "path": "/spec/securityContext/seccompProfile", "value": {"type": "RuntimeDefault"}}]]}
	own := dt_sec_010.findings with input as fx.pod({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": [{"name": "a", "securityContext": bad}]})
	{[f.pointer, f.container] | some f in own} == {[at, "a"]}
	neither := dt_sec_010.findings with input as fx.pod({"containers": [{"name": "a"}]})
	{[f.pointer, f.container] | some f in neither} == {[at, "a"]}
}

test_pass_windows_whatever if {
	bad := {"seccompProfile": {"type": "Unconfined"}}
	count(dt_sec_010.findings) == 0 with input as fx.pod({"os": {"name": "windows"}, "securityContext": bad, "containers": [{"name": "a", "securityContext": bad}]})
}

test_annotations if {
	pod := {"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": {"container.seccomp.security.alpha.kubernetes.io/a": "x", "note": "x"}}, "spec": {"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}, "containers": []}}
	found := dt_sec_010.findings with input as fx.of(pod)
	fx.pointers(found) == {"/metadata/annotations/container.seccomp.security.alpha.kubernetes.io~1a"}
}
