//go:build real

package otel_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dualtrack.internal/tests/experiments/sampling"
)

func sampler(c map[string]any) map[string]any { return sampling.At(c, "processors", "tail_sampling") }

func policies(c map[string]any) []any { return sampler(c)["policies"].([]any) }

// soon is a sampler that decides after 2 seconds, and a queue that sends after one.
func soon(c map[string]any) {
	sampler(c)["decision_wait"] = "2s"
	if b := sampling.At(c, "exporters", "otlp_http", "sending_queue", "batch"); b != nil {
		b["flush_timeout"] = "1s"
	}
}

func fewer(came, sent int) bool { return came < sent*9/10 }

func all(came, sent int) bool { return came == sent }

func tenth(came, sent int) bool { return came > sent/20 && came < sent/5 }

// TestTraps turns one setting each into what it must not be: the tests of what is
// kept would see it.
func TestTraps(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(map[string]any)
		late   time.Duration // the spans with the route
		away   time.Duration // the backend, after the last span
		order  func(came, sent int) bool
		rest   func(came, sent int) bool
	}{
		"too few traces in memory": {
			change: func(c map[string]any) { sampler(c)["num_traces"] = 500 },
			order:  fewer, rest: fewer,
		},
		"an inverted match votes for everything else": {
			change: func(c map[string]any) {
				sampler(c)["policies"] = append(policies(c), map[string]any{"name": "others", "type": "string_attribute",
					"string_attribute": map[string]any{"key": "http.route", "values": []any{"/order/submit"}, "invert_match": true}})
			},
			order: all, rest: all,
		},
		"an expression without its end": {
			change: func(c map[string]any) {
				sampling.At(policies(c)[0].(map[string]any), "string_attribute")["enabled_regex_matching"] = true
			},
			order: all, rest: all,
		},
		"a composite policy limits the rate": {
			change: func(c map[string]any) {
				p := policies(c)
				sampler(c)["policies"] = []any{map[string]any{"name": "both", "type": "composite", "composite": map[string]any{
					"max_total_spans_per_second": 100, "policy_order": []any{"order", "rest"},
					"composite_sub_policy": []any{
						map[string]any{"name": "order", "type": "string_attribute", "string_attribute": p[0].(map[string]any)["string_attribute"]},
						map[string]any{"name": "rest", "type": "always_sample"},
					},
					"rate_allocation": []any{map[string]any{"policy": "order", "percent": 90}, map[string]any{"policy": "rest", "percent": 10}},
				}}}
			},
			order: fewer, rest: fewer,
		},
		"a route that comes after the decision": {
			late:  5 * time.Second,
			order: tenth, rest: tenth,
		},
		"a queue of requests": {
			change: func(c map[string]any) {
				sampling.At(c, "exporters", "otlp_http")["sending_queue"] = map[string]any{"enabled": true, "queue_size": 200, "storage": "file_storage/queue"}
				sampling.At(c, "service", "pipelines", "traces")["processors"] = []any{"memory_limiter", "tail_sampling", "resource"}
			},
			away:  4 * time.Second,
			order: fewer, rest: func(came, sent int) bool { return came < sent/10 },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gateway(t, func(c map[string]any) {
				soon(c)
				if tt.change != nil {
					tt.change(c)
				}
			})
			if tt.away == 0 {
				listen(t, g.Sink)
			}
			start(t, g.Command)
			sent := send(t, sampling.Sender{To: []string{g.HTTP}, Spans: 2, PerSecond: 6000, Seed: 9, RootsLate: tt.late, Kinds: []sampling.Kind{
				{Name: "order", Route: "/order/submit", Traces: 1000}, {Name: "rest", Route: "/order/submitted", Traces: 5000}}})
			if tt.away > 0 {
				time.Sleep(tt.away)
				listen(t, g.Sink)
			}
			c := came(t, g.Sink, 5*time.Second+2*tt.away, sent) // a backend that is back is asked after seconds
			if !tt.order(c.Kept("order"), 1000) || !tt.rest(c.Kept("rest"), 5000) {
				t.Errorf("%+v", c)
			}
			t.Logf("%d of 1000 orders and %d of 5000 others came", c.Kept("order"), c.Kept("rest"))
		})
	}
}

// TestOverflowThatBlocks holds that a sampler that waits for room takes nothing
// more, and cannot be asked to end.
func TestOverflowThatBlocks(t *testing.T) {
	t.Parallel()
	g := gateway(t, func(c map[string]any) {
		soon(c)
		sampler(c)["num_traces"], sampler(c)["block_on_overflow"] = 500, true
	})
	listen(t, g.Sink)
	p := start(t, g.Command)
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	_, err := sampling.Sender{To: []string{g.HTTP}, Spans: 2, PerSecond: 6000, Kinds: sampling.Kinds(6000)}.Send(ctx)
	if err == nil {
		t.Error("it took everything")
	}
	if p.Stop(5 * time.Second) {
		t.Error("it ended when it was asked to")
	}
}

// TestAForeignAuthority holds that spans are taken, and none reaches a backend
// whose certificate another authority signed.
func TestAForeignAuthority(t *testing.T) {
	t.Parallel()
	g := gateway(t, soon)
	if _, err := sampling.Authority(g.Dir); err != nil { // the backend has its certificate already
		t.Fatal(err)
	}
	listen(t, g.Sink)
	start(t, g.Command)
	send(t, sampling.Sender{To: []string{g.HTTP}, Spans: 1, PerSecond: 1000, Kinds: sampling.Kinds(200)})
	const words = "certificate signed by unknown authority"
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(g.Words(), words); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("it does not say %q: %s", words, g.Words())
		}
	}
	if c := g.Sink.Counts(); c.Strange > 0 {
		t.Errorf("%d traces came", c.Strange)
	}
}

// TestOnlyAStartSees holds what the collector's own check does not see.
func TestOnlyAStartSees(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(map[string]any)
		words  string
	}{
		"a policy's type": {func(c map[string]any) { policies(c)[0].(map[string]any)["type"] = "string_atribute" }, "unknown sampling policy type"},
		"a file that is not there": {func(c map[string]any) {
			sampling.At(c, "exporters", "otlp_http", "tls")["ca_file"] = "/nowhere/ca.crt"
		}, "failed to load CA CertPool"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gateway(t, tt.change)
			env := append(os.Environ(), "POD_IP=127.0.0.1", "SITE=edge-test")
			check := exec.CommandContext(t.Context(), g.Program, append([]string{"validate"}, g.Args...)...)
			check.Env = env
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("its own check sees it now: %v: %s", err, out)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			run := exec.CommandContext(ctx, g.Program, g.Args...)
			run.Env = env
			out, err := run.CombinedOutput()
			if err == nil || ctx.Err() != nil || !strings.Contains(string(out), tt.words) {
				t.Errorf("it started, or said something else: %v (%v)\n%.1500s", err, ctx.Err(), out)
			}
		})
	}
}
