package flux

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/ssa/normalize"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// normal is the object as kustomize-controller would send it: a Secret's
// stringData as data, and no status but a CRD's.
func normal(o render.Object) *unstructured.Unstructured {
	u := o.DeepCopy()
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	if u.GetKind() != "CustomResourceDefinition" {
		unstructured.RemoveNestedField(u.Object, "status")
	}
	plain, ok := u.Object["stringData"].(map[string]any)
	if !ok || u.GetKind() != "Secret" || u.GetAPIVersion() != "v1" {
		return u
	}
	data, _ := u.Object["data"].(map[string]any)
	if data == nil {
		data = map[string]any{}
	}
	for k, v := range plain {
		if s, ok := v.(string); ok {
			data[k] = base64.StdEncoding.EncodeToString([]byte(s))
		}
	}
	u.Object["data"] = data
	delete(u.Object, "stringData")
	return u
}

// differs lists the fields that a reconciliation would change. Replicas that an
// autoscaler of the bundle sets are left to it.
func differs(dry, live *unstructured.Unstructured, in track.Input) ([]track.Field, error) {
	left, right := dry, live
	if _, scaled := in.ScaledBy(track.RefOf(live)); scaled {
		left, right = track.WithoutReplicas(dry), track.WithoutReplicas(live)
	}
	want, err := compared(left)
	if err != nil {
		return nil, err
	}
	have, err := compared(right)
	if err != nil {
		return nil, err
	}
	var fields []track.Field
	if !apiequality.Semantic.DeepEqual(want, have) {
		fields = track.Compare(want, have)
	}
	for _, f := range takenOver(dry, live) {
		known := func(other track.Field) bool {
			return f.Pointer == other.Pointer || strings.HasPrefix(f.Pointer, other.Pointer+"/")
		}
		if !slices.ContainsFunc(fields, known) {
			fields = append(fields, f)
		}
	}
	slices.SortStableFunc(fields, func(a, b track.Field) int { return strings.Compare(a.Pointer, b.Pointer) })
	return track.Explain(fields, live), nil
}

// compared is what Flux looks at: labels, annotations, and everything but
// metadata and status.
func compared(u *unstructured.Unstructured) (map[string]any, error) {
	u = u.DeepCopy()
	metadata := map[string]any{}
	for _, key := range []string{"labels", "annotations"} {
		m, _, _ := unstructured.NestedMap(u.Object, "metadata", key)
		if m == nil {
			m = map[string]any{}
		}
		metadata[key] = m
	}
	delete(u.Object, "metadata")
	delete(u.Object, "status")
	if err := normalize.DryRunUnstructured(u); err != nil {
		return nil, err
	}
	delete(u.Object, "metadata") // the normalisation may bring them back, empty
	delete(u.Object, "status")
	u.Object["metadata"] = metadata
	return u.Object, nil
}

// takenOver lists the fields that Flux removes because it takes over what
// kubectl and client-side apply wrote, subresources excepted: they are in live
// and nobody else owns them. A dry run alone does not show them.
func takenOver(dry, live *unstructured.Unstructured) []track.Field {
	taken, others := &fieldpath.Set{}, &fieldpath.Set{}
	for _, e := range live.GetManagedFields() {
		switch {
		case e.Manager == apply.FieldManager && e.Operation == metav1.ManagedFieldsOperationApply:
		case flushed(e):
			taken = taken.Union(setOf(e))
		default:
			others = others.Union(setOf(e))
		}
	}
	if taken.Empty() {
		return nil
	}
	for _, e := range dry.GetManagedFields() {
		if e.Manager == apply.FieldManager && e.Operation == metav1.ManagedFieldsOperationApply {
			others = others.Union(setOf(e))
		}
	}
	var out []track.Field
	taken.Iterate(func(p fieldpath.Path) {
		pointer, value, ok := locate(live.Object, p)
		if !ok || others.Has(p) || below(others, p) || !flushable(pointer) {
			return
		}
		inside := func(f track.Field) bool { return strings.HasPrefix(pointer, f.Pointer+"/") }
		if !slices.ContainsFunc(out, inside) {
			out = append(out, track.Field{Pointer: pointer, Have: value})
		}
	})
	return out
}

// flushed says that Flux takes the entry's fields over.
func flushed(e metav1.ManagedFieldsEntry) bool {
	if e.Subresource != "" {
		return false
	}
	return strings.HasPrefix(e.Manager, "kubectl") ||
		strings.HasPrefix(e.Manager, "before-first-apply") && e.Operation == metav1.ManagedFieldsOperationUpdate
}

// flushable leaves out what no reconciliation touches.
func flushable(pointer string) bool {
	if strings.HasPrefix(pointer, "/metadata") {
		return strings.HasPrefix(pointer, "/metadata/labels/") || strings.HasPrefix(pointer, "/metadata/annotations/")
	}
	return pointer != "/status" && !strings.HasPrefix(pointer, "/status/")
}

func setOf(e metav1.ManagedFieldsEntry) *fieldpath.Set {
	set := &fieldpath.Set{}
	if e.FieldsV1 == nil || set.FromJSON(e.FieldsV1.GetRawReader()) != nil {
		return &fieldpath.Set{}
	}
	return set
}

// below says that the set owns something inside the path.
func below(set *fieldpath.Set, p fieldpath.Path) bool {
	for _, e := range p {
		set = set.WithPrefix(e)
	}
	return !set.Empty()
}
