package dualtrack.drift.dt_drf_005

import data.dualtrack.manager
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-DRF-005",
	"title": "Ownership seized",
	"severity": "warning",
	"profile": "fleet",
	"why": "Who applies a field by force owns it: the next apply of Git's own reconciler fails or fights. Without managed fields nobody can say who owns what.",
	"mend": "let the reconciler apply the object again, and stop the other one",
	"refs": [],
	# Further managers that may apply what Git holds.
	"params": {"expected": []},
}

expected(name) if name in manager.reconcilers

expected(name) if name in params.of(meta).expected

both if {
	is_object(input.drift.desired)
	is_object(input.drift.live)
}

managers := obj.items(obj.member(input.drift.live, "metadata"), "managedFields")

findings contains {
	"pointer": field.pointer,
	"message": sprintf("%q has applied it and owns it now", [field.manager]),
} if {
	both
	some field in input.drift.fields
	field.operation == "Apply"
	field.manager != ""
	not expected(field.manager)
}

# Two that apply the same fields undo each other as soon as they disagree.
findings contains {
	"pointer": "",
	"message": sprintf("%s and %s both apply %d of its fields", [shared.managers[0], shared.managers[1], shared.fields]),
	"mend": "let one of them leave the fields out",
} if {
	both
	some shared in input.drift.live.shared
}

# Undecidable is no pass.
findings contains {
	"pointer": "/metadata/managedFields",
	"message": "who owns its fields was wiped from the object, so nobody can say who changed what",
	"result": "unknown",
} if {
	both
	count(managers) == 0
}

findings contains {
	"pointer": "/metadata/managedFields",
	"message": sprintf("no reconciler of Git's has applied it, and %q has", [appliers[0]]),
} if {
	both
	count([m | some m in managers; expected(m.manager)]) == 0
}

appliers := [m.manager |
	some m in managers
	m.operation == "Apply"
	object.get(m, "subresource", "") == ""
]
