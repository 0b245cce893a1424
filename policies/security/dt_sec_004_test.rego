package dualtrack.pods.dt_sec_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_004

found(spec, facts) := fx.pointers(findings) if {
	findings := dt_sec_004.findings with input as fx.pod(spec) with data.context as facts
}

ports(list) := {"containers": [{"name": "a", "ports": list}]}

at := "/spec/containers/0/ports/0/hostPort"

test_pass_none if found(ports([{"containerPort": 80}]), fx.facts) == set()

test_pass_zero_and_null if found(ports([{"containerPort": 80, "hostPort": 0}, {"hostPort": null}, "odd"]), fx.facts) == set()

test_fail_port if found(ports([{"containerPort": 80, "hostPort": 80}]), fx.facts) == {at}

test_fail_wrong_type if found(ports([{"hostPort": "80"}]), fx.facts) == {at}

test_fail_every_list if {
	port := [{"name": "a", "ports": [{"hostPort": 80}]}]
	found({"initContainers": port, "containers": port, "ephemeralContainers": port}, fx.facts) == {
		"/spec/initContainers/0/ports/0/hostPort",
		at,
		"/spec/ephemeralContainers/0/ports/0/hostPort",
	}
}

host(port) := object.union({"hostNetwork": true}, ports([port]))

# The API server sets it on pods that share the node's network.
test_pass_defaulted if found(host({"containerPort": 80, "hostPort": 80}), fx.facts) == set()

test_fail_other_than_defaulted if found(host({"containerPort": 80, "hostPort": 81}), fx.facts) == {at}

range := fx.and_facts({"params": {"DT-SEC-004": {"range": [30000, 30010]}}})

test_pass_in_range if found(ports([{"hostPort": 30000}, {"hostPort": 30010}]), range) == set()

test_fail_out_of_range if found(ports([{"hostPort": 29999}, {"hostPort": 30011}, {"hostPort": "30001"}]), range) == {
	at,
	"/spec/containers/0/ports/1/hostPort",
	"/spec/containers/0/ports/2/hostPort",
}

test_fail_patch if {
	findings := dt_sec_004.findings with input as fx.pod(ports([{"hostPort": 80}])) with data.context as fx.facts
	{[f.message, f.patch] | some f in findings} == {[`container "a" takes port 80 of the node`, [{"op": "remove", "path": at}]]}
}

test_fail_whole if {
	findings := dt_sec_004.findings with input as fx.pod(ports([{"hostPort": 80}])) with data.context as fx.facts
	findings == {{"pointer": at, "container": "a", "message": `container "a" takes port 80 of the node`, "patch": [{"op": "remove", "path": at}]}}
}

# Numbers and texts have an order in Rego.
test_fail_text_in_range if found(ports([{"hostPort": "5"}]), fx.and_facts({"params": {"DT-SEC-004": {"range": [1, "9"]}}})) == {at}

test_pass_defaults if dt_sec_004.meta.params == {"range": []}
