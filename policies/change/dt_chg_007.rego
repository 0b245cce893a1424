package dualtrack.change.dt_chg_007

meta := {
	"id": "DT-CHG-007",
	"title": "Control plane, node or network agents start anew",
	"severity": "warning",
	"profile": "fleet",
	"why": "While etcd, an API server, a kubelet or the network's agent is away, nothing is scheduled, healed or connected by it.",
	"mend": "change one cluster first, within its maintenance window, and the others after it has held",
	"refs": ["PCI DSS 6.5", "NSA/CISA upgrading"],
}

findings contains {"pointer": q.pointer, "message": q.why, "severity": q.level} if {
	some q in input.change.effects
	q.effect in {"control plane", "recreates"}
}
