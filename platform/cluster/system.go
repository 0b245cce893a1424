package cluster

// FieldManager owns every field that Dualtrack writes, for ever: another name
// would leave the old fields behind on every cluster.
const FieldManager = "dualtrack"

// SystemNamespace holds Dualtrack's own records in a cluster.
const SystemNamespace = "dualtrack-system"

// SystemNamespaceObject is the namespace as Dualtrack applies it.
func SystemNamespaceObject() map[string]any {
	return map[string]any{
		"apiVersion": "v1", "kind": "Namespace",
		"metadata": map[string]any{
			"name": SystemNamespace,
			"labels": map[string]any{
				"app.kubernetes.io/managed-by":       FieldManager,
				"pod-security.kubernetes.io/enforce": "restricted",
			},
		},
	}
}
