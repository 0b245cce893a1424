package dualtrack.fleet.dt_flt_004

import data.dualtrack.params

meta := {
	"id": "DT-FLT-004",
	"title": "Clusters that drift apart, or lack what all must have",
	"severity": "warning",
	"profile": "fleet",
	"why": "What is missing on one cluster, or two versions behind there, is found in an incident.",
	"mend": "let every cluster run the components that the fleet demands, in versions no more than a minor apart, with values of its own",
	"refs": ["PCI DSS 2.2"],
	"params": {"spread": 1, "mandatory": []},
}

findings contains {
	"pointer": "/spec/policy/params",
	"message": sprintf("cluster %s runs no %s, which the fleet demands of all", [cluster, component]),
	"mend": sprintf("add component %s to clusters/%s/cluster.yaml", [component, cluster]),
} if {
	some cluster, components in input.fleet.components
	some component in params.of(meta).mandatory
	not component in components
}

findings contains {
	"pointer": "/spec/waves",
	"message": sprintf("image %s runs in versions %d minors apart: %s on %s, %s on %s", [s.repository, s.minors, s.least, s.behind, s.most, s.on]),
} if {
	some s in input.fleet.spreads
	s.minors > params.of(meta).spread
}

findings contains {"pointer": q.pointer, "message": q.why, "mend": "write the value that this fleet has"} if {
	some q in input.change.effects
	q.effect == "placeholder"
}
