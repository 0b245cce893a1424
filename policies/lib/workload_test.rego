package dualtrack.workload_test

import data.dualtrack.fixture as fx
import data.dualtrack.workload

own(version, kind) := found if {
	found := workload.own with input as fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": {"replicas": 3}})
}

test_pass_own if {
	every kind, version in {
		"Deployment": "apps/v1",
		"ReplicaSet": "apps/v1",
		"ReplicationController": "v1",
		"Rollout": "argoproj.io/v1alpha1",
		"StatefulSet": "apps/v1",
	} {
		own(version, kind) == {"kind": kind, "name": "a", "replicas": 3}
	}
}

test_fail_own if {
	not own("apps/v1", "DaemonSet")
	not own("x.example/v1", "Deployment")
}
