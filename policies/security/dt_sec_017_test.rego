package dualtrack.pods.dt_sec_017_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_017

found(spec, facts) := fx.pointers(findings) if {
	findings := dt_sec_017.findings with input as fx.pod(spec) with data.context as facts
}

c(context) := [{"name": "a", "securityContext": context}]

at(list) := sprintf("/spec/%s/0/securityContext/readOnlyRootFilesystem", [list])

test_pass_true if found({"containers": c({"readOnlyRootFilesystem": true})}, fx.facts) == set()

test_fail_absent if found({"containers": c({})}, fx.facts) == {at("containers")}

test_fail_false if found({"containers": c({"readOnlyRootFilesystem": false})}, fx.facts) == {at("containers")}

test_fail_wrong_type if found({"containers": c({"readOnlyRootFilesystem": "true"})}, fx.facts) == {at("containers")}

# The pod has no such field.
test_fail_pod_level if found({"securityContext": {"readOnlyRootFilesystem": true}, "containers": c(null)}, fx.facts) == {at("containers")}

test_fail_init if found({"initContainers": c({})}, fx.facts) == {at("initContainers")}

test_pass_debugger if found({"ephemeralContainers": c({})}, fx.facts) == set()

test_pass_windows if found({"os": {"name": "windows"}, "containers": c({})}, fx.facts) == set()

test_pass_skip_init if found({"initContainers": c({})}, fx.and_facts({"params": {"DT-SEC-017": {"skipInit": true}}})) == set()

test_fail_skip_init if found({"initContainers": c({}), "containers": c({})}, fx.and_facts({"params": {"DT-SEC-017": {"skipInit": true}}})) == {at("containers")}

test_fail_whole if {
	findings := dt_sec_017.findings with input as fx.pod({"containers": c({})}) with data.context as fx.facts
	findings == {{"pointer": at("containers"), "container": "a", "message": `container "a" can write to its root file system`}}
}

test_pass_defaults if dt_sec_017.meta.params == {"skipInit": false}
