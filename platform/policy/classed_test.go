package policy

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

func TestClassed(t *testing.T) {
	t.Parallel()
	f := func(rule, object string, class finding.Class, clusters ...string) finding.Finding {
		return finding.Finding{Rule: rule, Severity: finding.Error, Message: "m", Object: finding.Object{Kind: "Pod", Name: object}, Class: class, Clusters: clusters}
	}
	moved := f("A", "moved", "", "hub")
	moved.Component = "other"
	before := []finding.Finding{
		f("A", "stays", "", "edge", "hub"), f("A", "mended", "", "edge", "hub"), f("A", "spreads", "", "edge"),
		f("A", "waived", finding.Waived, "hub"), f("A", "lapsed", finding.Waived, "hub"), f("A", "not known", finding.Unknown, "hub"), f("A", "moved", "", "hub"),
		f("render-unavailable", "far", "", "hub"), f("render-unavailable", "was far", "", "hub"),
	}
	after := []finding.Finding{
		f("A", "stays", "", "edge", "hub"), f("A", "spreads", "", "edge", "hub"), f("A", "comes", "", "hub"),
		f("A", "waived", finding.Waived, "hub"), f("A", "lapsed", "", "hub"), f("A", "not known", "", "hub"), moved,
		f("render-unavailable", "far", "", "hub"),
	}
	moved.Class = finding.PreExisting
	want := []finding.Finding{
		f("render-unavailable", "far", finding.New, "hub"),
		f("render-unavailable", "was far", finding.Unknown, "hub"),
		f("A", "comes", finding.New, "hub"),
		f("A", "lapsed", finding.New, "hub"),
		f("A", "mended", finding.Fixed, "edge", "hub"),
		moved,
		f("A", "not known", finding.New, "hub"),
		f("A", "spreads", finding.New, "hub"),
		f("A", "spreads", finding.PreExisting, "edge"),
		f("A", "stays", finding.PreExisting, "edge", "hub"),
		f("A", "waived", finding.Waived, "hub"),
	}
	order := cmpopts.SortSlices(func(a, b finding.Finding) bool {
		return a.Object.Name+string(a.Class) < b.Object.Name+string(b.Class)
	})
	if diff := cmp.Diff(want, classed(before, after), cmpopts.IgnoreFields(finding.Finding{}, "Fingerprint"), order); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// eachApart is what classed does, one cluster's findings after the other.
func eachApart(before, after []finding.Finding) []finding.Finding {
	was := map[string]finding.Finding{}
	for _, f := range spread(before) {
		was[key(f)] = f
	}
	var out []finding.Finding
	for _, f := range spread(after) {
		old, there := was[key(f)]
		delete(was, key(f))
		if f.Class == "" {
			f.Class = finding.New
			if there && old.Class == "" && f.Rule != render.RuleUnavailable {
				f.Class = finding.PreExisting
			}
		}
		out = append(out, f)
	}
	for _, k := range slices.Sorted(maps.Keys(was)) {
		if f := was[k]; f.Class == "" {
			f.Class = finding.Fixed
			if f.Rule == render.RuleUnavailable {
				f.Class = finding.Unknown
			}
			out = append(out, f)
		}
	}
	return finding.Merge(out)
}

// TestClassedApart compares findings of many clusters at once with the same cluster by
// cluster: places and order too.
func TestClassedApart(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		pick := func(list ...string) string { return list[r.IntN(len(list))] }
		some := func() []finding.Finding {
			var list []finding.Finding
			for range r.IntN(8) {
				f := finding.Finding{Rule: pick("A", "B", render.RuleUnavailable), Severity: finding.Severity(pick("error", "warning")), Message: pick("m", "mm"), Component: pick("x", "y"),
					Class: finding.Class(pick("", "", "", "waived", "unknown")), Position: finding.Position{File: "f", Line: r.IntN(2)}}
				for _, name := range []string{"edge-a", "edge-b", "hub"} {
					if r.IntN(2) == 0 {
						f.Clusters = append(f.Clusters, name)
					}
				}
				list = append(list, f)
			}
			if r.IntN(4) > 0 {
				return finding.Merge(list)
			}
			return list // a change of the rules joins two lists
		}
		before, after := some(), some()
		if diff := cmp.Diff(eachApart(before, after), classed(before, after), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("seed %d: (-apart +at once)\n%s\n%s", seed, diff, fmt.Sprint(before, after))
		}
	}
}
