package dualtrack.drift.dt_drf_006_test

import data.dualtrack.drift.dt_drf_006
import data.dualtrack.fixture as fx

judged(drift, more) := {[f.message, object.get(f, "result", "finding")] | some f in findings} if {
	findings := dt_drf_006.findings with input as {"drift": object.union(drift, more)} with data.context as fx.facts
}

test_pass_nothing if judged({"weakened": [], "live": {}}, {}) == set()

test_fail_weakened if judged({"weakened": [{"rule": "DT-SEC-001", "title": "Privileged container", "pointer": "/a"}], "live": {}}, {}) == {["DT-SEC-001 (Privileged container) holds for Git's form and is broken on the cluster", "finding"]}

at(production) := {"now": 100000, "production": production}

debugger(since) := {"weakened": [], "live": {"debuggers": [{"name": "dbg", "since": since}]}}

test_fail_old if judged(debugger(100000 - ((4 * 3600) + 1)), at(true)) == {[`container "dbg" for debugging has been there for more than 4 hours`, "finding"]}

test_pass_young if judged(debugger(100000 - (4 * 3600)), at(true)) == set()

test_pass_elsewhere if judged(debugger(0), at(false)) == set()

test_fail_unknown if judged(debugger(null), at(true)) == {[`how long container "dbg" for debugging has been there is not known`, "unknown"]}

test_pass_missing if judged({"weakened": [], "live": null}, at(true)) == set()

all_of(d) := found if found := dt_drf_006.findings with input as {"drift": d} with data.context as fx.facts

test_fail_whole if {
	all_of({"weakened": [{"rule": "DT-SEC-001", "title": "Privileged container", "pointer": "/a"}], "live": {}}) == {{"pointer": "/a", "message": "DT-SEC-001 (Privileged container) holds for Git's form and is broken on the cluster"}}
	all_of(object.union(debugger(0), at(true))) == {{"pointer": "/spec/ephemeralContainers", "message": `container "dbg" for debugging has been there for more than 4 hours`, "mend": "delete the pod: such a container cannot be taken out"}}
	all_of(object.union(debugger(null), at(true))) == {{"pointer": "/spec/ephemeralContainers", "message": `how long container "dbg" for debugging has been there is not known`, "result": "unknown"}}
}

test_pass_unknown_elsewhere if judged(debugger(null), at(false)) == set()
