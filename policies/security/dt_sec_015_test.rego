package dualtrack.pods.dt_sec_015_test

import data.dualtrack.fixture as fx
import data.dualtrack.pods.dt_sec_015

found(volume, facts) := {[f.pointer, f.message] | some f in findings} if {
	findings := dt_sec_015.findings with input as fx.pod({"volumes": [volume], "containers": []}) with data.context as facts
}

test_pass_types if {
	every type in ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"] {
		found({"name": "v", type: {}}, fx.facts) == set()
	}
}

# Such a volume is an emptyDir.
test_pass_no_type if found({"name": "v"}, fx.facts) == set()

test_pass_null if found({"name": "v", "nfs": null}, fx.facts) == set()

test_pass_host_path_is_said_elsewhere if found({"name": "v", "hostPath": {"path": "/"}}, fx.facts) == set()

test_pass_odd if found("odd", fx.facts) == set()

test_fail_nfs if found({"name": "v", "nfs": {"server": "a"}}, fx.facts) == {["/spec/volumes/0/nfs", `volume "v" is of type nfs, which Pod Security's restricted level does not allow`]}

test_fail_nameless if count(found({"iscsi": {}}, fx.facts)) == 1

test_pass_param if found({"name": "v", "nfs": {}}, fx.and_facts({"params": {"DT-SEC-015": {"allow": ["nfs"]}}})) == set()

# The items of an array are no types.
test_pass_array if found([{"server": "a"}], fx.facts) == set()

test_pass_defaults if dt_sec_015.meta.params == {"allow": []}
