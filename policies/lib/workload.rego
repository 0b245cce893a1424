# How many pods a workload keeps, and which budgets cover them.
package dualtrack.workload

import data.dualtrack.object as obj
import data.dualtrack.selector

# scaled are the kinds that keep a number of pods alike.
scaled := {
	"/ReplicationController",
	"apps/Deployment",
	"apps/ReplicaSet",
	"apps/StatefulSet",
	"argoproj.io/Rollout",
}

# own is the object if it keeps a number of pods: what replicas and scalers ask for.
own := {
	"kind": input.kind,
	"name": input.name,
	"replicas": declared,
} if {
	obj.key in scaled
}

declared := n if {
	n := object.get(input.object, ["spec", "replicas"], null)
	n != null
} else := 1

# replicas are the pods that a workload keeps at least: what its autoscaler may
# scale it down to, else its own number.
replicas(w) := n if {
	count(scalers(w)) == 0
	n := w.replicas
	is_number(n)
}

# Of no autoscaler there is no least.
replicas(w) := min([least(s) | some s in scalers(w)])

scalers(w) := object.get(data.context.scalers, [input.namespace, concat("/", [w.kind, w.name])], [])

least(scaler) := scaler.min if is_number(scaler.min)

least(scaler) := 1 if {
	not is_number(scaler.min)
	scaler.kind == "HorizontalPodAutoscaler"
}

# KEDA scales to nothing unless it is told not to.
least(scaler) := 0 if {
	not is_number(scaler.min)
	scaler.kind == "ScaledObject"
}

# covers says that a budget's selector covers pods of these labels. In policy/v1
# an empty selector covers every pod, before that none.
covers(s, "policy/v1", labels) if selector.matches(s, labels)

covers(s, _, labels) if {
	not selector.empty(s)
	selector.matches(s, labels)
}
