package change_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

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

// TestAny compares bundles with several oddities at once, drawn by a fixed seed. A
// fuzz target it is not: with what this package links, a worker of Go's fuzzer does a
// few runs a second, so the parts that read schemas, policies and roles are fuzzed in
// their own packages.
func TestAny(t *testing.T) {
	t.Parallel()
	draw := rand.New(rand.NewPCG(1, 2))
	cases := append(append(imageCases(), numberCases()...), otherCases()...)
	nodes := &catalog.Cluster{Name: "c"}
	nodes.Spec.Nodes = []catalog.Node{{Name: "a", Count: 2, Capacity: catalog.Capacity{CPU: "2", Memory: "2Gi", Pods: 10}}}
	tree := &catalog.Catalog{Baseline: &catalog.Baseline{}, Clusters: []*catalog.Cluster{nodes}, Components: map[string]*catalog.Component{}}
	for range 5000 {
		text := ""
		for range 1 + draw.IntN(3) {
			text += cases[draw.IntN(len(cases))].after + "\n"
		}
		before, after := bundle(t, text), bundle(t, text)
		for range 1 + draw.IntN(4) {
			disturb(draw, before[0].Objects)
			disturb(draw, after[0].Objects)
		}
		for _, c := range change.Between(before, before) {
			if len(c.Objects) > 0 && len(before[0].Objects) == len(distinct(before[0].Objects)) {
				t.Fatalf("nothing differs, and %d objects do", len(c.Objects))
			}
		}
		checkClusters(t, change.Of(change.Side{Tree: tree, Rendered: &render.Result{Bundles: before}}, change.Side{Tree: tree, Rendered: &render.Result{Bundles: after}}))
	}
}

// disturb puts an oddity somewhere into one of the objects.
func disturb(draw *rand.Rand, objects []render.Object) {
	if len(objects) == 0 {
		return
	}
	var v any = objects[draw.IntN(len(objects))].Object
	for {
		var set func(any)
		var next any
		switch m := v.(type) {
		case map[string]any:
			keys := slices.Sorted(maps.Keys(m))
			if len(keys) == 0 {
				return
			}
			key := keys[draw.IntN(len(keys))]
			next, set = m[key], func(odd any) { m[key] = odd }
		case []any:
			if len(m) == 0 {
				return
			}
			i := draw.IntN(len(m))
			next, set = m[i], func(odd any) { m[i] = odd }
		default:
			return
		}
		if draw.IntN(4) == 0 {
			set(oddities()[draw.IntN(len(oddities()))])
			return
		}
		v = next
	}
}

// distinct are the names of objects.
func distinct(objects []render.Object) map[string]bool {
	out := map[string]bool{}
	for _, o := range objects {
		out[o.Ref().Group()+"\x00"+o.Ref().Kind+"\x00"+o.Ref().Namespace+"\x00"+o.Ref().Name] = true
	}
	return out
}
