//go:build real

package otel_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dualtrack.internal/tests/experiments/collector"
	"dualtrack.internal/tests/experiments/sampling"
)

// samplerName is what the samplers' certificate is for.
const samplerName = "otel-sampler.observability.svc.cluster.local"

// tiers are the hub's two gateways and two samplers, and a backend behind each
// sampler, so that it is seen who kept what.
type tiers struct {
	certs    string
	tls      *tls.Config
	gateways [2]*sampling.Place
	samplers [2]*sampling.Place
	sinks    [2]*sampling.Sink
	running  [2]*collector.Process // samplers
}

func folder(t *testing.T, parts ...string) string {
	t.Helper()
	dir := filepath.Join(parts...)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func newTiers(t *testing.T) *tiers {
	t.Helper()
	dir := t.TempDir()
	h := &tiers{certs: folder(t, dir, "certs")}
	var err error
	if h.tls, err = sampling.Authority(h.certs, samplerName); err != nil {
		t.Fatal(err)
	}
	judge, first := find(t, "hub", "otel-sampler"), find(t, "hub", "otel-gateway")
	to := map[string]string{}
	for i, name := range []string{"sampler-0", "sampler-1"} {
		if h.sinks[i], err = sampling.NewSink(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		listen(t, h.sinks[i])
		t.Cleanup(func() { closed(t, h.sinks[i]) })
		h.samplers[i], err = sampling.Put(t.Context(), judge, sampling.Wiring{Dir: folder(t, dir, name), Certs: h.certs,
			To: map[string]string{"otlp_grpc/jaeger": h.sinks[i].Addr}, Change: func(c map[string]any) {
				sampler(c)["decision_wait"] = "5s"
				sampling.At(c, "exporters", "otlp_grpc/jaeger", "sending_queue", "batch")["flush_timeout"] = "1s"
			}})
		if err != nil {
			t.Fatal(err)
		}
		h.running[i] = start(t, h.samplers[i].Command)
		to["otlp_http/"+name] = "https://" + h.samplers[i].HTTP
	}
	for i, name := range []string{"gateway-0", "gateway-1"} {
		if h.gateways[i], err = sampling.Put(t.Context(), first, sampling.Wiring{Dir: folder(t, dir, name), Certs: h.certs, To: to}); err != nil {
			t.Fatal(err)
		}
		start(t, h.gateways[i].Command)
	}
	return h
}

// send sends two spans of each trace, each to another gateway.
func (h *tiers) send(t *testing.T, kinds []sampling.Kind, perSecond int, seed uint64) *sampling.Sent {
	t.Helper()
	return send(t, sampling.Sender{To: []string{h.gateways[0].HTTP, h.gateways[1].HTTP}, Kinds: kinds, Spans: 2, PerSecond: perSecond, Seed: seed})
}

// TestTiers sends the spans of every trace to different gateways: all meet at one
// sampler. Then a sampler is killed, and comes back.
func TestTiers(t *testing.T) {
	t.Parallel()
	h := newTiers(t)
	sent := h.send(t, sampling.Kinds(10_000), 3000, 21)
	sum := sampling.Counts{Whole: map[string]int{}, Part: map[string]int{}}
	for i := range h.sinks {
		c := came(t, h.sinks[i], 8*time.Second, sent.Half(i == 1))
		if c.Strange > 0 || c.Odd > 0 || c.Whole["order"] == 0 {
			t.Errorf("sampler %d: %+v", i, c)
		}
		for k, n := range c.Whole {
			sum.Whole[k] += n
		}
		for k, n := range c.Part {
			sum.Part[k] += n
		}
	}
	if err := sent.Judge(sum); err != nil {
		t.Errorf("%v\n%s", err, h.gateways[0].Words())
	}
	t.Logf("both samplers: %+v", sum)
	h.refuses(t)
	h.killed(t, sent)
}

// killed kills a sampler: what it had not decided goes with it; what comes while it
// is away waits for it, and is whole.
func (h *tiers) killed(t *testing.T, before *sampling.Sent) {
	t.Helper()
	order := func(n int) []sampling.Kind {
		return []sampling.Kind{{Name: "order", Route: "/order/submit", Traces: n, Always: true}}
	}
	early := h.send(t, order(10_000), 1000, 22)
	h.running[1].Kill()
	away := h.send(t, order(2000), 1000, 23)
	h.running[1] = start(t, h.samplers[1].Command)
	late := h.send(t, order(2000), 1000, 24)
	for i := range h.sinks {
		for name, sent := range map[string]*sampling.Sent{"while one is away": away, "later": late} {
			half := sent.Half(i == 1)
			// What a gateway could not send it sends again after seconds.
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) {
				c := h.sinks[i].Counts(half)
				if c.Whole["order"] == half.Kinds[0].Traces {
					break
				}
				if time.Now().After(deadline) {
					t.Fatalf("sampler %d, traces sent %s: %d of %d whole, %d in part", i, name, c.Whole["order"], half.Kinds[0].Traces, c.Part["order"])
				}
			}
		}
	}
	for i, sink := range h.sinks {
		if c := sink.Counts(before.Half(i == 1), early.Half(i == 1), away.Half(i == 1), late.Half(i == 1)); c.Strange > 0 {
			t.Errorf("sampler %d kept %d traces of the other's", i, c.Strange)
		}
	}
	spared, hit := early.Half(false), early.Half(true)
	if c := h.sinks[0].Counts(spared); c.Whole["order"] != spared.Kinds[0].Traces {
		t.Errorf("the other sampler: %d of %d whole", c.Whole["order"], spared.Kinds[0].Traces)
	}
	c := h.sinks[1].Counts(hit)
	lost := hit.Kinds[0].Traces - c.Kept("order")
	if lost == 0 || c.Whole["order"] == 0 {
		t.Errorf("of %d orders before the kill %d came whole and %d were lost: some were decided, and some were not", hit.Kinds[0].Traces, c.Whole["order"], lost)
	}
	t.Logf("a sampler killed after 10 s at 500 of its traces a second: of %d orders %d whole, %d lost, %d in part, %d spans twice; nothing of the other's, nor of what came later",
		hit.Kinds[0].Traces, c.Whole["order"], lost, c.Part["order"], c.Again)
}

// refuses holds that a sampler takes nothing from who has no certificate of its
// authority, and that a gateway gives nothing to a sampler of another.
func (h *tiers) refuses(t *testing.T) {
	t.Helper()
	foreign, err := sampling.Authority(t.TempDir(), samplerName)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		config *tls.Config
		well   bool
	}{
		"its own":        {&tls.Config{Certificates: h.tls.Certificates}, true},
		"none":           {&tls.Config{}, false},
		"a foreign one":  {&tls.Config{Certificates: foreign.Certificates}, false},
		"plain text too": {nil, false},
	} {
		if err := h.dial(t, tt.config); (err == nil) != tt.well {
			t.Errorf("a client with certificate %s: %v", name, err)
		}
	}
	sink, err := sampling.NewSink(t.Context(), foreign)
	if err != nil {
		t.Fatal(err)
	}
	listen(t, sink)
	t.Cleanup(func() { closed(t, sink) })
	p, err := sampling.Put(t.Context(), find(t, "hub", "otel-gateway"), sampling.Wiring{Dir: t.TempDir(), Certs: h.certs,
		To: map[string]string{"otlp_http/sampler-0": "https://" + sink.Addr, "otlp_http/sampler-1": "https://" + sink.Addr}})
	if err != nil {
		t.Fatal(err)
	}
	start(t, p.Command)
	send(t, sampling.Sender{To: []string{p.HTTP}, Kinds: sampling.Kinds(100), Spans: 1, PerSecond: 1000})
	const words = "certificate signed by unknown authority"
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(p.Words(), words); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a gateway does not say %q: %s", words, p.Words())
		}
	}
	if c := sink.Counts(); c.Strange > 0 {
		t.Errorf("%d traces reached a sampler of another authority", c.Strange)
	}
}

// dial speaks HTTP/2 to a sampler as far as its first frame.
func (h *tiers) dial(t *testing.T, config *tls.Config) error {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", h.samplers[0].HTTP)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	if config != nil {
		config.RootCAs, config.ServerName, config.NextProtos = h.tls.RootCAs, samplerName, []string{"h2"}
		conn = tls.Client(conn, config)
	}
	// The connection's preface, and settings that say nothing.
	if _, err := io.WriteString(conn, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"); err != nil {
		return err
	}
	frame := make([]byte, 9)
	if _, err := io.ReadFull(conn, frame); err != nil {
		return err
	}
	if frame[3] != 4 {
		return fmt.Errorf("its first frame is no settings: %x", frame)
	}
	return nil
}
