package dualtrack.drift.dt_drf_001

import data.dualtrack.injector
import data.dualtrack.manager
import data.dualtrack.scaling

meta := {
	"id": "DT-DRF-001",
	"title": "Field of Git edited on the cluster",
	"severity": "error",
	"profile": "fleet",
	"why": "What Git does not know about is not reviewed, not on the other clusters, and gone at the next sync.",
	"mend": "commit the change, or let `platform repair` put Git's value back",
	"refs": ["PCI DSS 11.5", "PCI DSS 10.2"],
}

findings contains {"pointer": field.pointer, "message": sprintf("it differs from Git and %s", [who(field)]), "severity": severity(field)} if {
	some field in input.drift.fields
	not field.manager in manager.reconcilers
	not scaling.scaled(field)
	not injector.wrote(field)
}

who(field) := "nobody knows who wrote it last" if field.manager == ""

who(field) := sprintf("was edited by hand with %q", [field.manager]) if manager.human(field.manager)

who(field) := sprintf("was written last by %q", [field.manager]) if {
	field.manager != ""
	not manager.human(field.manager)
}

severity(field) := "warning" if field.manager in manager.controllers

severity(field) := "error" if not field.manager in manager.controllers
