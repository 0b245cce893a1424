package dualtrack.rules.dt_rel_006

import data.dualtrack.object as obj
import data.dualtrack.params
import data.dualtrack.pod
import data.dualtrack.selector
import data.dualtrack.workload

meta := {
	"id": "DT-REL-006",
	"title": "Pods not spread",
	"severity": "warning",
	"profile": "fleet",
	"why": "Two pods on one node fail together; the scheduler puts them apart only if it is told to, or has nothing better to do.",
	"mend": "add a topology spread constraint over kubernetes.io/hostname or topology.kubernetes.io/zone that selects the pods themselves",
	"refs": [],
	# How many pods a workload has that are spread, over what, and whether the
	# scheduler's own constraints do it for every pod.
	"params": {
		"min": 2,
		"keys": ["kubernetes.io/hostname", "topology.kubernetes.io/zone"],
		"clusterDefault": false,
	},
}

tuned := params.of(meta)

findings contains object.union(
	{
		"pointer": concat("", [pod.pointer, "/topologySpreadConstraints"]),
		"message": sprintf("nothing keeps its %v pods from one node", [n]),
	},
	mechanical,
) if {
	own := workload.own
	n := workload.replicas(own)
	n >= tuned.min
	pod.spec
	not tuned.clusterDefault
	not spread
}

# Either is enough, if it speaks of these very pods.
spread if {
	some constraint in obj.items(pod.spec, "topologySpreadConstraints")
	usable(constraint)
}

spread if {
	anti := obj.member(pod.spec, ["affinity", "podAntiAffinity"])
	some term in array.concat(
		obj.items(anti, "requiredDuringSchedulingIgnoredDuringExecution"),
		[obj.member(preferred, "podAffinityTerm") | some preferred in obj.items(anti, "preferredDuringSchedulingIgnoredDuringExecution")],
	)
	usable(term)
}

usable(term) if {
	term.topologyKey in tuned.keys
	selector.matches(term.labelSelector, pod.labels)
}

constraint := {
	"labelSelector": input.object.spec.selector,
	"maxSkew": 1,
	"topologyKey": tuned.keys[0],
	"whenUnsatisfiable": "ScheduleAnyway",
}

# mechanical is the patch, where the workload's own selector can be taken.
mechanical := {"patch": patch} if {
	selector.matches(input.object.spec.selector, pod.labels)
	not selector.empty(input.object.spec.selector)
	patch := adding
} else := {}

adding := [{"op": "add", "path": concat("", [pod.pointer, "/topologySpreadConstraints/-"]), "value": constraint}] if {
	is_array(pod.spec.topologySpreadConstraints)
} else := [{"op": "add", "path": concat("", [pod.pointer, "/topologySpreadConstraints"]), "value": [constraint]}]
