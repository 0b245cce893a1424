# What the tests share: inputs as the engine makes them.
package dualtrack.fixture

of(o) := {
	"object": o,
	"nested": [],
	"collectors": [],
	"detections": [],
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

role(kind, rules) := of({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": role_meta[kind], "rules": rules})

role_meta := {"ClusterRole": {"name": "a"}, "Role": meta}

# flux and argo are objects of the reconcilers.
flux(kind, spec) := of({"apiVersion": concat("/", [flux_groups[kind], "v1"]), "kind": kind, "metadata": meta, "spec": spec})

flux_groups := {
	"Alert": "notification.toolkit.fluxcd.io",
	"Bucket": "source.toolkit.fluxcd.io",
	"GitRepository": "source.toolkit.fluxcd.io",
	"HelmChart": "source.toolkit.fluxcd.io",
	"HelmRelease": "helm.toolkit.fluxcd.io",
	"HelmRepository": "source.toolkit.fluxcd.io",
	"ImagePolicy": "image.toolkit.fluxcd.io",
	"ImageRepository": "image.toolkit.fluxcd.io",
	"ImageUpdateAutomation": "image.toolkit.fluxcd.io",
	"Kustomization": "kustomize.toolkit.fluxcd.io",
	"OCIRepository": "source.toolkit.fluxcd.io",
	"Receiver": "notification.toolkit.fluxcd.io",
}

argo(kind, spec) := of({"apiVersion": "argoproj.io/v1alpha1", "kind": kind, "metadata": meta, "spec": spec})

prometheus(kind, spec) := of({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": meta, "spec": spec})

kafka(kind, spec) := of({"apiVersion": "kafka.strimzi.io/v1beta2", "kind": kind, "metadata": meta, "spec": spec})

silences(list) := of({"apiVersion": "platform.dualtrack.internal/v1alpha1", "kind": "Silences", "metadata": {"name": "a"}, "spec": {"silences": list}})

facts := {
	"now": 0,
	"cluster": {"name": "edge-1", "role": "edge", "realNodes": false, "someReal": false, "minor": 99, "production": false},
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
	"serviceAccounts": {},
	"services": {},
	"names": {},
	"attest": null,
	"nodeClasses": {},
	"apis": {},
	"selectable": {},
	"endpoints": {},
	"routes": {},
	"redirects": {},
	"meshLabels": {},
	"peerAuth": {},
	"authz": {},
	"customGroups": {},
	"reconcilers": {},
	"projects": {},
	"crds": {},
	"crdGroups": {},
	"fluxFlags": {},
	"admins": {},
	"kafkas": {},
	"brokers": {},
	"topics": {},
	"backups": {},
	"snapshots": {},
	"dataClasses": {},
	"prometheuses": {},
	"alerts": {},
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
	"waves": [
		{"name": "canary", "soak": "30m0s", "seconds": 1800, "clusters": []},
		{"name": "west", "soak": "15m0s", "seconds": 900, "clusters": []},
		{"name": "east", "soak": "15m0s", "seconds": 900, "clusters": []},
	],
	"changed": [],
	"freezes": [],
	"exceptions": [],
	"spreads": [],
	"components": {},
	"bundles": {},
	"health": null,
}
