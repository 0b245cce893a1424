package dualtrack.change.dt_chg_010

meta := {
	"id": "DT-CHG-010",
	"title": "Change in a freeze",
	"severity": "error",
	"profile": "fleet",
	"why": "In a freeze few people are there to mend what breaks.",
	"mend": "wait until it is over; what can't wait needs an exception for the kind Fleet, with owner, reason and expiry, on the base",
	"refs": ["PCI DSS 6.5"],
}

findings contains {
	"pointer": sprintf("/spec/freezes/%d", [index]),
	"message": sprintf("a freeze lasts until %s: %s", [freeze.until, freeze.reason]),
} if {
	some index, freeze in input.fleet.freezes
	data.context.now >= freeze.from
	data.context.now < freeze.to
	count(input.fleet.changed) > 0
}
