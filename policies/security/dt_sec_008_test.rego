package dualtrack.pods.dt_sec_008_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_008

both(of_pod, of_container) := fx.pod({"securityContext": of_pod, "containers": [{"name": "a", "securityContext": of_container}]})

yes := {"runAsNonRoot": true}

no := {"runAsNonRoot": false}

of_pod := "/spec/securityContext/runAsNonRoot"

of_container := "/spec/containers/0/securityContext/runAsNonRoot"

found(a, b) := fx.pointers(findings) if findings := dt_sec_008.findings with input as both(a, b)

test_pass_pod if found(yes, {}) == set()

test_pass_container if found({}, yes) == set()

test_pass_no_container if count(dt_sec_008.findings) == 0 with input as fx.pod({})

# A pod's false fails even where every container overrides it.
test_fail_pod_false if found(no, yes) == {of_pod}

# A container's false beats the pod's true.
test_fail_container_false if found(yes, no) == {of_container}

test_fail_unset if found({}, {}) == {of_container}

test_fail_both if found(no, {}) == {of_pod, of_container}

test_fail_numeric_user if found({"runAsUser": 1000}, {}) == {of_container}

test_fail_null if found({"runAsNonRoot": null}, {"runAsNonRoot": null}) == {of_container}

test_fail_wrong_type if found({"runAsNonRoot": "yes"}, yes) == {of_pod}

test_mend_pod if {
	some f in dt_sec_008.findings with input as fx.container({})
	f.patch == [{"op": "add", "path": "/spec/securityContext", "value": {"runAsNonRoot": true}}]
}

test_mend_container if {
	some f in dt_sec_008.findings with input as both(yes, no)
	f.patch == [{"op": "replace", "path": of_container, "value": true}]
}

test_fail_whole if {
	at := "/spec/securityContext/runAsNonRoot"
	of_pod := dt_sec_008.findings with input as fx.pod({"securityContext": {"runAsNonRoot": false}, "containers": []})
	{[f.pointer, f.patch] | some f in of_pod} == {[at, [{"op": "add", "path": at, "value": true}]]}
	own := dt_sec_008.findings with input as fx.pod({"securityContext": {"runAsNonRoot": true}, "containers": [{"name": "a", "securityContext": {"runAsNonRoot": false}}]})
	{[f.pointer, f.container] | some f in own} == {["/spec/containers/0/securityContext/runAsNonRoot", "a"]}
	neither := dt_sec_008.findings with input as fx.pod({"containers": [{"name": "a"}]})
	{[f.pointer, f.container] | some f in neither} == {["/spec/containers/0/securityContext/runAsNonRoot", "a"]}
}
