package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"time"
)

// Duration is a time.Duration written as text, "200ms".
type Duration time.Duration

// MarshalText writes it as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { //nolint:unparam // encoding.TextMarshaler has an error
	return []byte(time.Duration(d).String()), nil
}

// UnmarshalText reads what time.ParseDuration reads.
func (d *Duration) UnmarshalText(text []byte) error {
	parsed, err := time.ParseDuration(string(text))
	*d = Duration(parsed)
	return err
}

// Faults are the ways in which the service is told to fail. The zero value is a
// service that works.
type Faults struct {
	Latency      Duration `json:"latency,omitempty"`      // what an order waits
	LatencyShare float64  `json:"latencyShare,omitempty"` // share of orders that wait; 0: all
	ErrorShare   float64  `json:"errorShare,omitempty"`   // share of orders answered with 500
	MemoryMiB    int64    `json:"memoryMiB,omitempty"`    // held
	CrashAfter   int64    `json:"crashAfter,omitempty"`   // orders answered before the program exits
	CrashAtStart bool     `json:"crashAtStart,omitempty"`
	Readiness    bool     `json:"readiness,omitempty"` // /readyz fails
	Liveness     bool     `json:"liveness,omitempty"`  // /healthz fails
}

func isShare(s float64) bool { return s >= 0 && s <= 1 } // not a number is no share

func (f Faults) check() error {
	var errs []error
	if f.Latency < 0 || time.Duration(f.Latency) > maxLatency {
		errs = append(errs, fmt.Errorf("latency: want at most %s", maxLatency))
	}
	if !isShare(f.LatencyShare) {
		errs = append(errs, errors.New("latencyShare: want 0 to 1"))
	}
	if !isShare(f.ErrorShare) {
		errs = append(errs, errors.New("errorShare: want 0 to 1"))
	}
	if f.MemoryMiB < 0 || f.MemoryMiB > maxMemoryMiB {
		errs = append(errs, fmt.Errorf("memoryMiB: want 0 to %d", maxMemoryMiB))
	}
	if f.CrashAfter < 0 {
		errs = append(errs, errors.New("crashAfter: want no negative number"))
	}
	return errors.Join(errs...)
}

// injector holds the faults in force.
type injector struct {
	draw  func() float64 // from 0 up to 1
	crash chan struct{}  // closed when the program has to exit
	once  sync.Once

	change sync.Mutex // one change at a time; guards held
	held   [][]byte

	mu     sync.Mutex
	faults Faults
	served int64 // orders since the faults were set
}

func newInjector(f Faults) *injector {
	in := &injector{draw: rand.Float64, crash: make(chan struct{})}
	in.set(f)
	return in
}

// set replaces the faults.
func (in *injector) set(f Faults) {
	in.change.Lock()
	defer in.change.Unlock()
	in.hold(f.MemoryMiB)
	in.mu.Lock()
	in.faults, in.served = f, 0
	in.mu.Unlock()
	if f.CrashAtStart { // set while running: now
		in.exit()
	}
}

func (in *injector) get() Faults {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.faults
}

func (in *injector) exit() { in.once.Do(func() { close(in.crash) }) }

// hold keeps so much memory, every page of it written to.
func (in *injector) hold(mib int64) {
	const block = 1 << 20
	if mib < int64(len(in.held)) {
		clear(in.held[mib:])
		in.held = in.held[:mib:mib]
		debug.FreeOSMemory()
	}
	page := os.Getpagesize()
	for int64(len(in.held)) < mib {
		b := make([]byte, block)
		for i := 0; i < block; i += page {
			b[i] = 1
		}
		in.held = append(in.held, b)
	}
}

// blow is what happens to one order.
type blow struct {
	crash bool
	wait  time.Duration
	fail  bool
}

// next draws what happens to the next order.
func (in *injector) next() blow {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.served++
	f := in.faults
	var b blow
	b.crash = f.CrashAfter > 0 && in.served > f.CrashAfter
	if f.Latency > 0 && (f.LatencyShare == 0 || in.draw() < f.LatencyShare) {
		b.wait = time.Duration(f.Latency)
	}
	b.fail = f.ErrorShare > 0 && in.draw() < f.ErrorShare
	return b
}

// faultRoutes lets the faults be read and replaced while the program runs.
func (s *service) faultRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) {
		s.answer(w, http.StatusOK, s.faults.get())
	})
	mux.HandleFunc("PUT /faults", func(w http.ResponseWriter, r *http.Request) {
		f, err := decodeFaults(r.Body)
		if err != nil {
			s.answer(w, http.StatusBadRequest, failure{Error: err.Error()})
			return
		}
		s.log.Warn("faults are replaced", "faults", f)
		s.answer(w, http.StatusOK, f) // before a crash, which some faults are
		s.faults.set(f)
	})
}

func decodeFaults(r io.Reader) (Faults, error) {
	var f Faults
	if err := decodeStrict(r, 4<<10, &f); err != nil {
		return Faults{}, fmt.Errorf("faults: %w", err)
	}
	return f, f.check()
}
