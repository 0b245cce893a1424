package dualtrack.rules.dt_rel_006_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rel_006

labels := {"app": "web", "tier": "front"}

judged(kind, replicas, more, facts) := findings if {
	spec := {"replicas": replicas, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": labels}, "spec": object.union({"containers": []}, more)}}
	findings := dt_rel_006.findings with input as fx.of({"apiVersion": "apps/v1", "kind": kind, "metadata": fx.meta, "spec": spec}) with data.context as facts
}

spread(more) if judged("Deployment", 2, more, fx.facts) == set()

over(key, selector) := {"topologyKey": key, "labelSelector": selector}

host := "kubernetes.io/hostname"

mine := {"matchLabels": {"app": "web"}}

others := {"matchLabels": {"app": "web", "tier": "back"}}

constraints(term) := {"topologySpreadConstraints": [term]}

required(term) := {"affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}}

preferred(term) := {"affinity": {"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]}}}

test_pass_constraint if {
	spread(constraints(over(host, mine)))
	spread(constraints(over("topology.kubernetes.io/zone", mine)))
}

test_pass_affinity if {
	spread(required(over(host, mine)))
	spread(preferred(over(host, mine)))
}

test_fail_nothing if count(judged("Deployment", 2, {}, fx.facts)) == 1

test_fail_other_pods if {
	not spread(constraints(over(host, others)))
	not spread(required(over(host, others)))
	not spread(preferred(over(host, others)))
}

# A constraint without a selector selects nothing.
test_fail_no_selector if {
	not spread(constraints({"topologyKey": host}))
	not spread(constraints(over(host, null)))
}

test_fail_other_key if not spread(constraints(over("kubernetes.io/os", mine)))

test_fail_odd if not spread({"topologySpreadConstraints": ["odd"], "affinity": 5})

test_fail_affinity_of_nodes if not spread({"affinity": {"nodeAffinity": {}, "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [over(host, mine)]}}})

test_pass_one if judged("Deployment", 1, {}, fx.facts) == set()

test_pass_daemon if judged("DaemonSet", 2, {}, fx.facts) == set()

test_fail_stateful if count(judged("StatefulSet", 2, {}, fx.facts)) == 1

with_params(set) := fx.and_facts({"params": {"DT-REL-006": set}})

test_pass_cluster_default if judged("Deployment", 2, {}, with_params({"clusterDefault": true})) == set()

test_pass_keys if judged("Deployment", 2, constraints(over("rack", mine)), with_params({"keys": ["rack"]})) == set()

path := "/spec/template/spec/topologySpreadConstraints"

added := {"labelSelector": mine, "maxSkew": 1, "topologyKey": host, "whenUnsatisfiable": "ScheduleAnyway"}

test_fail_patch if {
	{f.patch | some f in judged("Deployment", 2, {}, fx.facts)} == {[{"op": "add", "path": path, "value": [added]}]}
	{f.patch | some f in judged("Deployment", 2, {"topologySpreadConstraints": []}, fx.facts)} == {[{"op": "add", "path": sprintf("%s/-", [path]), "value": added}]}
}

test_pass_defaults if dt_rel_006.meta.params == {"min": 2, "keys": [host, "topology.kubernetes.io/zone"], "clusterDefault": false}

selecting(selector, spec) := findings if {
	o := fx.deployment({"replicas": 2, "selector": selector, "template": {"metadata": {"labels": labels}, "spec": spec}})
	findings := dt_rel_006.findings with input as o with data.context as fx.facts
}

# What has no pod spec is malformed.
test_pass_no_spec if selecting(mine, null) == set()

test_fail_no_patch if {
	every selector in [{"matchLabels": {"app": "b"}}, {}, null] {
		selecting(selector, {}) == {{"pointer": path, "message": "nothing keeps its 2 pods from one node"}}
	}
}
