# What the tests share: inputs as the engine makes them.
package dualtrack.fixture

of(o) := {
	"object": o,
	"nested": [],
	"collectors": [],
	"listed": false,
	"group": group(object.get(o, "apiVersion", "")),
	"kind": object.get(o, "kind", ""),
	"namespace": object.get(o, ["metadata", "namespace"], ""),
	"name": object.get(o, ["metadata", "name"], ""),
}

group(version) := split(version, "/")[0] if contains(version, "/")

group(version) := "" if not contains(version, "/")

meta := {"name": "a", "namespace": "shop"}

pod(spec) := of({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec})

container(c) := pod({"containers": [object.union({"name": "a"}, c)]})

secured(context) := container({"securityContext": context})

deployment(spec) := of({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})

silences(list) := of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Silences", "metadata": {"name": "a"}, "spec": {"silences": list}})

facts := {
	"now": 0,
	"cluster": {"name": "edge-1", "role": "edge", "realNodes": false, "minor": 99, "production": false},
	"severity": {},
	"params": {},
	"registries": ["registry.example/shop"],
	"partial": false,
	"namespaces": {"shop": {"labels": {}}},
	"workloads": {},
	"scalers": {},
	"budgets": {},
	"netpols": {},
	"clusterNetpols": [],
	"clusterRoles": {},
	"limits": {},
	"nodeClasses": {},
	"apis": {},
}

and_facts(more) := object.union(facts, more)

pointers(findings) := {f.pointer | some f in findings}

results(findings) := {object.get(f, "result", "finding") | some f in findings}

change(action, effects) := {
	"group": "apps",
	"kind": "Deployment",
	"namespace": "shop",
	"name": "a",
	"change": {"action": action, "component": "shop", "from": "", "effects": effects},
}

fleet(more) := {"group": "platform.dualtrack.internal", "kind": "Fleet", "namespace": "", "name": "reference", "fleet": object.union(quiet, more)}

quiet := {
	"waves": [{"name": "canary", "soak": "30m0s", "clusters": []}, {"name": "west", "soak": "15m0s", "clusters": []}, {"name": "east", "soak": "15m0s", "clusters": []}],
	"changed": [],
	"freezes": [],
	"exceptions": [],
	"spreads": [],
	"components": {},
}
