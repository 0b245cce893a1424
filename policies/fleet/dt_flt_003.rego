package dualtrack.fleet.dt_flt_003

import data.dualtrack.params

meta := {
	"id": "DT-FLT-003",
	"title": "Control planes of several clusters at once",
	"severity": "warning",
	"profile": "fleet",
	"why": "What breaks a control plane breaks the means to mend it; on one cluster that is an incident, on all it is the end of the fleet.",
	"mend": "split the change: one cluster first, the others after it has held",
	"refs": [],
	"params": {"max": 1},
}

touched := [c | some c in input.fleet.changed; count(c.controlPlane) > 0]

grave if {
	some c in touched
	some q in c.controlPlane
	q.level == "error"
}

level := "error" if grave

level := "warning" if not grave

findings contains {
	"pointer": "/spec/waves",
	"message": sprintf("etcd, API servers, kubelets or the network of %d clusters: %s", [count(touched), concat(", ", [c.name | some c in touched])]),
	"severity": level,
} if {
	count(touched) > params.of(meta).max
}
