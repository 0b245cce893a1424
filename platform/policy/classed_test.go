package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"dualtrack.internal/platform/finding"
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
