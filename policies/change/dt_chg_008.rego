package dualtrack.change.dt_chg_008

meta := {
	"id": "DT-CHG-008",
	"title": "Change that lets somebody do more",
	"severity": "warning",
	"profile": "fleet",
	"why": "Rights and paths are easily given along with something else, and seldom taken back. Rules that held on the base and fail on the head are shown as new by themselves.",
	"mend": "give it in a change of its own, to the subject and for the objects that need it",
	"refs": ["PCI DSS 6.5", "PCI DSS 7.2"],
}

findings contains {"pointer": q.pointer, "message": sprintf("opens %s", [q.why])} if {
	some q in input.change.effects
	q.effect == "opens"
}

findings contains {"pointer": q.pointer, "message": q.why} if {
	some q in input.change.effects
	q.effect in {"widens", "weakens"}
}

findings contains {"pointer": q.pointer, "message": q.why, "result": "unknown", "mend": "read the policy's own change"} if {
	some q in input.change.effects
	q.effect == "not computed"
}

findings contains {
	"pointer": sprintf("/spec/exceptions/%d", [index]),
	"message": sprintf("the change %s an exception from %s for %s, owner %s, until %s", [verb(x), x.rule, x.selected, x.owner, x.expires]),
	"mend": "let its owner merge it by itself, before what needs it",
} if {
	some index, x in input.fleet.exceptions
	not x.own
}

findings contains {
	"pointer": sprintf("/spec/exceptions/%d", [index]),
	"message": sprintf("the change %s an exception from %s for %s, and its owner %s is the author of the change", [verb(x), x.rule, x.selected, x.owner]),
	"mend": "name an owner who is not the author: fleet.yaml asks for it",
	"severity": "error",
} if {
	some index, x in input.fleet.exceptions
	x.own
}

verb(x) := "extends" if x.extends

verb(x) := "adds" if not x.extends
