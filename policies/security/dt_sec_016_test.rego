package dualtrack.pods.dt_sec_016_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_016

found(of_pod, of_container) := fx.pointers(findings) if {
	spec := {"securityContext": {"windowsOptions": of_pod}, "containers": [{"name": "a", "securityContext": {"windowsOptions": of_container}}]}
	findings := dt_sec_016.findings with input as fx.pod(spec)
}

test_pass_absent if found(null, {}) == set()

test_pass_false if found({"hostProcess": false}, {"hostProcess": null}) == set()

test_fail_pod if found({"hostProcess": true}, {"hostProcess": false}) == {"/spec/securityContext/windowsOptions/hostProcess"}

test_fail_container if found({}, {"hostProcess": true}) == {"/spec/containers/0/securityContext/windowsOptions/hostProcess"}

test_fail_wrong_type if found({"hostProcess": "true"}, {}) == {"/spec/securityContext/windowsOptions/hostProcess"}

test_fail_whole if {
	host := {"windowsOptions": {"hostProcess": true}}
	findings := dt_sec_016.findings with input as fx.pod({"securityContext": host, "containers": [{"name": "a", "securityContext": host}]})
	of_pod := "/spec/securityContext/windowsOptions/hostProcess"
	of_a := "/spec/containers/0/securityContext/windowsOptions/hostProcess"
	findings == {
		{"pointer": of_pod, "container": "", "message": "the pod runs as a process of the Windows node", "patch": [{"op": "remove", "path": of_pod}]},
		{"pointer": of_a, "container": "a", "message": `container "a" runs as a process of the Windows node`, "patch": [{"op": "remove", "path": of_a}]},
	}
}
