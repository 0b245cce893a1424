package etcdbench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"dualtrack.internal/platform/experiment"
)

// loadLimit bounds one run of the load.
const loadLimit = 10 * time.Minute

// Bench says what is measured, on what.
type Bench struct {
	Etcd, Etcd35 string // programs
	Ops          string // the program that makes the load
	Dir          string // where data is written; must be a disk for fsync to mean anything
	Workload     string // of Workloads
	Members      int    // 1 or 3
	Clients      int    // callers at once
	Count        int    // operations a run
	Size         int    // bytes of a value
	Rounds       int
}

// Workloads are the kinds of load.
func Workloads() []string { return []string{"puts", "leases", "revisions", "watches"} }

// Names of what is measured.
const (
	PeakRSS   = "peak RSS"
	GCShare   = "GC share of CPU"
	CPUPerOp  = "CPU per operation"
	Heap      = "heap after compaction"
	PerFsync  = "operations per WAL fsync"
	Rate      = "rate"
	LatencyP5 = "latency p50"
	LatencyP9 = "latency p99"
)

// Metrics are those of these names, all without names.
func Metrics(names ...string) []experiment.Metric {
	all := []experiment.Metric{
		{Name: PeakRSS, Unit: "MiB", LowerIsBetter: true},
		{Name: CPUPerOp, Unit: "us", LowerIsBetter: true},
		{Name: GCShare, Unit: "%", LowerIsBetter: true},
		{Name: Heap, Unit: "MiB", LowerIsBetter: true},
		{Name: PerFsync},
		{Name: Rate, Unit: "operations/s", Noisy: true},
		{Name: LatencyP5, Unit: "ms", Noisy: true, LowerIsBetter: true},
		{Name: LatencyP9, Unit: "ms", Noisy: true, LowerIsBetter: true},
	}
	return slices.DeleteFunc(all, func(m experiment.Metric) bool { return len(names) > 0 && !slices.Contains(names, m.Name) })
}

// arms are what can be compared with the default, by name.
func (b Bench) arms() map[string]Setting {
	return map[string]Setting{
		"etcd35":      {Binary: b.Etcd35},
		"gogc50":      {Binary: b.Etcd, Env: []string{"GOGC=50"}},
		"gogc50limit": {Binary: b.Etcd, Env: []string{"GOGC=50", "GOMEMLIMIT=512MiB"}},
		"gogc200":     {Binary: b.Etcd, Env: []string{"GOGC=200"}},
		"batch":       {Binary: b.Etcd, Flags: []string{"--backend-batch-interval=500ms", "--backend-batch-limit=50000"}},
	}
}

// Plan is the experiment: the default against the named arms.
func (b Bench) Plan(arms []string) (experiment.Plan, error) {
	if err := b.Check(arms); err != nil {
		return experiment.Plan{}, err
	}
	p := experiment.Plan{
		Name: "etcd", Metrics: Metrics(), Rounds: b.Rounds,
		Question: fmt.Sprintf("what do settings of etcd change under %s? %d members, %d clients, %d operations of %d bytes",
			b.Workload, b.Members, b.Clients, b.Count, b.Size),
		Base: b.Arm("default", Setting{Binary: b.Etcd}),
	}
	known := b.arms()
	for _, name := range arms {
		p.Others = append(p.Others, b.Arm(name, known[name]))
	}
	return p, nil
}

// Check says what is wrong with a bench's numbers and names, before anything is
// built.
func (b Bench) Check(arms []string) error {
	known := b.arms()
	for _, name := range arms {
		if _, ok := known[name]; !ok {
			return fmt.Errorf("no arm %q; there are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	switch {
	case !slices.Contains(Workloads(), b.Workload):
		return fmt.Errorf("no workload %q; there are %s", b.Workload, strings.Join(Workloads(), ", "))
	case b.Members != 1 && b.Members != 3:
		return fmt.Errorf("%d members; take 1 or 3", b.Members)
	case min(b.Clients, b.Count, b.Size, b.Rounds) < 1:
		return errors.New("clients, operations, their size and rounds are at least 1")
	}
	return nil
}

// Arm measures members with a setting.
func (b Bench) Arm(name string, s Setting) experiment.Arm {
	return experiment.Arm{Name: name, Run: func(ctx context.Context) (experiment.Sample, error) { return b.run(ctx, s) }}
}

// run is one run on fresh members.
func (b Bench) run(ctx context.Context, s Setting) (sample experiment.Sample, err error) {
	dir, err := os.MkdirTemp(b.Dir, "etcdbench-")
	if err != nil {
		return nil, fmt.Errorf("make room for the members' data: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	c, err := Start(ctx, s, b.Members, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Stop()) }()
	before, err := c.Usage(ctx, false)
	if err != nil {
		return nil, err
	}
	load, err := Load(ctx, b.Ops, c.Endpoints, b.Workload, b.Clients, b.Count, b.Size, false)
	if err != nil {
		return nil, err
	}
	after, err := c.Usage(ctx, false)
	if err != nil {
		return nil, err
	}
	if _, err = Load(ctx, b.Ops, c.Endpoints, "puts", 1, 1, 1, true); err != nil { // one put, then the compaction
		return nil, err
	}
	compacted, err := c.Usage(ctx, true)
	if err != nil {
		return nil, err
	}
	const mib = 1 << 20
	cpu, fsyncs := after.CPU-before.CPU, (after.Fsyncs-before.Fsyncs)/float64(b.Members)
	return experiment.Sample{
		PeakRSS: after.PeakRSS / mib, CPUPerOp: cpu / float64(b.Count) * 1e6,
		GCShare: (after.GCCPU - before.GCCPU) / max(cpu, 1e-9) * 100, Heap: compacted.HeapInUse / mib,
		PerFsync: float64(b.Count) / max(fsyncs, 1),
		Rate:     load.QPS, LatencyP5: load.P50, LatencyP9: load.P99,
	}, nil
}

// LoadResult is what the load itself measured.
type LoadResult struct {
	Ops     int     `json:"ops"`
	Seconds float64 `json:"seconds"`
	QPS     float64 `json:"qps"`
	P50     float64 `json:"p50Millis"`
	P99     float64 `json:"p99Millis"`
}

// Load runs the load's program against members and waits for it.
func Load(ctx context.Context, program string, endpoints []string, workload string, clients, count, size int, compact bool) (LoadResult, error) {
	ctx, cancel := context.WithTimeout(ctx, loadLimit)
	defer cancel()
	var out, complaints bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "load", "-endpoints", strings.Join(endpoints, ","), "-workload", workload,
		"-clients", strconv.Itoa(clients), "-ops", strconv.Itoa(count), "-size", strconv.Itoa(size), "-compact="+strconv.FormatBool(compact))
	cmd.Stdout, cmd.Stderr = &out, &complaints
	cmd.WaitDelay = stopGrace
	ownSession(cmd)
	var r LoadResult
	if err := cmd.Run(); err != nil {
		return r, fmt.Errorf("load on etcd: %w: %s", err, lastLine(complaints.String()))
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return r, fmt.Errorf("load on etcd: its answer: %w", err)
	}
	return r, nil
}
