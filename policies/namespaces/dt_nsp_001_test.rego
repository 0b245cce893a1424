package dualtrack.rules.dt_nsp_001_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_nsp_001

inside(namespace) := fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": namespace}})

test_pass_created if count(dt_nsp_001.findings) == 0 with input as inside("shop") with data.context as fx.facts

test_pass_given if {
	every namespace in ["default", "kube-system", "kube-public", "kube-node-lease"] {
		count(dt_nsp_001.findings) == 0 with input as inside(namespace) with data.context as fx.facts
	}
}

test_pass_cluster_scoped if count(dt_nsp_001.findings) == 0 with input as fx.of({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}) with data.context as fx.facts

test_fail_unknown if {
	found := dt_nsp_001.findings with input as inside("shpo") with data.context as fx.facts
	{[f.pointer, f.message, f.result] | some f in found} == {["/metadata/namespace", `nothing creates namespace "shpo"`, "finding"]}
}

test_unknown_partial if {
	found := dt_nsp_001.findings with input as inside("shpo") with data.context as fx.and_facts({"partial": true})
	fx.results(found) == {"unknown"}
}
