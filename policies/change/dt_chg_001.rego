package dualtrack.change.dt_chg_001

import data.dualtrack.params

meta := {
	"id": "DT-CHG-001",
	"title": "Deletion that loses data",
	"severity": "error",
	"profile": "fleet",
	"why": "What goes with a claim, a namespace, a definition or a topic does not come back with a revert of the change.",
	"mend": "keep the object, or save what it holds and let its owner allow the deletion by an exception that is on the base before this change",
	"refs": ["PCI DSS 6.5"],
	"params": {"kinds": []},
}

findings contains {"pointer": "", "message": q.why} if {
	some q in input.change.effects
	q.effect == "loses data"
}

# A StatefulSet's claims outlive it, unless it says otherwise.
findings contains {"pointer": "", "message": q.why, "severity": "warning"} if {
	some q in input.change.effects
	q.effect == "stops"
	q.facts.kind == "StatefulSet"
}

findings contains {"pointer": "", "message": sprintf("a %s is deleted, which this fleet keeps", [input.kind])} if {
	input.change.action == "removed"
	input.kind in params.of(meta).kinds
}
