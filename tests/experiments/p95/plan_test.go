//go:build real

package p95_test

import (
	"strings"
	"testing"

	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/tests/experiments/p95"
)

// TestCheaper runs a short form of the experiment: the answers are the same, which
// every run checks, and the recorded ones read less. Counts, not times.
func TestCheaper(t *testing.T) {
	p, stop, err := p95.Plan(t.Context(), p95.Options{Pods: 3, Hours: 2, Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	r, err := experiment.Run(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.Text(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	raw, _ := r.Figure("samples", "histograms")
	sums, _ := r.Figure("samples", "recorded-buckets")
	one, _ := r.Figure("samples", "recorded-p95")
	// 9 series of each bucket, 10 samples of each in 5 minutes, of 14 buckets in one.
	if raw.Median < 80*sums.Median || sums.Median != 14*one.Median || one.Median == 0 {
		t.Errorf("samples read: %v, %v, %v", raw.Median, sums.Median, one.Median)
	}
}
