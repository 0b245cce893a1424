package dualtrack.pods.dt_sec_002_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_002

test_pass_absent if count(dt_sec_002.findings) == 0 with input as fx.pod({})

test_pass_false if count(dt_sec_002.findings) == 0 with input as fx.pod({"hostNetwork": false, "hostPID": null})

test_fail_each_field if {
	found := dt_sec_002.findings with input as fx.pod({"hostNetwork": true, "hostPID": true, "hostIPC": true})
	fx.pointers(found) == {"/spec/hostNetwork", "/spec/hostPID", "/spec/hostIPC"}
}

test_mend if {
	some f in dt_sec_002.findings with input as fx.pod({"hostPID": true})
	f.patch == [{"op": "remove", "path": "/spec/hostPID"}]
}
