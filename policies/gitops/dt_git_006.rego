package dualtrack.rules.dt_git_006

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-GIT-006",
	"title": "Order that never comes about",
	"severity": "error",
	"profile": "fleet",
	"why": "An object whose kind a release of the same unit brings fails the dry run, and then nothing is applied, the release neither; a dependency that is missing, of the other kind or in a ring waits for ever.",
	"mend": "put what needs the definitions into a unit of its own that depends on the release",
	"refs": [],
	# Charts, with the API groups whose definitions they bring.
	"params": {"charts": {
		"cert-manager": ["cert-manager.io", "acme.cert-manager.io"],
		"external-secrets": ["external-secrets.io"],
		"flink-kubernetes-operator": ["flink.apache.org"],
		"gatekeeper": ["templates.gatekeeper.sh", "constraints.gatekeeper.sh"],
		"istio-base": ["networking.istio.io", "security.istio.io", "telemetry.istio.io"],
		"keda": ["keda.sh"],
		"kube-prometheus-stack": ["monitoring.coreos.com"],
		"kyverno": ["kyverno.io"],
		"opentelemetry-operator": ["opentelemetry.io"],
		"prometheus-operator-crds": ["monitoring.coreos.com"],
		"strimzi-kafka-operator": ["kafka.strimzi.io"],
		"velero": ["velero.io"],
	}},
}

other := {"HelmRelease": "Kustomization", "Kustomization": "HelmRelease"}

known(kind) := object.get(data.context.reconcilers, kind, {})

self := concat("/", [input.namespace, input.name])

needs := [{"pointer": obj.pointer("/spec/dependsOn", [i]), "key": key, "bare": bare} |
	input.kind in {"HelmRelease", "Kustomization"}
	gitops.flux
	some i, entry in obj.items(gitops.spec, "dependsOn")
	bare := obj.text(entry.name)
	key := concat("/", [object.get(entry, "namespace", input.namespace), bare])
]

findings contains {
	"pointer": need.pointer,
	"message": sprintf("%s %q is a %s, and a %s waits only for its own kind", [other[input.kind], need.bare, other[input.kind], input.kind]),
	"mend": "depend on the unit that holds it",
} if {
	input.kind in {"HelmRelease", "Kustomization"}
	some need in needs
	not known(input.kind)[need.key]
	known(other[input.kind])[need.key]
}

findings contains {
	"pointer": need.pointer,
	"message": sprintf("there is no %s %q, so this one waits for ever", [input.kind, need.key]),
	"mend": "name one that there is",
	"result": outcome,
} if {
	input.kind in {"HelmRelease", "Kustomization"}
	some need in needs
	not known(input.kind)[need.key]
	not known(other[input.kind])[need.key]
}

outcome := "unknown" if data.context.partial

outcome := "finding" if not data.context.partial

edges := {key: entry.needs | some key, entry in known(input.kind)}

findings contains {
	"pointer": need.pointer,
	"message": sprintf("%q waits for this one too, so neither is ever applied", [need.key]),
	"mend": "break the ring",
} if {
	input.kind in {"HelmRelease", "Kustomization"}
	some need in needs
	self in graph.reachable(edges, {need.key})
}

# Ready then means applied, not that anything works.
findings contains {
	"pointer": need.pointer,
	"severity": "info",
	"message": sprintf("%q neither waits nor checks health: it is called ready as soon as it is applied", [need.key]),
	"mend": "set wait: true there",
} if {
	input.kind == "Kustomization"
	some need in needs
	known("Kustomization")[need.key].waits == false
}

findings contains {
	"pointer": "/spec/chart/spec/chart",
	"message": sprintf("chart %q brings the kinds of %s, and objects of that group stand in the same unit", [chart, group]),
} if {
	input.kind == "HelmRelease"
	gitops.flux
	chart := gitops.spec.chart.spec.chart
	some group in params.of(meta).charts[chart]
	not data.context.crdGroups[group]
	known("HelmRelease")[self].component in data.context.customGroups[group]
}
