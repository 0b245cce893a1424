package dualtrack.rules.dt_git_008

import data.dualtrack.gitops
import data.dualtrack.object as obj
import data.dualtrack.params

meta := {
	"id": "DT-GIT-008",
	"title": "Definitions that a release never upgrades",
	"severity": "warning",
	"profile": "fleet",
	"why": "Helm installs a chart's crds folder once and never again: the operator is newer than its kinds, until a field is missing.",
	"mend": "set upgrade.crds: CreateReplace",
	"refs": [],
	# Charts with a crds folder. Others are not known to have one.
	"params": {
		"charts": ["base", "gatekeeper", "istio-base", "kube-prometheus-stack", "opentelemetry-operator", "prometheus-operator-crds", "strimzi-kafka-operator", "traefik", "velero"],
		"without": [],
	},
}

spec := gitops.spec if {
	input.kind == "HelmRelease"
	gitops.flux
}

chart := obj.text(spec.chart.spec.chart)

known := params.of(meta).charts

replaces if spec.upgrade.crds in {"Create", "CreateReplace"}

findings contains {
	"pointer": "/spec/upgrade/crds",
	"message": sprintf("chart %q has definitions, and an upgrade skips them", [chart]),
	"patch": obj.set_at(input.object, "", ["spec", "upgrade", "crds"], "CreateReplace"),
} if {
	input.kind == "HelmRelease"
	chart in known
	not replaces
}

findings contains {
	"pointer": "/spec/upgrade/crds",
	"message": sprintf("upgrades make new definitions of chart %q and leave the others as they were", [chart]),
	"patch": [{"op": "replace", "path": "/spec/upgrade/crds", "value": "CreateReplace"}],
} if {
	input.kind == "HelmRelease"
	chart in known
	spec.upgrade.crds == "Create"
}

self := concat("/", [input.namespace, input.name])

releases := data.context.reconcilers.HelmRelease

# One set of definitions, two releases that write it in turn.
findings contains {
	"pointer": "/spec/upgrade/crds",
	"message": sprintf("release %q replaces the definitions of chart %q too: the older of the two wins whenever it is upgraded", [other, chart]),
	"mend": "let one release write them, and set Skip in the other",
} if {
	input.kind == "HelmRelease"
	chart != ""
	spec.upgrade.crds == "CreateReplace"
	some other, release in releases
	other != self
	release.chart == chart
	release.crds == "CreateReplace"
}

# Said once a cluster: by the first release in order.
findings contains {
	"pointer": "/spec/upgrade/crds",
	"message": sprintf("whether their charts have definitions is not known for %d releases, this one first", [count(unsure)]),
	"mend": "set upgrade.crds, or name the charts in the parameters charts or without",
	"result": "unknown",
} if {
	input.kind == "HelmRelease"
	spec
	unsure[0] == self
}

# unsure are the releases that say nothing, of charts that are not known, in order.
unsure := [key |
	some key, release in releases
	release.crds == null
	not release.chart in known
	not release.chart in params.of(meta).without
]
