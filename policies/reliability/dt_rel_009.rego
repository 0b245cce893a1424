package dualtrack.rules.dt_rel_009

import data.dualtrack.object as obj

meta := {
	"id": "DT-REL-009",
	"title": "Job without bounds",
	"severity": "info",
	"profile": "fleet",
	"why": "A job that has no deadline can hang for ever, finished ones stay until somebody deletes them, and runs of a schedule that overlap get into each other's way.",
	"mend": "set the field",
	"refs": [],
}

hooks := {"argocd.argoproj.io/hook", "helm.sh/hook"}

annotations := obj.member(obj.member(input.object, "metadata"), "annotations")

# A job of a schedule or of a hook is cleaned up by its owner.
owned if count(obj.items(input.object, ["metadata", "ownerReferences"])) > 0

owned if {
	some hook in hooks
	annotations[hook]
}

spec := obj.member(input.object, "spec")

findings contains {
	"pointer": "/spec/activeDeadlineSeconds",
	"message": "neither how long the job may run nor how often it may fail is said",
	"mend": "set activeDeadlineSeconds, or backoffLimit",
} if {
	input.kind == "Job"
	input.group == "batch"
	not owned
	object.get(spec, "activeDeadlineSeconds", null) == null
	object.get(spec, "backoffLimit", null) == null
}

findings contains {
	"pointer": "/spec/ttlSecondsAfterFinished",
	"message": "nothing removes the job when it has finished",
	"patch": obj.set_at(input.object, "", ["spec", "ttlSecondsAfterFinished"], 86400),
} if {
	input.kind == "Job"
	input.group == "batch"
	not owned
	object.get(spec, "ttlSecondsAfterFinished", null) == null
}

findings contains {
	"pointer": "/spec/concurrencyPolicy",
	"message": "a run starts while the last one still works: concurrencyPolicy is Allow",
	"mend": "set it to Forbid, or to Replace",
	"patch": obj.set_at(input.object, "", ["spec", "concurrencyPolicy"], "Forbid"),
} if {
	input.kind == "CronJob"
	input.group == "batch"
	object.get(spec, "concurrencyPolicy", null) in {null, "", "Allow"}
}

# Without it, more than a hundred missed runs stop the schedule for good.
findings contains {
	"pointer": "/spec/startingDeadlineSeconds",
	"message": "how late a run may start is not said",
	"patch": obj.set_at(input.object, "", ["spec", "startingDeadlineSeconds"], 300),
} if {
	input.kind == "CronJob"
	input.group == "batch"
	object.get(spec, "startingDeadlineSeconds", null) == null
}

findings contains {
	"pointer": "/spec/suspend",
	"message": "the schedule is suspended",
	"mend": "let it run, or remove it",
} if {
	input.kind == "CronJob"
	input.group == "batch"
	data.context.cluster.production
	object.get(spec, "suspend", false) == true
}
