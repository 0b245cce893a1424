package dualtrack.rules.dt_obs_005_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_obs_005

facts := fx.and_facts({
	"namespaces": {"shop": {"labels": {}}, "ops": {"labels": {}}},
	"endpoints": {"ops": [{"name": "collector", "labels": {}, "selector": {}, "ports": []}]},
})

found(doc) := said(doc, facts)

said(doc, context) := {f.pointer | some f in findings} if {
	findings := dt_obs_005.findings with input as doc with data.context as context
}

config(text) := found(fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta, "data": {"a.yaml": text, "n": 5}}))

test_pass_config if {
	config("endpoint: collector.ops.svc:4317") == set()
	config("endpoint: http://pod-0.collector.ops.svc.cluster.local:4317/v1") == set()
	config("# once collector-old.ops.svc:4317\n  // x.ops.svc\n") == set()
	config("endpoint: x.elsewhere.svc:4317") == set()
	config("a file.svcs, collector-x.ops.svcs") == set()
	config("nothing") == set()
}

test_fail_config if {
	config("endpoint: collectr.ops.svc:4317") == {"/data/a.yaml"}
	config("a: collector.ops.svc:1\nb: web.shop.svc.cluster.local:80") == {"/data/a.yaml"}
	config("targets: [pod-0.x.ops.svc:1]") == {"/data/a.yaml"}
}

container(c) := found(fx.deployment({"template": {"spec": {"containers": [object.union({"name": "a"}, c)]}}}))

test_pass_container if {
	container({"args": ["--to=collector.ops.svc:4317", 5]}) == set()
	container({"env": [{"name": "A", "value": "collector.ops.svc"}, {"name": "B", "valueFrom": {}}]}) == set()
}

test_fail_container if {
	container({"args": ["x", "--to=gone.ops.svc:4317"]}) == {"/spec/template/spec/containers/0/args/1"}
	container({"env": [{"name": "A", "value": "gone.ops.svc"}]}) == {"/spec/template/spec/containers/0/env/0/value"}
}

test_unknown_partial if {
	findings := dt_obs_005.findings with input as fx.of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": fx.meta, "data": {"a": "gone.ops.svc"}}) with data.context as object.union(facts, {"partial": true})
	fx.results(findings) == {"unknown"}
}

judged(doc) := findings if {
	findings := dt_obs_005.findings with input as doc with data.context as facts
}

document(version, kind, more) := fx.of(object.union({"apiVersion": version, "kind": kind, "metadata": fx.meta}, more))

test_fail_config_whole if judged(document("v1", "ConfigMap", {"data": {"a/b": "collectr.ops.svc:4317"}})) == {{
	"pointer": "/data/a~1b",
	"message": "it names collectr.ops.svc, and the bundle has no such Service",
	"result": "finding",
}}

test_fail_line_after_a_comment if config("# the collector\nendpoint: collectr.ops.svc:4317") == {"/data/a.yaml"}

test_pass_other_data if {
	data_of_it := {"data": {"a": "gone.ops.svc"}}
	judged(document("v1", "Secret", data_of_it)) == set()
	judged(document("x.example/v1", "ConfigMap", data_of_it)) == set()
}

speaking := {"template": {"spec": {"containers": [{"name": "a", "command": ["x", "gone.ops.svc"]}]}}}

said_by(prefix) := {{
	"pointer": sprintf("%s/template/spec/containers/0/command/1", [prefix]),
	"container": "a",
	"message": `container "a" names gone.ops.svc, and the bundle has no such Service`,
	"result": "finding",
}}

test_fail_each_kind if {
	every kind, version in {"DaemonSet": "apps/v1", "Deployment": "apps/v1", "Job": "batch/v1", "StatefulSet": "apps/v1"} {
		judged(document(version, kind, {"spec": speaking})) == said_by("/spec")
	}
	judged(document("batch/v1", "CronJob", {"spec": {"jobTemplate": {"spec": speaking}}})) == said_by("/spec/jobTemplate/spec")
}

test_pass_other_kind if judged(document("apps/v1", "ReplicaSet", {"spec": speaking})) == set()

test_pass_odd_value if container({"env": [{"name": "A", "value": 5}]}) == set()
