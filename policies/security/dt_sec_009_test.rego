package dualtrack.pods.dt_sec_009_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_009

found(context, of_container, facts) := {[f.pointer, object.get(f, "severity", "error")] | some f in findings} if {
	spec := {"securityContext": context, "containers": [{"name": "a", "securityContext": of_container}]}
	findings := dt_sec_009.findings with input as fx.pod(spec) with data.context as facts
}

of_pod := "/spec/securityContext"

of_a := "/spec/containers/0/securityContext"

test_pass_absent if found({}, {}, fx.facts) == set()

test_pass_null if found({"runAsUser": null, "fsGroup": null, "supplementalGroups": null}, null, fx.facts) == set()

test_pass_others if found({"runAsUser": 65532, "runAsGroup": 65532, "fsGroup": 65532, "supplementalGroups": [65532]}, {"runAsUser": 1, "runAsGroup": 1}, fx.facts) == set()

# Pod Security refuses it whatever the containers say.
test_fail_pod_overridden if found({"runAsUser": 0}, {"runAsUser": 65532}, fx.facts) == {[sprintf("%s/runAsUser", [of_pod]), "error"]}

test_fail_container if found({"runAsUser": 65532}, {"runAsUser": 0}, fx.facts) == {[sprintf("%s/runAsUser", [of_a]), "error"]}

test_fail_lists if {
	zero := [{"name": "a", "securityContext": {"runAsUser": 0}}]
	findings := dt_sec_009.findings with input as fx.pod({"initContainers": zero, "containers": zero, "ephemeralContainers": zero}) with data.context as fx.facts
	count(findings) == 3
}

test_fail_groups if found({"runAsGroup": 0, "fsGroup": 0, "supplementalGroups": [5, 0]}, {"runAsGroup": 0, "fsGroup": 0}, fx.facts) == {
	[sprintf("%s/runAsGroup", [of_pod]), "warning"],
	[sprintf("%s/fsGroup", [of_pod]), "warning"],
	[sprintf("%s/supplementalGroups/1", [of_pod]), "warning"],
	[sprintf("%s/runAsGroup", [of_a]), "warning"],
}

graded(level) := fx.and_facts({"params": {"DT-SEC-009": {"groups": level}}})

test_fail_groups_graded if found({"runAsGroup": 0, "supplementalGroups": [0]}, {}, graded("error")) == {
	[sprintf("%s/runAsGroup", [of_pod]), "error"],
	[sprintf("%s/supplementalGroups/0", [of_pod]), "error"],
}

test_pass_groups_off if found({"runAsGroup": 0, "supplementalGroups": [0]}, {}, graded("off")) == set()

test_fail_whole if {
	zero := {"runAsUser": 0, "runAsGroup": 0}
	spec := {"securityContext": object.union(zero, {"fsGroup": 0, "supplementalGroups": [0]}), "containers": [{"name": "a", "securityContext": zero}]}
	findings := dt_sec_009.findings with input as fx.pod(spec) with data.context as fx.facts
	findings == {
		{"pointer": sprintf("%s/runAsUser", [of_pod]), "container": "", "message": "the pod runs as user 0"},
		{"pointer": sprintf("%s/runAsUser", [of_a]), "container": "a", "message": `container "a" runs as user 0`},
		{"pointer": sprintf("%s/runAsGroup", [of_pod]), "container": "", "severity": "warning", "message": "the pod has group 0: runAsGroup"},
		{"pointer": sprintf("%s/fsGroup", [of_pod]), "container": "", "severity": "warning", "message": "the pod has group 0: fsGroup"},
		{"pointer": sprintf("%s/runAsGroup", [of_a]), "container": "a", "severity": "warning", "message": `container "a" has group 0: runAsGroup`},
		{"pointer": sprintf("%s/supplementalGroups/0", [of_pod]), "severity": "warning", "message": "the pod has group 0: supplementalGroups"},
	}
}
