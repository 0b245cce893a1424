package policy

import (
	"math/rand/v2"
	"slices"
	"testing"

	"dualtrack.internal/platform/finding"
)

// TestOddShapes puts values of other types at random places of objects that the
// rules read: no rule may fail on any, for then nothing is known of the object.
func TestOddShapes(t *testing.T) {
	t.Parallel()
	const rounds = 40
	chosen := seedOf(t)
	r := rand.New(rand.NewPCG(chosen, 1))
	in := testInput(t, namespace)
	for range rounds {
		objects := testInput(t, append(slices.Clone(mendable), deployment, budget, denyAll)...).Objects
		for _, o := range objects {
			for range 3 {
				distort(r, o.Object, 0)
			}
		}
		in.Objects = append(in.Objects, objects...)
	}
	result, err := compiled(t).Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		if f.Rule == "policy" && f.Class != finding.Unknown {
			t.Errorf("seed %d: %s: %s", chosen, f.Object, f.Message)
		}
	}
}

// distort replaces one value below v; an object keeps its kind.
func distort(r *rand.Rand, v any, depth int) {
	odd := []any{nil, "odd", int64(5), false, map[string]any{}, []any{}, []any{"a"}, map[string]any{"a": "b"}}
	switch x := v.(type) {
	case map[string]any:
		var keys []string
		for k := range x {
			if depth > 0 || (k != "kind" && k != "apiVersion") {
				keys = append(keys, k)
			}
		}
		if len(keys) == 0 {
			return
		}
		slices.Sort(keys)
		k := pick(r, keys...)
		if depth > 0 && r.IntN(5) == 0 {
			x[k] = pick(r, odd...)
			return
		}
		distort(r, x[k], depth+1)
	case []any:
		if len(x) == 0 {
			return
		}
		i := r.IntN(len(x))
		if r.IntN(4) == 0 {
			x[i] = pick(r, odd...)
			return
		}
		distort(r, x[i], depth+1)
	}
}
