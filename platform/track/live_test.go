package track

import (
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"

	"dualtrack.internal/platform/finding"
)

// TestUnused tells claims that wait for a pod from those that wait for a volume.
func TestUnused(t *testing.T) {
	t.Parallel()
	class := func(name, mode string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
			"metadata": map[string]any{"name": name}, "volumeBindingMode": mode}}
	}
	classes := schema.GroupVersionKind{Group: "storage.k8s.io", Version: "v1", Kind: "StorageClass"}
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(classes, meta.RESTScopeRoot)
	c := &Client{mapper: mapper, dynamic: fake.NewSimpleDynamicClient(runtime.NewScheme(), class("late", "WaitForFirstConsumer"), class("now", "Immediate"))}
	live := newLive()
	claim := func(name, class, phase string, annotations map[string]string) {
		u := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "PersistentVolumeClaim",
			"metadata": map[string]any{"name": name}, "spec": map[string]any{"storageClassName": class}, "status": map[string]any{"phase": phase}}}
		u.SetAnnotations(annotations)
		live.Objects[RefOf(u)] = u
	}
	claim("unused", "late", "Pending", nil)
	claim("scheduled", "late", "Pending", map[string]string{selectedNode: "box"})
	claim("bound", "late", "Bound", nil)
	claim("at-once", "now", "Pending", nil)
	claim("no-such-class", "none", "Pending", nil)
	claim("no-class", "", "Pending", nil)
	c.unused(t.Context(), live)
	names := func(all map[finding.Object]bool) (out []string) {
		for o := range maps.Keys(all) {
			out = append(out, o.Name)
		}
		slices.Sort(out)
		return out
	}
	if diff := cmp.Diff([]string{"unused"}, names(live.Unused)); diff != "" {
		t.Error(diff)
	}
}
