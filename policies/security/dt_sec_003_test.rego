package dualtrack.rules.dt_sec_003_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_sec_003

test_pass_other_volumes if count(dt_sec_003.findings) == 0 with input as fx.pod({"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b"}]})

test_pass_null if count(dt_sec_003.findings) == 0 with input as fx.pod({"volumes": [{"name": "a", "hostPath": null}]})

test_pass_no_object if count(dt_sec_003.findings) == 0 with input as fx.pod({"volumes": ["a", null]})

test_fail_any_type if {
	found := dt_sec_003.findings with input as fx.pod({"volumes": [{"emptyDir": {}}, {"name": "b", "hostPath": {"path": "/var/log", "type": "Directory"}}]})
	fx.pointers(found) == {"/spec/volumes/1/hostPath"}
}

test_fail_empty if count(dt_sec_003.findings) == 1 with input as fx.pod({"volumes": [{"name": "a", "hostPath": {}}]})

test_fail_volume if {
	found := dt_sec_003.findings with input as fx.of({"apiVersion": "v1", "kind": "PersistentVolume", "spec": {"local": {"path": "/d"}}})
	{[f.pointer, f.severity] | some f in found} == {["/spec/local", "warning"]}
}

test_pass_csi_volume if count(dt_sec_003.findings) == 0 with input as fx.of({"apiVersion": "v1", "kind": "PersistentVolume", "spec": {"csi": {}}})

stateful := fx.of({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"volumeClaimTemplates": [
	{"spec": {"storageClassName": "net"}},
	{"spec": {"storageClassName": "node"}},
	{"spec": {}},
	"odd",
]}})

test_fail_claim_of_node_class if {
	found := dt_sec_003.findings with input as stateful with data.context as fx.and_facts({"nodeClasses": {"node": true}})
	fx.pointers(found) == {"/spec/volumeClaimTemplates/1/spec/storageClassName"}
}

test_pass_claim if count(dt_sec_003.findings) == 0 with input as stateful with data.context as fx.facts

test_fail_each_field if {
	every field in ["hostPath", "local"] {
		found := dt_sec_003.findings with input as fx.of({"apiVersion": "v1", "kind": "PersistentVolume", "spec": {field: {"path": "/d"}}})
		fx.pointers(found) == {sprintf("/spec/%s", [field])}
	}
}

test_fail_whole if {
	found := dt_sec_003.findings with input as fx.pod({"volumes": [{"name": "b", "hostPath": {"path": "/d"}}]})
	found == {{"pointer": "/spec/volumes/0/hostPath", "message": `volume "b" is a path of the node`}}
	claims := dt_sec_003.findings with input as stateful with data.context as fx.and_facts({"nodeClasses": {"node": true}})
	{f.severity | some f in claims} == {"warning"}
}

test_pass_other_kind if {
	count(dt_sec_003.findings) == 0 with input as fx.of({"apiVersion": "x.example/v1", "kind": "Disk", "spec": {"local": {"path": "/d"}}})
	count(dt_sec_003.findings) == 0 with input as object.union(stateful, {"kind": "Other", "group": "x.example"}) with data.context as fx.and_facts({"nodeClasses": {"node": true}})
}
