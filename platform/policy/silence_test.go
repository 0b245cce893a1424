package policy

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

// TestSilences judges silences of Git by the real rules, in the places where they
// stand, at a time that the caller names.
func TestSilences(t *testing.T) {
	t.Parallel()
	in := testInput(t)
	cat := &catalog.Catalog{Fleet: in.Fleet, Baseline: in.Baseline}
	cat.Silences = []*catalog.Silences{{Name: "a", File: "policies/silences/a.yaml", Spec: catalog.SilenceSpec{Silences: []catalog.Silence{
		silenceOf("good"),
		silenceOf("nobody", func(s *catalog.Silence) { s.Owner, s.Reason = "", " " }),
		silenceOf("long", func(s *catalog.Silence) { s.Until = "2030-02-01T00:00:01Z" }),
		silenceOf("wide", func(s *catalog.Silence) { s.Matchers[0].Op, s.Matchers[0].Value = "=~", ".+" }),
		silenceOf("ended", func(s *catalog.Silence) { s.Until = "2030-01-10T00:00:00Z" }),
	}}}}
	e := compiled(t)
	found, err := e.JudgeSilences(t.Context(), cat, time.Date(2030, 1, 10, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"error DT-SIL-001 Silences a /spec/silences/1/owner",
		"error DT-SIL-001 Silences a /spec/silences/1/reason",
		"error DT-SIL-002 Silences a /spec/silences/2/until",
		"error DT-SIL-003 Silences a /spec/silences/3/matchers",
		"warning DT-SIL-004 Silences a /spec/silences/4/until",
	}
	if diff := cmp.Diff(want, lines(found)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := e.JudgeSilences(t.Context(), cat, time.Time{}); err == nil {
		t.Error("silences were judged without a time")
	}
	cat.Silences = nil
	if found, err := e.JudgeSilences(t.Context(), cat, time.Time{}); found != nil || err != nil {
		t.Errorf("without silences: %v, %v", found, err)
	}
}

func silenceOf(name string, change ...func(*catalog.Silence)) catalog.Silence {
	s := catalog.Silence{Name: name, From: "2030-01-02T00:00:00Z", Until: "2030-02-01T00:00:00Z", Owner: "shop", Reason: "r",
		Matchers: []catalog.Matcher{{Label: "site", Op: "=", Value: "edge-1"}}}
	for _, c := range change {
		c(&s)
	}
	return s
}

func TestFieldOf(t *testing.T) {
	t.Parallel()
	for pointer, want := range map[string]string{"": "", "/spec": "spec", "/spec/silences/10/matchers/0/value": "spec.silences[10].matchers[0].value"} {
		if got := fieldOf(pointer); got != want {
			t.Errorf("%s: %s, want %s", pointer, got, want)
		}
	}
}
