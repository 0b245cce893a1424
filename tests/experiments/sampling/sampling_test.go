package sampling

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/tests/experiments/collector"
)

// TestSinkCountsWhatWasSent sends traces straight to a sink.
func TestSinkCountsWhatWasSent(t *testing.T) {
	t.Parallel()
	sink, err := NewSink(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := sink.Listen(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sink.Close(); err != nil {
			t.Error(err)
		}
	})
	kinds := []Kind{{Name: "order", Route: "/order/submit", Traces: 300, Always: true}, {Name: "rest", Route: "/", Traces: 300}}
	sent, err := Sender{To: []string{sink.Addr, sink.Addr}, Kinds: kinds, Spans: 3, PerSecond: 100_000}.Send(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := sink.Counts(sent)
	got.Wire = 0 // times in it vary
	// Nobody names the cluster, since no collector stands between.
	want := Counts{Whole: map[string]int{"order": 300, "rest": 300}, Part: map[string]int{}, Odd: 1800}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := sent.Judge(got); err == nil {
		t.Error("all of the others were kept, and spans lack cluster_env, and that is well")
	}
	for _, again := range []bool{false, true} {
		if err := sink.take(field(1, field(2, field(2, span(id{1}, 5, kinds[0], true)))), 0); err != nil {
			t.Fatal(err)
		}
		if c := sink.Counts(sent); c.Strange != 1 || (c.Again == 1) != again {
			t.Errorf("a trace that nobody sent: %+v", c)
		}
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	sent := &Sent{Spans: 2, Kinds: []Kind{{Name: "order", Traces: 100, Always: true}, {Name: "rest", Traces: 10_000}}}
	for name, tt := range map[string]struct {
		c    Counts
		well bool
	}{
		"a tenth":        {Counts{Whole: map[string]int{"order": 100, "rest": 1000}}, true},
		"four sigma":     {Counts{Whole: map[string]int{"order": 100, "rest": 1120}}, true},
		"more than that": {Counts{Whole: map[string]int{"order": 100, "rest": 1121}}, false},
		"less than that": {Counts{Whole: map[string]int{"order": 100, "rest": 879}}, false},
		"one lost":       {Counts{Whole: map[string]int{"order": 99, "rest": 1000}}, false},
		"one in part":    {Counts{Whole: map[string]int{"order": 99, "rest": 1000}, Part: map[string]int{"order": 1}}, false},
		"strangers":      {Counts{Whole: map[string]int{"order": 100, "rest": 1000}, Strange: 1}, false},
		"no name":        {Counts{Whole: map[string]int{"order": 100, "rest": 1000}, Odd: 1}, false},
	} {
		if err := sent.Judge(tt.c); (err == nil) != tt.well {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDefaultLeavesThePolicies holds what the experiment compares with.
func TestDefaultLeavesThePolicies(t *testing.T) {
	t.Parallel()
	d, err := Default(collector.Rendered{Config: `
processors: {memory_limiter: {}, tail_sampling: {decision_wait: 10s, num_traces: 5, policies: [{name: a}]}, batch/pack: {}, resource: {}}
exporters: {otlp_http: {endpoint: e, timeout: 30s, tls: {ca_file: c}, sending_queue: {storage: file_storage/queue}}}
extensions: {health_check: {}, file_storage/queue: {}}
service: {extensions: [health_check, file_storage/queue], pipelines: {logs: {}, traces: {}}}
`})
	if err != nil {
		t.Fatal(err)
	}
	const want = `exporters:
  otlp_http:
    endpoint: e
    tls:
      ca_file: c
extensions:
  health_check: {}
processors:
  batch: {}
  resource: {}
  tail_sampling:
    policies:
    - name: a
service:
  extensions:
  - health_check
  pipelines:
    traces:
      exporters:
      - otlp_http
      processors:
      - tail_sampling
      - resource
      - batch
      receivers:
      - otlp
`
	if diff := cmp.Diff(want, d.Config); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestASenderSaysWhatIsNotTaken(t *testing.T) {
	t.Parallel()
	addr, err := collector.FreeAddress(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := Sender{To: []string{addr}, Kinds: Kinds(100), Spans: 1, PerSecond: 1000}
	if _, err := s.Send(t.Context()); err == nil {
		t.Error("nobody takes the spans, and that is well")
	}
	s.Patient = true
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := s.Send(ctx); err == nil {
		t.Error("a patient sender ends, and nobody took the spans")
	}
}

func FuzzSink(f *testing.F) {
	f.Add(field(1, field(2, field(2, span(id{1}, 2, Kind{Route: "/"}, true)))))
	f.Add([]byte{0x0a, 0x80})
	f.Add(field(1, field(2, field(2, field(2, binary.BigEndian.AppendUint32(nil, 7))))))
	f.Fuzz(func(t *testing.T, message []byte) {
		s, err := NewSink(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = s.take(message, len(message)) // either is right; it must not fall over
		if c := s.Counts(&Sent{}); c.Wire != len(message) {
			t.Errorf("%d bytes of %d", c.Wire, len(message))
		}
	})
}
