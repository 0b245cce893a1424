package dualtrack.rules.dt_rel_004

import data.dualtrack.object as obj
import data.dualtrack.workload

meta := {
	"id": "DT-REL-004",
	"title": "Disruption budget that blocks a drain",
	"severity": "error",
	"profile": "fleet",
	"why": "A budget that never allows a disruption stops every node drain, and with it the upgrade of the cluster.",
	"mend": "allow a disruption: maxUnavailable: 1, with two replicas or more where the service must stay up",
	"refs": [],
}

spec := obj.member(input.object, "spec") if {
	input.kind == "PodDisruptionBudget"
	input.group == "policy"
}

# selected are the workloads whose pods the budget covers. Draining leaves the
# pods of a DaemonSet alone.
selected := [w |
	some w in data.context.workloads[input.namespace]
	w.kind != "DaemonSet"
	workload.covers(spec.selector, input.object.apiVersion, w.labels)
]

known := [n | some w in selected; n := workload.replicas(w)]

pods := sum(known) if {
	count(known) == count(selected)
	count(selected) > 0
}

idle if pods == 0

unavailable := object.get(spec, "maxUnavailable", null)

available := object.get(spec, "minAvailable", null)

percent(v) := to_number(trim_suffix(v, "%")) if {
	is_string(v)
	regex.match(`^[0-9]{1,9}%$`, v)
}

amount(v) if is_number(v)

amount(v) if percent(v) >= 0

# blocks holds why the budget allows no disruption.
blocks contains {"pointer": "/spec/maxUnavailable", "message": "maxUnavailable is 0: no pod may ever be evicted", "result": "finding"} if {
	input.kind == "PodDisruptionBudget"
	not idle
	nothing(unavailable)
}

blocks contains {"pointer": "/spec", "message": "neither minAvailable nor maxUnavailable is set, which allows no eviction at all", "result": "finding"} if {
	input.kind == "PodDisruptionBudget"
	not idle
	unavailable == null
	available == null
}

blocks contains {
	"pointer": "/spec/minAvailable",
	"message": sprintf("minAvailable %v of %d pods: none of them may ever be evicted", [available, pods]),
	"result": whole,
} if {
	input.kind == "PodDisruptionBudget"
	unavailable == null
	pods > 0
	all_of(available, pods)
}

nothing(v) if {
	is_number(v)
	v <= 0
}

nothing(v) if percent(v) == 0

all_of(v, n) if {
	is_number(v)
	v >= n
}

# The share is rounded up.
all_of(v, n) if n * percent(v) > (n - 1) * 100

whole := "unknown" if data.context.partial

whole := "finding" if not data.context.partial

findings contains object.union(block, {"patch": patch}) if {
	input.kind == "PodDisruptionBudget"
	some block in blocks
}

patch := [{"op": "add", "path": "/spec/maxUnavailable", "value": 1}] if available == null

patch := [{"op": "remove", "path": "/spec/minAvailable"}, {"op": "add", "path": "/spec/maxUnavailable", "value": 1}] if available != null

findings contains {
	"pointer": "/spec/minAvailable",
	"message": "the bundle does not say how many pods the budget covers",
	"mend": "let the selector match the labels of a workload's pod template",
	"result": "unknown",
} if {
	input.kind == "PodDisruptionBudget"
	unavailable == null
	amount(available)
	not pods
}

findings contains {"pointer": obj.pointer("/spec", [field]), "message": "it is neither a number nor a percentage", "result": "unknown"} if {
	input.kind == "PodDisruptionBudget"
	some field in ["maxUnavailable", "minAvailable"]
	value := object.get(spec, field, null)
	value != null
	not amount(value)
}

findings contains {
	"pointer": "/spec/selector",
	"message": sprintf("PodDisruptionBudget %q covers %s %q too: the API server refuses to evict a pod with two budgets", [other.name, w.kind, w.name]),
	"mend": "let one budget cover each pod",
} if {
	input.kind == "PodDisruptionBudget"
	some w in selected
	some other in data.context.budgets[input.namespace]
	other.name != input.name
	workload.covers(other.selector, other.version, w.labels)
}

findings contains {
	"pointer": "/spec/unhealthyPodEvictionPolicy",
	"severity": "info",
	"message": "pods that never become ready still count against the budget and can hold up a drain",
	"mend": "set unhealthyPodEvictionPolicy to AlwaysAllow",
	"patch": [{"op": "add", "path": "/spec/unhealthyPodEvictionPolicy", "value": "AlwaysAllow"}],
} if {
	input.kind == "PodDisruptionBudget"
	data.context.cluster.minor >= 27
	object.get(spec, "unhealthyPodEvictionPolicy", null) == null
}
