package dualtrack.rules.dt_nsp_001

meta := {
	"id": "DT-NSP-001",
	"title": "Namespace that nothing creates",
	"severity": "error",
	"profile": "fleet",
	"why": "The API server refuses an object whose namespace does not exist, and with it the whole stage.",
	"mend": "add the Namespace to a component of the cluster, or name one that exists",
	"refs": [],
}

# These exist in every cluster.
given := {"default", "kube-node-lease", "kube-public", "kube-system"}

findings contains {
	"pointer": "/metadata/namespace",
	"message": sprintf("nothing creates namespace %q", [input.namespace]),
	"result": result,
} if {
	input.namespace != ""
	not input.namespace in given
	not data.context.namespaces[input.namespace]
}

result := "unknown" if data.context.partial

result := "finding" if not data.context.partial
