package main

import (
	"encoding/json"
	"math"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// TestFaultsAtStart sets each fault as a cluster's values do.
func TestFaultsAtStart(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		pairs             []string
		draw              float64
		order, live, read int
		least             time.Duration
	}{
		"none":                         {nil, .5, 201, 200, 200, 0},
		"every order fails":            {[]string{"FAULT_ERROR_SHARE=1"}, .999, 500, 200, 200, 0},
		"a share fails, this one":      {[]string{"FAULT_ERROR_SHARE=0.3"}, .29, 500, 200, 200, 0},
		"a share fails, not this one":  {[]string{"FAULT_ERROR_SHARE=0.3"}, .3, 201, 200, 200, 0},
		"every order waits":            {[]string{"FAULT_LATENCY=60ms"}, .999, 201, 200, 200, 60 * time.Millisecond},
		"a share waits, this one":      {[]string{"FAULT_LATENCY=60ms", "FAULT_LATENCY_SHARE=0.3"}, .29, 201, 200, 200, 60 * time.Millisecond},
		"a share waits, not this one":  {[]string{"FAULT_LATENCY=20s", "FAULT_LATENCY_SHARE=0.3"}, .3, 201, 200, 200, 0},
		"waits and fails":              {[]string{"FAULT_LATENCY=60ms", "FAULT_ERROR_SHARE=1"}, .1, 500, 200, 200, 60 * time.Millisecond},
		"not ready, but takes orders":  {[]string{"FAULT_READINESS=true"}, .1, 201, 200, 503, 0},
		"not alive, but takes orders":  {[]string{"FAULT_LIVENESS=true"}, .1, 201, 503, 200, 0},
		"crashes later than this test": {[]string{"FAULT_CRASH_AFTER=1"}, .1, 201, 200, 200, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTestService(t, tc.pairs...)
			s.faults.draw = func() float64 { return tc.draw }
			begun := time.Now()
			code, body := call(t, s.orderHandler(), "POST", submitRoute, goodOrder)
			if took := time.Since(begun); code != tc.order || took < tc.least || took > 10*time.Second {
				t.Errorf("an order is answered %d %q after %s, want %d after %s", code, body, took, tc.order, tc.least)
			}
			for path, want := range map[string]int{"/healthz": tc.live, "/readyz": tc.read} {
				if code, _ := call(t, s.orderHandler(), "GET", path, ""); code != want {
					t.Errorf("%s answers %d, want %d", path, code, want)
				}
			}
			if want, got := map[int]float64{500: 1}[tc.order], testutil.ToFloat64(s.metrics.faults.WithLabelValues("error")); got != want {
				t.Errorf("%v faults are counted, want %v", got, want)
			}
		})
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	in := newInjector(Faults{ErrorShare: .2})
	failed := 0
	const orders = 20000
	for range orders {
		if in.next().fail {
			failed++
		}
	}
	if share := float64(failed) / orders; math.Abs(share-.2) > .02 {
		t.Errorf("a share of %v fails, want 0.2", share)
	}
}

func TestMemory(t *testing.T) { // alone: it reads the heap of the process
	in := newInjector(Faults{MemoryMiB: 64})
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc >> 20
	}
	if got := heap(); got < 64 {
		t.Errorf("the heap has %d MiB, want 64 held", got)
	}
	in.set(Faults{MemoryMiB: 80})
	if got := heap(); got < 80 {
		t.Errorf("the heap has %d MiB, want 80 held", got)
	}
	in.set(Faults{})
	if got := heap(); got > 40 {
		t.Errorf("the heap still has %d MiB", got)
	}
	runtime.KeepAlive(in)
}

// TestCrash sees the program end, each in the way asked for.
func TestCrash(t *testing.T) {
	t.Run("after orders", func(t *testing.T) {
		p := start(t, "FAULT_CRASH_AFTER=2")
		for i := range 3 {
			code, _, err := send(t, http.MethodPost, p.orders+submitRoute, goodOrder)
			if i < 2 && (err != nil || code != http.StatusCreated) {
				t.Fatalf("order %d is answered %d, %v", i, code, err)
			}
			if i == 2 && err == nil {
				t.Errorf("the last order is answered %d", code)
			}
		}
		if code := p.code(t); code != exitCrash {
			t.Errorf("exit code %d, want %d", code, exitCrash)
		}
	})
	t.Run("at start", func(t *testing.T) {
		var log lines
		if code := run(t.Context(), environ("FAULT_CRASH_AT_START=true"), &log); code != exitCrash || !strings.Contains(log.String(), "a fault ends") {
			t.Errorf("exit code %d, log %s", code, log.String())
		}
	})
	t.Run("at once, when set while it runs", func(t *testing.T) {
		p := start(t, "FAULTS_ENABLED=true")
		if _, _, err := send(t, http.MethodPut, p.metrics+"/faults", `{"crashAtStart":true}`); err != nil {
			t.Logf("the answer was cut off: %v", err)
		}
		if code := p.code(t); code != exitCrash {
			t.Errorf("exit code %d, want %d", code, exitCrash)
		}
	})
}

func TestFaultsWhileRunning(t *testing.T) {
	t.Parallel()
	s := newTestService(t, "FAULTS_ENABLED=true", "FAULT_ERROR_SHARE=1")
	operations, orders := s.operationsHandler(), s.orderHandler()
	order := func() int {
		code, _ := call(t, orders, "POST", submitRoute, goodOrder)
		return code
	}
	if code, body := call(t, operations, "GET", "/faults", ""); code != 200 || body != "{\"errorShare\":1}\n" || order() != 500 {
		t.Errorf("at first: %d %s", code, body)
	}
	for name, tc := range map[string]struct{ body, want string }{
		"not JSON":           {"x", "invalid character"},
		"an unknown fault":   {`{"fire":true}`, "unknown field"},
		"two":                {"{}{}", "more after"},
		"too long a wait":    {`{"latency":"1h"}`, "latency: want at most 30s"},
		"no duration":        {`{"latency":"soon"}`, "invalid duration"},
		"a share above all":  {`{"errorShare":1.5,"latencyShare":-1}`, "latencyShare: want 0 to 1"},
		"memory of a planet": {`{"memoryMiB":100000000}`, "memoryMiB: want"},
		"negative":           {`{"crashAfter":-1}`, "crashAfter: want"},
		"too large":          {`{"x":"` + strings.Repeat("x", 5<<10) + `"}`, "too large"},
	} {
		if code, body := call(t, operations, "PUT", "/faults", tc.body); code != 400 || !strings.Contains(body, tc.want) {
			t.Errorf("%s: %d %s, want 400 with %q", name, code, body, tc.want)
		}
	}
	if got := s.faults.get(); got.ErrorShare != 1 {
		t.Errorf("a wrong request changed the faults: %+v", got)
	}
	if code, body := call(t, operations, "PUT", "/faults", `{"readiness":true}`); code != 200 || order() != 201 {
		t.Errorf("replaced: %d %s", code, body)
	}
	if code, _ := call(t, orders, "GET", "/readyz", ""); code != 503 {
		t.Errorf("/readyz answers %d", code)
	}
	if text := gathered(t, s); !strings.Contains(text, "order_service_ready 0") {
		t.Error("the metric says ready")
	}
	if code, _ := call(t, operations, "PUT", "/faults", "{}"); code != 200 || !s.ready() {
		t.Errorf("taken away: %d", code)
	}
}

// TestFaultsAreWrittenAsRead holds the one form that values, /faults and logs share.
func TestFaultsAreWrittenAsRead(t *testing.T) {
	t.Parallel()
	want := Faults{Latency: Duration(time.Second), LatencyShare: .1, ErrorShare: .2, MemoryMiB: 3, CrashAfter: 4, CrashAtStart: true, Readiness: true, Liveness: true}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeFaults(strings.NewReader(string(data)))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%s, %v (-want +got):\n%s", data, err, diff)
	}
}

// FuzzDecodeFaults looks for faults that pass and are not bounded.
func FuzzDecodeFaults(f *testing.F) {
	for _, seed := range []string{"{}", `{"latency":"1s","latencyShare":0.5}`, `{"memoryMiB":1e3}`, `{"latency":""}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		faults, err := decodeFaults(strings.NewReader(text))
		if err != nil {
			return
		}
		if time.Duration(faults.Latency) > maxLatency || faults.MemoryMiB > maxMemoryMiB || faults.ErrorShare > 1 || faults.LatencyShare > 1 {
			t.Errorf("%q passes as %+v", text, faults)
		}
	})
}
