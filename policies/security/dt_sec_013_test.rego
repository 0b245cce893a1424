package dualtrack.pods.dt_sec_013_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_013

found(context) := fx.pointers(findings) if {
	findings := dt_sec_013.findings with input as fx.secured(context)
}

at := "/spec/containers/0/securityContext/procMount"

test_pass_absent if found({}) == set()

test_pass_null if found({"procMount": null}) == set()

test_pass_default if found({"procMount": "Default"}) == set()

test_fail_unmasked if found({"procMount": "Unmasked"}) == {at}

# Pod Security compares exactly.
test_fail_empty if found({"procMount": ""}) == {at}

test_fail_every_list if {
	unmasked := [{"name": "a", "securityContext": {"procMount": "Unmasked"}}]
	count(dt_sec_013.findings) == 3 with input as fx.pod({"initContainers": unmasked, "containers": unmasked, "ephemeralContainers": unmasked})
}

test_fail_whole if {
	findings := dt_sec_013.findings with input as fx.secured({"procMount": "Unmasked"})
	findings == {{"pointer": at, "container": "a", "message": `container "a" asks for another /proc than the default one`, "patch": [{"op": "remove", "path": at}]}}
}
