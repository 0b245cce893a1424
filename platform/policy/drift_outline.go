package policy

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// outline is the part of an object that the drift rules read. It holds no value
// that people wrote but names.
func outline(o *unstructured.Unstructured) map[string]any {
	out := map[string]any{"metadata": map[string]any{}, "shared": shared(o.GetManagedFields()), "debuggers": debuggers(o)}
	if meta, ok := o.Object["metadata"].(map[string]any); ok {
		managers := []any{}
		for _, m := range o.GetManagedFields() {
			managers = append(managers, map[string]any{"manager": m.Manager, "operation": string(m.Operation), "subresource": m.Subresource})
		}
		out["metadata"] = map[string]any{"ownerReferences": meta["ownerReferences"], "managedFields": managers}
	}
	if kind, ok := o.Object["type"].(string); ok {
		out["type"] = kind
	}
	return out
}

// shared names each two managers that apply the same fields, and how many.
// Fields that cannot be read are shared with nobody.
func shared(entries []metav1.ManagedFieldsEntry) []any {
	out := []any{}
	sets := make([]*fieldpath.Set, len(entries))
	for i, m := range entries {
		if m.Operation != metav1.ManagedFieldsOperationApply || m.Subresource != "" || m.FieldsV1 == nil {
			continue
		}
		set := &fieldpath.Set{}
		if set.FromJSON(m.FieldsV1.GetRawReader()) != nil {
			continue
		}
		leaves := set.Leaves()
		for j := range i {
			if sets[j] == nil || entries[j].Manager == m.Manager {
				continue
			}
			if both := sets[j].Intersection(leaves).Size(); both > 0 {
				out = append(out, map[string]any{"managers": []any{entries[j].Manager, m.Manager}, "fields": both})
			}
		}
		sets[i] = leaves
	}
	return out
}

// debuggers are the containers that were added to a pod to look into it, with
// the second they started in; nil is not known.
func debuggers(o *unstructured.Unstructured) []any {
	out := []any{}
	if o.GetKind() != "Pod" || o.GetAPIVersion() != "v1" {
		return out
	}
	since := map[string]any{}
	states, _, _ := unstructured.NestedSlice(o.Object, "status", "ephemeralContainerStatuses")
	for _, s := range states {
		state, _ := s.(map[string]any)
		name, _ := state["name"].(string)
		for _, how := range []string{"running", "terminated"} {
			text, _, _ := unstructured.NestedString(state, "state", how, "startedAt")
			if at, err := time.Parse(time.RFC3339, text); err == nil {
				since[name] = at.Unix()
			}
		}
	}
	list, _, _ := unstructured.NestedSlice(o.Object, "spec", "ephemeralContainers")
	for _, c := range list {
		container, _ := c.(map[string]any)
		name, _ := container["name"].(string)
		out = append(out, map[string]any{"name": name, "since": since[name]})
	}
	return out
}
