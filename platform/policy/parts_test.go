package policy

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/memo"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/policies"
)

// reference gives what each cluster of this repository is judged on.
func reference(t *testing.T) []Input {
	t.Helper()
	cat, err := catalog.Load("../..")
	if err != nil {
		t.Fatal(err)
	}
	rendered, err := render.All(t.Context(), cat, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var out []Input
	for _, b := range rendered.Bundles {
		out = append(out, Input{Cluster: cat.Cluster(b.Cluster), Fleet: cat.Fleet, Baseline: cat.Baseline, Objects: b.Objects,
			Parts: b.Parts, APIs: []API{}, Exceptions: cat.Exceptions, Now: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC), Locate: rendered.Locate})
	}
	return out
}

func fresh(t *testing.T, store *memo.Store) *Engine {
	t.Helper()
	files, err := Carried(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(t.Context(), files, store)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// unordered compares verdicts without what no result shows.
var unordered = cmp.Transformer("shown", func(v verdict) [8]string {
	return [8]string{v.Rule, string(v.Severity), v.Result, v.Pointer, v.Container, v.Message, v.Mend, string(v.Patch)}
})

// TestParts judges each cluster of this repository part by part, each part with its
// own namespaces' facts, and as one part with all facts: the verdicts are the same.
// So no rule looks into another namespace's part of a table.
func TestParts(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	judged := 0
	for _, in := range reference(t) {
		sheet, err := gather(in)
		if err != nil {
			t.Fatal(err)
		}
		units := units(in)
		parts, err := partsOf(units, nil)
		if err != nil {
			t.Fatal(err)
		}
		apart, err := e.judgeParts(t.Context(), newViews(sheet), parts, len(units))
		if err != nil {
			t.Fatal(err)
		}
		whole := part{units: units}
		for _, p := range parts {
			whole.namespaces = append(whole.namespaces, p.namespaces...)
		}
		slices.Sort(whole.namespaces)
		whole.namespaces = slices.Compact(whole.namespaces)
		together, err := e.judgeUnits(t.Context(), newViews(sheet), whole, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, u := range units {
			judged += len(apart[i])
			if diff := cmp.Diff(together[i], apart[i], unordered); diff != "" {
				t.Errorf("%s, %s: (-all facts +own facts)\n%s", in.Cluster.Name, u.ref, diff)
			}
		}
	}
	if judged == 0 {
		t.Error("no verdict at all: nothing is compared")
	}
}

// TestStoredVerdicts holds that verdicts from the store are those of the rules, and
// that the rules are not even compiled for them.
func TestStoredVerdicts(t *testing.T) {
	t.Parallel()
	store, err := memo.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	inputs := reference(t)
	first := fresh(t, store)
	var want []*Result
	for _, in := range inputs {
		r, err := first.Judge(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
	}
	second := fresh(t, store)
	for i, in := range inputs {
		r, err := second.Judge(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[i].Findings, r.Findings); diff != "" {
			t.Errorf("%s: (-rules +store)\n%s", in.Cluster.Name, diff)
		}
	}
	if second.all != nil {
		t.Error("the rules were compiled for what the store knows")
	}
	if diff := cmp.Diff(first.Rules(), second.Rules()); diff != "" {
		t.Errorf("rules: (-compiled +store)\n%s", diff)
	}
}

// TestFactsCount holds that a verdict is not taken over where what it depends on
// differs: another neighbour in the namespace, another setting of the fleet.
func TestFactsCount(t *testing.T) {
	t.Parallel()
	store, err := memo.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	budget := "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: b, namespace: shop}\nspec: {minAvailable: 1, selector: {matchLabels: {a: b}}}\n"
	workload := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a, namespace: shop}\nspec: {replicas: 1, template: {metadata: {labels: {a: b}}, spec: {containers: []}}}\n"
	said := func(severity string, docs ...string) (out []string) {
		in := testInput(t, docs...)
		in.Objects[0].Component = "budget" // a part of its own: only its surroundings change
		in.Parts = map[string]string{"budget": "same"}
		in.Fleet.Spec.Policy.Severity = map[string]string{"DT-REL-004": severity}
		r, err := fresh(t, store).Judge(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Findings {
			if f.Rule == "DT-REL-004" {
				out = append(out, string(f.Severity)+" "+string(f.Class)+" "+f.Message)
			}
		}
		return out
	}
	for range 2 {
		got := [][]string{said("error", budget), said("error", budget, workload), said("warning", budget, workload), said("off", budget, workload)}
		if slices.Equal(got[0], got[1]) || slices.Equal(got[1], got[2]) || len(got[3]) > 0 {
			t.Errorf("%q", got)
		}
	}
}

// TestLeftAnswer holds that a caller that goes away leaves no other without an answer.
func TestLeftAnswer(t *testing.T) {
	t.Parallel()
	e := fresh(t, nil)
	in := testInput(t, deployment)
	in.Parts = map[string]string{"shop": "same"}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Judge(gone, in); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := e.Judge(t.Context(), in); err != nil {
		t.Fatal(err)
	}
}

// TestSubset holds that the rules about an object's kind alone say the same of it as
// all rules: of every kind in this repository.
func TestSubset(t *testing.T) {
	t.Parallel()
	full := fresh(t, nil)
	if len(full.kinds) < 30 {
		t.Errorf("%d rules name the kinds that they are about: which?", len(full.kinds))
	}
	byKind := map[string][]unit{}
	in := reference(t)[0]
	for _, u := range units(in) {
		byKind[u.ref.Kind] = append(byKind[u.ref.Kind], u)
	}
	sheet, err := gather(in)
	if err != nil {
		t.Fatal(err)
	}
	fewer := 0
	const at = 6 // kinds at once: each time rules are compiled
	for kinds := range slices.Chunk(slices.Sorted(maps.Keys(byKind)), at) {
		few := &Engine{files: full.files, kinds: full.kinds}
		var units []unit
		for _, kind := range kinds {
			units = append(units, byKind[kind]...)
		}
		parts, err := partsOf(units, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range parts {
			want, err := full.judgeUnits(t.Context(), newViews(sheet), p, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := few.judgeUnits(t.Context(), newViews(sheet), p, append(kinds, anyObject))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, unordered); diff != "" {
				t.Errorf("%s: (-all rules +theirs)\n%s", kinds, diff)
			}
		}
		if len(few.subsets) > 0 && few.all == nil {
			fewer++
		}
	}
	if fewer == 0 {
		t.Error("all rules were compiled for every kind")
	}
}
