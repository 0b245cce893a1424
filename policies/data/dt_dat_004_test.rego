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
	every resource in ["*", "persistentvolumeclaims", "pods", "pvc"] {
		by({"includedNamespaces": ["other", "*"], "includedResources": ["deployments", resource]}) == set()
	}
	by({"labelSelector": {"matchLabels": {"app": "db"}}}) == set()
	by({"orLabelSelectors": [{"matchLabels": {"app": "x"}}, {"matchExpressions": [{"key": "app", "operator": "Exists"}]}]}) == set()
	by({"snapshotVolumes": false, "defaultVolumesToFsBackup": true}) == set()
}

test_fail_not_taken if {
	found(claim, {}) == {"finding"}
	every namespace in ["other", "sh", "ho*", "shops*", "x*", 5] {
		by({"includedNamespaces": [namespace]}) == {"finding"}
	}
	by({"excludedNamespaces": ["shop"]}) == {"finding"}
	by({"labelSelector": {"matchLabels": {"app": "web"}}}) == {"finding"}
	by({"orLabelSelectors": [{"matchLabels": {"app": "web"}}]}) == {"finding"}
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
}

# Only claims, and what has claims, keep data.
test_pass_no_claim if {
	templates := {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}
	every version in ["v1", "x.example/v1"] {
		found(fx.of({"apiVersion": version, "kind": "StatefulSet", "metadata": fx.meta, "spec": templates}), {}) == set()
	}
	every version in ["apps/v1", "x.example/v1"] {
		found(fx.of({"apiVersion": version, "kind": "PersistentVolumeClaim", "metadata": fx.meta, "spec": templates}), {}) == set()
	}
	found(fx.of({"apiVersion": "v1", "kind": "Pod", "metadata": fx.meta, "spec": templates}), {}) == set()
	found(fx.of({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": fx.meta, "spec": templates}), {}) == set()
}

test_fail_stateful if found(stateful([{"metadata": {"name": "data"}}]), {}) == {"finding"}

schedule(spec) := of_schedule("velero.io/v1", "Schedule", spec, fx.facts)

of_schedule(version, kind, spec, facts) := findings if {
	findings := dt_dat_004.findings with input as fx.of({"apiVersion": version, "kind": kind, "metadata": fx.meta, "spec": spec}) with data.context as facts
}

short(hours, days) := {
	"pointer": "/spec/template/ttl",
	"message": sprintf("backups are deleted after %d hours, which is less than %d days", [hours, days]),
	"mend": sprintf("set ttl: %dh0m0s", [24 * days]),
}

paused := {
	"pointer": "/spec/paused",
	"message": "the schedule is paused: nothing is backed up by it",
	"mend": "remove paused",
	"patch": [{"op": "remove", "path": "/spec/paused"}],
}

test_pass_schedule if {
	schedule({"template": {}}) == set()
	schedule({"template": {"ttl": "720h0m0s"}}) == set()
	schedule({"template": {"ttl": "336h"}, "paused": false}) == set()
	schedule({"template": {"ttl": "odd"}}) == set()
}

test_fail_ttl if {
	schedule({"template": {"ttl": "72h0m0s"}}) == {short(72, 14)}
	schedule({"template": {"ttl": "335h59m"}}) == {short(335, 14)}
}

# What says nothing is kept for 30 days.
test_fail_default_ttl if of_schedule("velero.io/v1", "Schedule", {"template": {}}, fx.and_facts({"params": {"DT-DAT-004": {"ttlDays": "31"}}})) == {short(720, 31)}

test_fail_paused if schedule({"template": {}, "paused": true}) == {paused}

test_pass_other_schedule if {
	odd := {"template": {"ttl": "1h"}, "paused": true}
	of_schedule("velero.io/v1", "Schedule", odd, fx.facts) == {short(1, 14), paused}
	of_schedule("velero.io/v1", "BackupStorageLocation", odd, fx.facts) == set()
	of_schedule("x.example/v1", "Schedule", odd, fx.facts) == set()
}
