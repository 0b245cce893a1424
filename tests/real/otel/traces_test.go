//go:build real

package otel_test

import (
	"testing"
	"time"

	"dualtrack.internal/tests/experiments/collector"
	"dualtrack.internal/tests/experiments/sampling"
)

// find renders a workload of a cluster.
func find(t *testing.T, cluster, workload string) collector.Rendered {
	t.Helper()
	r, err := collector.Find(t.Context(), cluster, workload)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// gateway is a site's gateway with its backend, neither of which runs yet.
func gateway(t *testing.T, change func(map[string]any)) *sampling.Gateway {
	t.Helper()
	g, err := sampling.NewGateway(t.Context(), t.TempDir(), find(t, "edge-lima", "otel-gateway"), change)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closed(t, g.Sink) })
	return g
}

func closed(t *testing.T, s *sampling.Sink) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func listen(t *testing.T, s *sampling.Sink) {
	t.Helper()
	if err := s.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// start starts a collector, which is killed when the test ends.
func start(t *testing.T, c collector.Command) *collector.Process {
	t.Helper()
	p, err := c.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func send(t *testing.T, s sampling.Sender) *sampling.Sent {
	t.Helper()
	sent, err := s.Send(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

// came waits until what arrives has settled, and counts it.
func came(t *testing.T, s *sampling.Sink, quiet time.Duration, sent ...*sampling.Sent) sampling.Counts {
	t.Helper()
	if err := s.Settled(t.Context(), quiet, 3*time.Minute); err != nil {
		t.Fatal(err)
	}
	return s.Counts(sent...)
}

// TestEveryOrderArrives sends 100,000 traces through a site's gateway.
func TestEveryOrderArrives(t *testing.T) {
	t.Parallel()
	g := gateway(t, nil)
	listen(t, g.Sink)
	start(t, g.Command)
	sent := send(t, sampling.Sender{To: []string{g.HTTP}, Kinds: sampling.Kinds(100_000), Spans: 2, PerSecond: 4000, Seed: 7})
	c := came(t, g.Sink, 25*time.Second, sent)
	if err := sent.Judge(c); err != nil {
		t.Errorf("%v\n%s", err, g.Words())
	}
	t.Logf("%+v", c)
}

// TestNothingDecidedIsLost has no backend for a minute, then kills the gateway and
// starts it again: what it had decided to keep waits on the disk.
func TestNothingDecidedIsLost(t *testing.T) {
	t.Parallel()
	g := gateway(t, nil)
	first := start(t, g.Command)
	sent := send(t, sampling.Sender{To: []string{g.HTTP}, Kinds: sampling.Kinds(20_000), Spans: 2, PerSecond: 1000, Seed: 8})
	if err := collector.Pause(t.Context(), 40*time.Second); err != nil { // the last decision is made, and there is nobody to send to
		t.Fatal(err)
	}
	first.Kill()
	listen(t, g.Sink)
	start(t, g.Command)
	c := came(t, g.Sink, 25*time.Second, sent)
	if err := sent.Judge(c); err != nil {
		t.Errorf("%v\n%s", err, g.Words())
	}
	t.Logf("%+v", c)
}
