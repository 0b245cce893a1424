//go:build real

package otel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// kinds of traces, and how many are sent. Together they are 100,000.
func kinds() []kind {
	return []kind{
		{name: "order", route: "/order/submit", traces: 2000},
		{name: "error", route: "/stock", status: 2, traces: 1000},
		{name: "slow", route: "/stock", took: 3 * time.Second, traces: 1000},
		// The route of the rest begins like the one that is always kept.
		{name: "rest", route: "/order/submitted", traces: 96_000},
	}
}

type kind struct {
	name, route string
	status      int
	took        time.Duration
	traces      int
}

// sent are the ids of the traces, by kind.
type sent map[string]map[string]bool

// send sends every kind's traces, mixed, at about perSecond.
func send(t *testing.T, p places, all []kind, perSecond int) sent {
	t.Helper()
	random := rand.New(rand.NewPCG(7, 0))
	ids := sent{}
	var order []kind
	for _, k := range all {
		ids[k.name] = map[string]bool{}
		for range k.traces {
			order = append(order, k)
		}
	}
	random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	const batch = 500
	tick := time.NewTicker(time.Second * batch / time.Duration(perSecond))
	defer tick.Stop()
	for len(order) > 0 {
		n := min(batch, len(order))
		var spans []map[string]any
		for _, k := range order[:n] {
			id := fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
			ids[k.name][id] = true
			end := time.Now()
			spans = append(spans, map[string]any{
				"traceId": id, "spanId": fmt.Sprintf("%016x", random.Uint64()|1), "name": "request", "kind": 2,
				"startTimeUnixNano": strconv.FormatInt(end.Add(-max(k.took, 5*time.Millisecond)).UnixNano(), 10),
				"endTimeUnixNano":   strconv.FormatInt(end.UnixNano(), 10),
				"attributes":        []any{map[string]any{"key": "http.route", "value": map[string]any{"stringValue": k.route}}},
				"status":            map[string]any{"code": k.status},
			})
		}
		post(t, p, spans)
		order = order[n:]
		<-tick.C
	}
	return ids
}

// arrived counts the traces of each kind that came, and those that nobody sent.
func arrived(ids sent, traces map[string]int) (counts map[string]int, strange int) {
	counts = map[string]int{}
	for id := range traces {
		known := false
		for name, set := range ids {
			if set[id] {
				counts[name]++
				known = true
			}
		}
		if !known {
			strange++
		}
	}
	return counts, strange
}

// judge holds that all of what must be kept came, and of the rest a tenth within
// four standard deviations: the choice is a hash of the trace's id.
func judge(t *testing.T, ids sent, b *backend, traces map[string]int) {
	t.Helper()
	counts, strange := arrived(ids, traces)
	for _, name := range []string{"order", "error", "slow"} {
		if counts[name] != len(ids[name]) {
			t.Errorf("%s: %d of %d traces arrived", name, counts[name], len(ids[name]))
		}
	}
	n := float64(len(ids["rest"]))
	sigma := math.Sqrt(n * 0.1 * 0.9)
	if off := math.Abs(float64(counts["rest"]) - n/10); off > 4*sigma {
		t.Errorf("rest: %d of %.0f traces arrived, %.1f standard deviations from a tenth", counts["rest"], n, off/sigma)
	}
	if strange > 0 || b.odd > 0 {
		t.Errorf("%d traces came that nobody sent, %d spans without cluster_env", strange, b.odd)
	}
	t.Logf("arrived: %d order, %d error, %d slow, %d of %.0f others (a tenth ± %.0f)", counts["order"], counts["error"], counts["slow"], counts["rest"], n, 4*sigma)
}

// TestEveryOrderArrives sends 100,000 traces through a site's gateway.
func TestEveryOrderArrives(t *testing.T) {
	t.Parallel()
	program, config := gateway(t, "edge-lima")
	p := newPlaces(t)
	b := newBackend(t, p.dir)
	b.listen(t)
	c := p.start(t, program, p.here(t, config, nil), b.url)
	ids := send(t, p, kinds(), 4000)
	judge(t, ids, b, b.settled(t, 25*time.Second, 3*time.Minute))
	if t.Failed() {
		t.Log(c.words())
	}
}

// TestNothingDecidedIsLost has no backend for a minute, then kills the gateway and
// starts it again: what it had decided to keep waits on the disk.
func TestNothingDecidedIsLost(t *testing.T) {
	t.Parallel()
	program, config := gateway(t, "edge-lima")
	p := newPlaces(t)
	b := newBackend(t, p.dir)
	path := p.here(t, config, nil)
	c := p.start(t, program, path, b.url)
	ids := send(t, p, []kind{
		{name: "order", route: "/order/submit", traces: 2000}, {name: "error", route: "/stock", status: 2, traces: 300},
		{name: "slow", route: "/stock", took: 3 * time.Second, traces: 300}, {name: "rest", route: "/stock", traces: 17_400},
	}, 1000)
	time.Sleep(40 * time.Second) // the last decision is made, and there is nobody to send to
	c.kill()
	b.listen(t)
	c = p.start(t, program, path, b.url)
	judge(t, ids, b, b.settled(t, 25*time.Second, 3*time.Minute))
	if t.Failed() {
		t.Log(c.words())
	}
}

// TestTraps turns one setting each into what it must not be: the test above would
// see it.
func TestTraps(t *testing.T) {
	t.Parallel()
	program, config := gateway(t, "edge-lima")
	sampling := func(c map[string]any) map[string]any { return at(c, "processors", "tail_sampling") }
	policies := func(c map[string]any) []any { return sampling(c)["policies"].([]any) }
	for name, tt := range map[string]struct {
		change func(map[string]any)
		order  func(came, sent int) bool
		rest   func(came, sent int) bool
	}{
		"too few traces in memory": {
			func(c map[string]any) { sampling(c)["num_traces"] = 500 },
			func(came, sent int) bool { return came < sent }, func(came, sent int) bool { return came < sent/20 },
		},
		"an inverted match votes for everything else": {
			func(c map[string]any) {
				sampling(c)["policies"] = append(policies(c), map[string]any{"name": "others", "type": "string_attribute",
					"string_attribute": map[string]any{"key": "http.route", "values": []any{"/order/submit"}, "invert_match": true}})
			},
			func(came, sent int) bool { return came == sent }, func(came, sent int) bool { return came == sent },
		},
		"an expression without its end": {
			func(c map[string]any) {
				at(policies(c)[0].(map[string]any), "string_attribute")["enabled_regex_matching"] = true
			},
			func(came, sent int) bool { return came == sent }, func(came, sent int) bool { return came == sent },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlaces(t)
			b := newBackend(t, p.dir)
			b.listen(t)
			p.start(t, program, p.here(t, config, func(c map[string]any) {
				sampling(c)["decision_wait"] = "2s"
				tt.change(c)
			}), b.url)
			all := []kind{{name: "order", route: "/order/submit", traces: 1000}, {name: "rest", route: "/order/submitted", traces: 5000}}
			ids := send(t, p, all, 6000)
			counts, _ := arrived(ids, b.settled(t, 15*time.Second, time.Minute))
			if !tt.order(counts["order"], 1000) || !tt.rest(counts["rest"], 5000) {
				t.Errorf("%d of 1000 orders and %d of 5000 others came", counts["order"], counts["rest"])
			}
			t.Logf("%d of 1000 orders and %d of 5000 others came", counts["order"], counts["rest"])
		})
	}
}

// TestOnlyAStartSees holds what the collector's own check does not see.
func TestOnlyAStartSees(t *testing.T) {
	t.Parallel()
	program, config := gateway(t, "edge-lima")
	p := newPlaces(t)
	newBackend(t, p.dir)
	path := p.here(t, config, func(c map[string]any) {
		at(c, "processors", "tail_sampling")["policies"].([]any)[0].(map[string]any)["type"] = "string_atribute"
	})
	p.refused(t, program, path, "unknown sampling policy type")
}
