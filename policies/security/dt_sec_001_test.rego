package dualtrack.pods.dt_sec_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_001

test_pass_absent if count(dt_sec_001.findings) == 0 with input as fx.container({})

test_pass_false if count(dt_sec_001.findings) == 0 with input as fx.secured({"privileged": false})

test_pass_null if count(dt_sec_001.findings) == 0 with input as fx.secured({"privileged": null})

test_pass_no_pod if count(dt_sec_001.findings) == 0 with input as fx.of({"apiVersion": "v1", "kind": "ConfigMap"})

test_fail_each_list if {
	c := {"name": "a", "securityContext": {"privileged": true}}
	found := dt_sec_001.findings with input as fx.pod({"initContainers": [c], "containers": [c], "ephemeralContainers": [c]})
	fx.pointers(found) == {
		"/spec/initContainers/0/securityContext/privileged",
		"/spec/containers/0/securityContext/privileged",
		"/spec/ephemeralContainers/0/securityContext/privileged",
	}
	{f.message | some f in found} == {
		`init container "a" is privileged`,
		`container "a" is privileged`,
		`ephemeral container "a" is privileged`,
	}
}

test_fail_second_container if {
	found := dt_sec_001.findings with input as fx.pod({"containers": [{"name": "a"}, {"name": "b", "securityContext": {"privileged": true}}]})
	{f.container | some f in found} == {"b"}
}

test_fail_cronjob if {
	spec := {"containers": [{"name": "a", "securityContext": {"privileged": true}}]}
	found := dt_sec_001.findings with input as fx.of({
		"apiVersion": "batch/v1", "kind": "CronJob",
		"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
	})
	fx.pointers(found) == {"/spec/jobTemplate/spec/template/spec/containers/0/securityContext/privileged"}
}

# What is no boolean is not shown to be harmless.
test_fail_wrong_type if count(dt_sec_001.findings) == 1 with input as fx.secured({"privileged": "true"})

test_mend if {
	some f in dt_sec_001.findings with input as fx.secured({"privileged": true})
	f.patch == [{"op": "replace", "path": "/spec/containers/0/securityContext/privileged", "value": false}]
}
