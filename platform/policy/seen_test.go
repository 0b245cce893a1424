package policy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/policies"
)

// TestSeen judges this repository's clusters, whole and with objects left out, one
// after the other with one engine: what it saw before changes no verdict, and most of
// it need not be asked again.
func TestSeen(t *testing.T) {
	t.Parallel()
	cat, err := catalog.Load("../..")
	if err != nil {
		t.Fatal(err)
	}
	r, err := render.All(t.Context(), cat, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	one, err := Compile(t.Context(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for n, b := range r.Bundles {
		for left := range 6 {
			in := Input{Cluster: cat.Cluster(b.Cluster), Fleet: cat.Fleet, Baseline: cat.Baseline, Locate: r.Locate}
			in.Objects = slices.Clone(b.Objects)
			for range left { // another one each time
				at := (n*31 + left*17) % len(in.Objects)
				in.Objects = slices.Delete(in.Objects, at, at+1)
			}
			judged += len(units(in))
			anew := &Engine{files: one.files, sum: one.sum, rules: one.rules, all: one.all, kinds: one.kinds, answers: answers{byKey: map[string]*answer{}}}
			want, err := anew.Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			got, err := one.Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmp.AllowUnexported(Result{})); diff != "" {
				t.Errorf("%s without %d: (-anew +seen)\n%s", b.Cluster, left, diff)
			}
		}
	}
	asked := 0
	for _, list := range one.seen.units {
		asked += len(list)
	}
	if asked*4 > judged {
		t.Errorf("%d of %d units were asked about", asked, judged)
	}
}
