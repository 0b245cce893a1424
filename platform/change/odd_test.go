package change_test

import (
	"encoding/json"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/render"
)

// oddities are what may stand where something else is meant.
func oddities() []any {
	return []any{nil, true, int64(3), 1e300, "x", "", []any{}, []any{nil}, []any{int64(3), []any{}}, map[string]any{}, map[string]any{"": nil}, map[string]any{"name": []any{}}}
}

// TestOdd puts what is not meant at every place of every object of the other tests.
func TestOdd(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, c := range append(append(imageCases(), numberCases()...), otherCases()...) {
		before, after := bundle(t, c.before), bundle(t, c.after)
		for _, side := range [][]*render.Bundle{before, after} {
			for i := range side[0].Objects {
				object := side[0].Objects[i].Object
				everywhere(object, func() {
					checkClusters(t, change.Between(before, after))
					checkClusters(t, change.Between(after, before))
					compared++
				})
			}
		}
	}
	if compared < 5000 {
		t.Errorf("%d comparisons: too few", compared)
	}
}

// everywhere puts each oddity at each place, and calls do each time.
func everywhere(v any, do func()) {
	put := func(old any, set func(any)) {
		for _, odd := range oddities() {
			set(odd)
			do()
		}
		set(old)
		everywhere(old, do)
	}
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			put(value, func(odd any) { v[key] = odd })
		}
	case []any:
		for i, value := range v {
			put(value, func(odd any) { v[i] = odd })
		}
	}
}

// checkClusters holds what must be so of everything that is said.
func checkClusters(t *testing.T, clusters []change.Cluster) {
	t.Helper()
	for _, g := range change.Grouped(clusters) {
		for _, q := range g.Consequences {
			if q.Why == "" || q.Level == "" || q.Effect == "" {
				t.Fatalf("%+v says too little", q)
			}
		}
	}
}

// FuzzBetween compares lists of any objects: whatever they hold, nothing panics, and
// what is the same is no change.
func FuzzBetween(f *testing.F) {
	for _, c := range append(append(imageCases(), numberCases()...), otherCases()...) {
		seed := func(text string) []byte {
			var list []any
			for _, o := range bundle(&testing.T{}, text)[0].Objects {
				list = append(list, o.Object)
			}
			data, err := json.Marshal(list)
			if err != nil {
				f.Fatal(err)
			}
			return data
		}
		f.Add(seed(c.before), seed(c.after))
	}
	f.Fuzz(func(t *testing.T, one, other []byte) {
		before, after := loose(one), loose(other)
		for _, c := range change.Between(before, before) {
			// Objects of one name twice are the same on both sides, and still two.
			if len(c.Objects) > 0 && len(before[0].Objects) == len(distinct(before[0].Objects)) {
				t.Errorf("nothing differs, and %d objects do", len(c.Objects))
			}
		}
		checkClusters(t, change.Between(before, after))
		nodes := &catalog.Cluster{Name: "c"}
		nodes.Spec.Nodes = []catalog.Node{{Name: "a", Count: 2, Capacity: catalog.Capacity{CPU: "2", Memory: "2Gi", Pods: 10}}}
		tree := &catalog.Catalog{Baseline: &catalog.Baseline{}, Clusters: []*catalog.Cluster{nodes}, Components: map[string]*catalog.Component{}}
		checkClusters(t, change.Of(change.Side{Tree: tree, Rendered: &render.Result{Bundles: before}}, change.Side{Tree: tree, Rendered: &render.Result{Bundles: after}}))
	})
}

// loose reads any JSON as a bundle: what is no object is left out.
func loose(data []byte) []*render.Bundle {
	b := &render.Bundle{Cluster: "c"}
	var list []any
	if json.Unmarshal(data, &list) == nil {
		for _, v := range list {
			if o, ok := v.(map[string]any); ok {
				b.Objects = append(b.Objects, render.Object{Component: "x", Unstructured: &unstructured.Unstructured{Object: o}})
			}
		}
	}
	return []*render.Bundle{b}
}

func distinct(objects []render.Object) map[string]bool {
	out := map[string]bool{}
	for _, o := range objects {
		out[o.Ref().Group()+"\x00"+o.Ref().Kind+"\x00"+o.Ref().Namespace+"\x00"+o.Ref().Name] = true
	}
	return out
}
