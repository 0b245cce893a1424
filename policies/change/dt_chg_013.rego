package dualtrack.change.dt_chg_013

meta := {
	"id": "DT-CHG-013",
	"title": "Change that running pods don't take up",
	"severity": "info",
	"profile": "fleet",
	"why": "What is merged and applied is then not what runs, until a restart for some other reason makes it so.",
	"mend": "let the name or an annotation of the pod template follow the content, as generators of kustomize and checksums in charts do; or restart it by hand",
	"refs": [],
}

findings contains {"pointer": q.pointer, "message": q.why, "severity": q.level} if {
	some q in input.change.effects
	q.effect == "not taken up"
}
