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

whole(kind, spec) := findings if {
	findings := dt_rel_009.findings with data.context as production with input as fx.of({"apiVersion": "batch/v1", "kind": kind, "metadata": fx.meta, "spec": spec})
}

setting(path, value) := [{"op": "add", "path": path, "value": value}]

test_fail_job_whole if whole("Job", {}) == {
	{
		"pointer": "/spec/activeDeadlineSeconds",
		"message": "neither how long the job may run nor how often it may fail is said",
		"mend": "set activeDeadlineSeconds, or backoffLimit",
	},
	{
		"pointer": "/spec/ttlSecondsAfterFinished",
		"message": "nothing removes the job when it has finished",
		"patch": setting("/spec/ttlSecondsAfterFinished", 86400),
	},
}

test_fail_cron_whole if whole("CronJob", {"suspend": true}) == {
	{
		"pointer": "/spec/concurrencyPolicy",
		"message": "a run starts while the last one still works: concurrencyPolicy is Allow",
		"mend": "set it to Forbid, or to Replace",
		"patch": setting("/spec/concurrencyPolicy", "Forbid"),
	},
	{
		"pointer": "/spec/startingDeadlineSeconds",
		"message": "how late a run may start is not said",
		"patch": setting("/spec/startingDeadlineSeconds", 300),
	},
	{"pointer": "/spec/suspend", "message": "the schedule is suspended", "mend": "let it run, or remove it"},
}

test_fail_empty_policy if {
	every empty in ["", null] {
		cron(object.union(good, {"concurrencyPolicy": empty})) == {"/spec/concurrencyPolicy"}
	}
}

test_pass_not_suspended_unsaid if found("CronJob", {}, good, production) == set()

test_pass_suspended_job if found("Job", {}, {"backoffLimit": 0, "ttlSecondsAfterFinished": 0, "suspend": true}, production) == set()

test_pass_other_group if {
	every kind in ["CronJob", "Job"] {
		findings := dt_rel_009.findings with data.context as production with input as fx.of({"apiVersion": "x.example/v1", "kind": kind, "metadata": fx.meta, "spec": {"suspend": true}})
		findings == set()
	}
}
