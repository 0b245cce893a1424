//go:build real

package otel_test

import (
	"testing"
	"time"

	"dualtrack.internal/tests/experiments/logs"
)

// TestNoLineIsLost has no gateway for a minute, in which the agent is killed every
// few seconds while log files grow and are rotated. Every line arrives, whole, with
// its pod; some come twice.
func TestNoLineIsLost(t *testing.T) {
	t.Parallel()
	agent, err := logs.Agent(t.Context(), "edge-lima")
	if err != nil {
		t.Fatal(err)
	}
	f := logs.Files{Count: 10, Lines: 6000, Rotate: 1500}
	sink, err := logs.NewSink(t.Context(), f, "cluster_env", "dualtrack.site", "k8s.node.name",
		"k8s.namespace.name", "k8s.pod.name", "k8s.pod.uid", "k8s.container.name", "k8s.container.restart_count")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	p, err := agent.Here(t.Context(), t.TempDir(), sink.Addr())
	if err != nil {
		t.Fatal(err)
	}
	k, err := p.Kills(t.Context(), sink, f, 1000, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	total := f.Count * f.Lines
	if k.Counts.Lines != total || k.Counts.Strange > 0 || len(k.Counts.Without) > 0 || k.Kills < 5 {
		t.Errorf("after %d kills %d of %d lines came, %d records are no line, resources lack %v\n%s",
			k.Kills, k.Counts.Lines, total, k.Counts.Strange, k.Counts.Without, p.Words())
	}
	t.Logf("%d kills: %d of %d lines came, %d once more", k.Kills, k.Counts.Lines, total, k.Counts.Again)
}
