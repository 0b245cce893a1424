package dualtrack.pods.dt_sec_007_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_007

test_pass_false if count(dt_sec_007.findings) == 0 with input as fx.secured({"allowPrivilegeEscalation": false})

test_pass_windows if count(dt_sec_007.findings) == 0 with input as fx.pod({"os": {"name": "windows"}, "containers": [{"name": "a"}]})

test_fail_absent if {
	found := dt_sec_007.findings with input as fx.container({})
	{f.patch | some f in found} == {[{"op": "add", "path": "/spec/containers/0/securityContext", "value": {"allowPrivilegeEscalation": false}}]}
}

test_fail_true if {
	found := dt_sec_007.findings with input as fx.secured({"allowPrivilegeEscalation": true})
	{f.patch | some f in found} == {[{"op": "add", "path": "/spec/containers/0/securityContext/allowPrivilegeEscalation", "value": false}]}
}

test_fail_null if count(dt_sec_007.findings) == 1 with input as fx.secured({"allowPrivilegeEscalation": null})

test_fail_linux if count(dt_sec_007.findings) == 1 with input as fx.pod({"os": {"name": "linux"}, "containers": [{"name": "a"}]})

# The pod has no such field: it is not inherited.
test_fail_pod_level if count(dt_sec_007.findings) == 1 with input as fx.pod({"securityContext": {"allowPrivilegeEscalation": false}, "containers": [{"name": "a"}]})

test_fail_whole if {
	found := dt_sec_007.findings with input as fx.container({})
	{[f.pointer, f.container] | some f in found} == {["/spec/containers/0/securityContext/allowPrivilegeEscalation", "a"]}
}
