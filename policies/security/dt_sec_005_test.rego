package dualtrack.pods.dt_sec_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_005

adding(names) := fx.secured({"capabilities": {"add": names}})

test_pass_none if count(dt_sec_005.findings) == 0 with input as adding([])

test_pass_null if count(dt_sec_005.findings) == 0 with input as adding(null)

test_pass_all_thirteen if count(dt_sec_005.findings) == 0 with input as adding([
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
	"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
])

test_fail_net_raw if {
	found := dt_sec_005.findings with input as adding(["CHOWN", "NET_RAW"])
	{[f.pointer, f.patch] | some f in found} == {[
		"/spec/containers/0/securityContext/capabilities/add/1",
		[{"op": "remove", "path": "/spec/containers/0/securityContext/capabilities/add/1"}],
	]}
}

test_fail_all if count(dt_sec_005.findings) == 1 with input as adding(["ALL"])

test_fail_spelling if {
	found := dt_sec_005.findings with input as adding(["CAP_CHOWN", "kill"])
	{[f.mend, f.patch[0].value] | some f in found} == {["write CHOWN", "CHOWN"], ["write KILL", "KILL"]}
}

test_fail_no_string if count(dt_sec_005.findings) == 2 with input as adding([1, null])

test_fail_whole if {
	at := "/spec/containers/0/securityContext/capabilities/add/0"
	added := dt_sec_005.findings with input as fx.secured({"capabilities": {"add": ["SYS_ADMIN"]}})
	added == {{"pointer": at, "container": "a", "message": `container "a" adds capability "SYS_ADMIN"`, "patch": [{"op": "remove", "path": at}]}}
	misspelt := dt_sec_005.findings with input as fx.secured({"capabilities": {"add": ["CAP_CHOWN"]}})
	{[f.container, f.mend, f.patch] | some f in misspelt} == {["a", "write CHOWN", [{"op": "replace", "path": at, "value": "CHOWN"}]]}
}
