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
