package dualtrack.drift.dt_drf_003

import data.dualtrack.injector

meta := {
	"id": "DT-DRF-003",
	"title": "Written by a known injector",
	"severity": "info",
	"profile": "fleet",
	"why": "Some controllers fill in what Git cannot know: certificates of webhooks, addresses, revisions. They are known by kind, path and manager together, so that nobody else may write there.",
	"mend": "nothing has to be done; leaving the field out of Git ends the difference",
	"refs": [],
	# Further ones: {kind, path, manager}, kind as "group/Kind", path with * for one part of a pointer.
	"params": {"triples": []},
}

findings contains {
	"pointer": field.pointer,
	"message": sprintf("%q fills it in, as it is known to", [field.manager]),
} if {
	some field in input.drift.fields
	injector.wrote(field)
}
