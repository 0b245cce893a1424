package dualtrack.pods.dt_sec_006_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_006

with_caps(caps) := fx.secured({"capabilities": caps})

at := "/spec/containers/0/securityContext/capabilities"

test_pass_all if count(dt_sec_006.findings) == 0 with input as with_caps({"drop": ["ALL"]})

test_pass_bind if count(dt_sec_006.findings) == 0 with input as with_caps({"drop": ["NET_RAW", "ALL"], "add": ["NET_BIND_SERVICE"]})

test_pass_windows if count(dt_sec_006.findings) == 0 with input as fx.pod({"os": {"name": "windows"}, "containers": [{"name": "a"}]})

test_fail_absent if {
	found := dt_sec_006.findings with input as fx.container({})
	{f.patch | some f in found} == {[{"op": "add", "path": "/spec/containers/0/securityContext", "value": {"capabilities": {"drop": ["ALL"]}}}]}
}

test_fail_empty if {
	found := dt_sec_006.findings with input as with_caps({"drop": []})
	{f.patch | some f in found} == {[{"op": "add", "path": sprintf("%s/drop", [at]), "value": ["ALL"]}]}
}

test_fail_null if {
	found := dt_sec_006.findings with input as with_caps(null)
	{f.patch | some f in found} == {[{"op": "add", "path": at, "value": {"drop": ["ALL"]}}]}
}

test_fail_lower_case if {
	found := dt_sec_006.findings with input as with_caps({"drop": ["all", 1]})
	{f.message | some f in found} == {`container "a" does not drop ALL capabilities (Pod Security wants it in capitals)`}
}

test_fail_added if {
	found := dt_sec_006.findings with input as with_caps({"drop": ["ALL"], "add": ["NET_BIND_SERVICE", "CHOWN"]})
	fx.pointers(found) == {sprintf("%s/add/1", [at])}
}

# Capabilities exist on containers only: a pod's own are not inherited.
test_fail_pod_level if count(dt_sec_006.findings) == 1 with input as fx.pod({"securityContext": {"capabilities": {"drop": ["ALL"]}}, "containers": [{"name": "a"}]})

test_fail_whole if {
	found := dt_sec_006.findings with input as fx.container({})
	{[f.pointer, f.container, f.message] | some f in found} == {[sprintf("%s/drop", [at]), "a", `container "a" does not drop ALL capabilities`]}
	added := dt_sec_006.findings with input as with_caps({"drop": ["ALL"], "add": ["CHOWN"]})
	{[f.pointer, f.container, f.patch] | some f in added} == {[sprintf("%s/add/0", [at]), "a", [{"op": "remove", "path": sprintf("%s/add/0", [at])}]]}
}

test_pass_windows_adds if count(dt_sec_006.findings) == 0 with input as fx.pod({"os": {"name": "windows"}, "containers": [{"name": "a", "securityContext": {"capabilities": {"add": ["CHOWN"]}}}]})
