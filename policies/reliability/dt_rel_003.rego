package dualtrack.rules.dt_rel_003

import data.dualtrack.params
import data.dualtrack.pod
import data.dualtrack.workload

meta := {
	"id": "DT-REL-003",
	"title": "One replica",
	"severity": "warning",
	"profile": "fleet",
	"why": "While its node is drained, or fails, a single pod serves nobody.",
	"mend": "run two or more; where only one can work at a time, list the workload in this rule's allow",
	"refs": [],
	# How many pods are wanted, and which workloads may have fewer: "namespace/name",
	# with * for a part of a name.
	"params": {"min": 2, "allow": []},
}

tuned := params.of(meta)

# Nothing at all is a workload that is switched off. On a cluster of one node a
# second pod serves nobody either while that node is away.
findings contains {
	"pointer": "/spec/replicas",
	"message": sprintf("it keeps %v, and %v are wanted", [pods(n), tuned.min]),
} if {
	own := workload.own
	n := workload.replicas(own)
	n < tuned.min
	not off(n)
	not alone
	not allowed
}

allowed if {
	some pattern in tuned.allow
	glob.match(pattern, ["/"], pod.named)
}

off(n) if {
	n == 0
	count(workload.scalers(workload.own)) == 0
}

pods(n) := "1 pod" if n == 1

pods(n) := sprintf("%v pods", [n]) if n != 1

alone if data.context.cluster.nodes == 1
