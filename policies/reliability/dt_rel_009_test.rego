package dualtrack.rules.dt_rel_009_test

import data.dualtrack.fixture as fx
import data.dualtrack.rules.dt_rel_009

found(kind, metadata, spec, facts) := {f.pointer | some f in findings} if {
	findings := dt_rel_009.findings with data.context as facts with input as fx.of({"apiVersion": "batch/v1", "kind": kind, "metadata": object.union(fx.meta, metadata), "spec": spec})
}

job(metadata, spec) := found("Job", metadata, spec, fx.facts)

test_pass_job if job({}, {"backoffLimit": 0, "ttlSecondsAfterFinished": 0}) == set()

test_pass_deadline if job({}, {"activeDeadlineSeconds": 60, "ttlSecondsAfterFinished": 60}) == set()

test_fail_job if job({}, {}) == {"/spec/activeDeadlineSeconds", "/spec/ttlSecondsAfterFinished"}

test_fail_null if job({}, {"backoffLimit": null, "ttlSecondsAfterFinished": null}) == {"/spec/activeDeadlineSeconds", "/spec/ttlSecondsAfterFinished"}

test_pass_owned if {
	job({"ownerReferences": [{"kind": "CronJob"}]}, {}) == set()
	job({"annotations": {"helm.sh/hook": "pre-install"}}, {}) == set()
	job({"annotations": {"argocd.argoproj.io/hook": "PreSync"}}, {}) == set()
}

test_fail_not_owned if count(job({"ownerReferences": [], "annotations": {"a": "b"}}, {})) == 2

cron(spec) := found("CronJob", {}, spec, fx.facts)

good := {"concurrencyPolicy": "Forbid", "startingDeadlineSeconds": 60}

test_pass_cron if {
	cron(good) == set()
	cron(object.union(good, {"concurrencyPolicy": "Replace"})) == set()
}

test_fail_cron if {
	cron({}) == {"/spec/concurrencyPolicy", "/spec/startingDeadlineSeconds"}
	cron(object.union(good, {"concurrencyPolicy": "Allow"})) == {"/spec/concurrencyPolicy"}
}

production := fx.and_facts({"cluster": {"production": true}})

suspended := object.union(good, {"suspend": true})

test_fail_suspended if found("CronJob", {}, suspended, production) == {"/spec/suspend"}

test_pass_suspended_elsewhere if cron(suspended) == set()

test_pass_not_suspended if found("CronJob", {}, object.union(good, {"suspend": false}), production) == set()

test_fail_patch if {
	findings := dt_rel_009.findings with data.context as fx.facts with input as fx.of({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": fx.meta, "spec": {}})
	{f.patch[0].path | some f in findings} == {"/spec/concurrencyPolicy", "/spec/startingDeadlineSeconds"}
}
