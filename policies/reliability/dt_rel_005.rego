package dualtrack.rules.dt_rel_005

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod
import data.dualtrack.workload

meta := {
	"id": "DT-REL-005",
	"title": "No disruption budget",
	"severity": "warning",
	"profile": "fleet",
	"why": "Without a budget a drain may evict all pods of a workload at once, however many there are.",
	"mend": "add a PodDisruptionBudget with maxUnavailable: 1 whose selector matches the labels of the pod template",
	"refs": [],
	# How many pods a workload has that wants one.
	"params": {"min": 2},
}

tuned := params.of(meta)

findings contains {
	"pointer": obj.pointer("", array.concat(pod.path, ["metadata", "labels"])),
	"message": sprintf("it keeps %v pods, and no PodDisruptionBudget of the namespace covers them", [n]),
	"result": result,
} if {
	own := workload.own
	n := workload.replicas(own)
	n >= tuned.min
	not covered
}

covered if {
	some budget in data.context.budgets[input.namespace]
	workload.covers(budget.selector, budget.version, pod.labels)
}

result := "unknown" if data.context.partial

result := "finding" if not data.context.partial
