package dualtrack.drift.dt_drf_006

import data.dualtrack.params

meta := {
	"id": "DT-DRF-006",
	"title": "Weaker on the cluster than in Git",
	"severity": "error",
	"profile": "fleet",
	"why": "A change that a rule of security would refuse in Git was made where no rule was asked: by hand, or by a webhook.",
	"mend": "let `platform repair` put Git's form back, and find out who made the change and why",
	"refs": ["PCI DSS 11.5"],
	# How long a container for debugging may stay in a pod of production.
	"params": {"maxDebugHours": 4},
}

# weakened are the errors of rules of security that the live form has and the
# desired one has not; the engine judges both.
findings contains {
	"pointer": weak.pointer,
	"message": sprintf("%s (%s) holds for Git's form and is broken on the cluster", [weak.rule, weak.title]),
} if {
	some weak in input.drift.weakened
}

findings contains {
	"pointer": "/spec/ephemeralContainers",
	"message": sprintf("container %q for debugging has been there for more than %v hours", [debugger.name, params.of(meta).maxDebugHours]),
	"mend": "delete the pod: such a container cannot be taken out",
} if {
	input.drift.production
	some debugger in input.drift.live.debuggers
	is_number(debugger.since)
	input.drift.now - debugger.since > params.of(meta).maxDebugHours * 3600
}

findings contains {
	"pointer": "/spec/ephemeralContainers",
	"message": sprintf("how long container %q for debugging has been there is not known", [debugger.name]),
	"result": "unknown",
} if {
	input.drift.production
	some debugger in input.drift.live.debuggers
	debugger.since == null
}
