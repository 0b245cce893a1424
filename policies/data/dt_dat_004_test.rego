package dualtrack.rules.dt_dat_004_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_dat_004

claim := fx.of({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": object.union(fx.meta, {"labels": {"app": "db"}}), "spec": {}})

stateful(claims) := fx.of({
	"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": fx.meta,
	"spec": {"template": {"metadata": {"labels": {"app": "db"}}}, "volumeClaimTemplates": claims},
})

found(doc, facts) := {object.get(f, "result", "finding") | some f in findings; f.pointer == "/metadata/name"} if {
	findings := dt_dat_004.findings with input as doc with data.context as fx.and_facts(object.union({"cluster": {"production": true}}, facts))
}

# by is the verdict on a claim with one schedule.
by(template) := found(claim, {"backups": {"velero/a": {"schedule": "0 1 * * *", "template": template}}})

test_pass_taken if {
	by({}) == set()
	by({"includedNamespaces": ["shop"]}) == set()
	by({"includedNamespaces": ["sh*"], "includedResources": ["persistentvolumeclaims"]}) == set()
	by({"labelSelector": {"matchLabels": {"app": "db"}}}) == set()
	by({"orLabelSelectors": [{"matchLabels": {"app": "x"}}, {"matchExpressions": [{"key": "app", "operator": "Exists"}]}]}) == set()
	by({"snapshotVolumes": false, "defaultVolumesToFsBackup": true}) == set()
}

test_fail_not_taken if {
	found(claim, {}) == {"finding"}
	by({"includedNamespaces": ["other"]}) == {"finding"}
	by({"excludedNamespaces": ["shop"]}) == {"finding"}
	by({"labelSelector": {"matchLabels": {"app": "web"}}}) == {"finding"}
	by({"includedResources": ["deployments"]}) == {"finding"}
	by({"excludedResources": ["persistentvolumeclaims"]}) == {"finding"}
	by({"snapshotVolumes": false}) == {"finding"}
	found(claim, {"backups": {"velero/a": {"paused": true, "template": {}}}}) == {"finding"}
}

test_unknown_partial if found(claim, {"partial": true}) == {"unknown"}

test_pass_not_production if {
	findings := dt_dat_004.findings with input as claim with data.context as fx.facts
	findings == set()
}

test_pass_snapshots if {
	found(claim, {"snapshots": {"shop": [null]}}) == set()
	found(claim, {"snapshots": {"shop": [{"matchLabels": {"app": "db"}}]}}) == set()
}

test_fail_snapshots if found(claim, {"snapshots": {"shop": [{"matchLabels": {"app": "web"}}], "x": [null]}}) == {"finding"}

test_pass_stateful if {
	found(stateful([]), {}) == set()
	found(stateful([{"metadata": {"name": "data"}}]), {"backups": {"v/a": {"template": {"labelSelector": {"matchLabels": {"app": "db"}}}}}}) == set()
	found(stateful([{"metadata": {"name": "data", "labels": {"keep": "yes"}}}]), {"backups": {"v/a": {"template": {"labelSelector": {"matchLabels": {"keep": "yes"}}}}}}) == set()
	found(fx.of({"apiVersion": "x.example/v1", "kind": "StatefulSet", "spec": {}}), {}) == set()
}

test_fail_stateful if found(stateful([{"metadata": {"name": "data"}}]), {}) == {"finding"}

schedule(spec) := {f.pointer | some f in findings} if {
	findings := dt_dat_004.findings with input as fx.of({"apiVersion": "velero.io/v1", "kind": "Schedule", "metadata": fx.meta, "spec": spec}) with data.context as fx.facts
}

test_pass_schedule if {
	schedule({"template": {}}) == set()
	schedule({"template": {"ttl": "720h0m0s"}}) == set()
	schedule({"template": {"ttl": "odd"}}) == set()
}

test_fail_ttl if schedule({"template": {"ttl": "72h0m0s"}}) == {"/spec/template/ttl"}

test_fail_paused if schedule({"template": {}, "paused": true}) == {"/spec/paused"}
