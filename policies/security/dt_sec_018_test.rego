package dualtrack.pods.dt_sec_018_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_018

found(spec, facts) := {[object.get(f, "result", "finding"), object.get(f, "patch", null)] | some f in findings} if {
	findings := dt_sec_018.findings with input as fx.pod(object.union({"containers": []}, spec)) with data.context as facts
}

accounts(automount) := fx.and_facts({"serviceAccounts": {"shop": {"web": {"automount": automount}, "default": {"automount": automount}}}})

web := {"serviceAccountName": "web"}

plain := {["finding", null]}

mending := {["finding", [{"op": "add", "path": "/spec/automountServiceAccountToken", "value": false}]]}

test_pass_pod if found(object.union(web, {"automountServiceAccountToken": false}), accounts(true)) == set()

test_fail_pod_beats_account if found(object.union(web, {"automountServiceAccountToken": true}), accounts(false)) == plain

test_pass_account if found(web, accounts(false)) == set()

test_fail_account if found(web, accounts(true)) == plain

# Absent is mounted, in the pod and in the account.
test_fail_absent if found(web, accounts(null)) == plain

test_fail_default_account if {
	found({}, fx.facts) == mending
	found({"serviceAccountName": ""}, fx.facts) == mending
	found({"serviceAccountName": "default"}, accounts(null)) == mending
}

test_pass_default_account if found({}, accounts(false)) == set()

test_unknown_account if found(web, fx.facts) == {["unknown", null]}

test_unknown_partial if found({}, fx.and_facts({"partial": true})) == {["unknown", null]}

allowing(name) := fx.and_facts({"params": {"DT-SEC-018": {"allowSA": [name]}}})

test_pass_allowed if {
	found(web, allowing("shop/web")) == set()
	found(web, allowing("shop/w*")) == set()
	found(object.union(web, {"automountServiceAccountToken": true}), allowing("shop/web")) == set()
}

test_fail_allowed_elsewhere if found(object.union(web, {"automountServiceAccountToken": true}), allowing("other/web")) == plain

all_of(spec, facts) := findings if {
	findings := dt_sec_018.findings with input as fx.pod(spec) with data.context as facts
}

at := "/spec/automountServiceAccountToken"

test_fail_whole if {
	all_of(web, accounts(true)) == {{"pointer": at, "message": `the token of ServiceAccount "web" is mounted`}}
	all_of({}, fx.facts) == {{"pointer": at, "message": `the token of ServiceAccount "default" is mounted`, "patch": [{"op": "add", "path": at, "value": false}]}}
	all_of(web, fx.facts) == {{"pointer": at, "message": `the bundle does not hold ServiceAccount "web", which may say that its token is mounted`, "result": "unknown"}}
}

# What the pod says is no question to the account.
test_pass_pod_beats_each_account if {
	off := {"automountServiceAccountToken": false}
	every account in [web, {}] {
		found(object.union(account, off), accounts(true)) == set()
		found(object.union(account, off), accounts(null)) == set()
		found(object.union(account, off), fx.facts) == set()
	}
}

test_fail_name_of_wrong_type if found({"serviceAccountName": 5}, fx.facts) == mending

test_pass_no_spec if {
	findings := dt_sec_018.findings with input as fx.of({"apiVersion": "v1", "kind": "Pod", "metadata": fx.meta}) with data.context as fx.facts
	findings == set()
}

test_pass_defaults if dt_sec_018.meta.params == {"allowSA": []}
