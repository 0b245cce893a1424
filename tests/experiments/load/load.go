// Package load measures what a fleet's API calls meet on the hub as it is declared:
// three etcd members, two API servers behind their balancer, real processes of this
// machine. Calls fall due at a steady rate, whatever became of those before, and
// each one's time counts from when it was due, so that waiting is not hidden. While
// they run an API server and the leader of etcd are killed and started again. It
// works on a cluster of its own, which it removes, and repeats no call that failed.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/experiment"
)

// Options are how much is measured.
type Options struct {
	Root   string // the repository's folder
	Rate   int    // calls a second
	Length time.Duration
	Rounds int
	Out    io.Writer // every run in words
}

// What every run measures.
const (
	answered   = "answered"
	unanswered = "without an answer"
	cpuPerCall = "CPU per answered call"
	median     = "latency p50"
	tail       = "latency p99"
)

// Plan is the experiment: the base runs undisturbed, the other arm has its kills.
func Plan(ctx context.Context, o Options) (experiment.Plan, error) {
	if o.Rate < 1 || o.Length < 10*time.Second {
		return experiment.Plan{}, fmt.Errorf("experiment load: %d calls a second for %s; take at least 1, and 10s", o.Rate, o.Length)
	}
	declared, err := declaredHub(ctx, o.Root)
	if err != nil {
		return experiment.Plan{}, err
	}
	arm := func(name string, kills bool) experiment.Arm {
		return experiment.Arm{Name: name, Run: func(ctx context.Context) (experiment.Sample, error) { return o.run(ctx, declared, name, kills) }}
	}
	return experiment.Plan{
		Name: fmt.Sprintf("load-%d", o.Rate),
		Question: fmt.Sprintf("What do %d API calls a second for %s meet on the hub when an API server and the leader of etcd are killed meanwhile? "+
			"Times count from when a call was due; one that got no answer %s after it is given up.", o.Rate, o.Length, patience),
		Metrics: []experiment.Metric{
			{Name: answered, Unit: "calls/s", Noisy: true},
			{Name: unanswered, Unit: "%", LowerIsBetter: true},
			{Name: cpuPerCall, Unit: "ms", LowerIsBetter: true},
			{Name: median, Unit: "ms", Noisy: true, LowerIsBetter: true},
			{Name: tail, Unit: "ms", Noisy: true, LowerIsBetter: true},
		},
		Base: arm("undisturbed", false), Others: []experiment.Arm{arm("kills", true)}, Rounds: o.Rounds,
	}, nil
}

// run is one run on a fresh cluster.
func (o Options) run(ctx context.Context, declared declaration, name string, kills bool) (sample experiment.Sample, err error) {
	dir, err := os.MkdirTemp("", "dualtrack-load-")
	if err != nil {
		return nil, fmt.Errorf("make room for the cluster: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	h, err := startHub(ctx, declared, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, h.remove(ctx)) }()
	g, err := newGenerator(ctx, h.access, o.Rate, o.Length)
	if err != nil {
		return nil, err
	}
	defer g.close()
	cpu := newMeter()
	if err := cpu.follow(ctx, h); err != nil {
		return nil, err
	}
	work, inside := errgroup.WithContext(ctx)
	var marks []mark
	g.begin()
	work.Go(func() error { return g.run(inside) })
	if kills {
		work.Go(func() error {
			var err error
			marks, err = disturb(inside, h, cpu, g.begun, o.Length)
			return err
		})
	}
	if err := work.Wait(); err != nil {
		return nil, err
	}
	cpu.read(ctx)
	r := g.report()
	r.marks = recoveries(r.samples, marks, o.Length)
	if r.audit, err = readAudit(filepath.Join(dir, h.spec.Cluster.Name, "audit"), userAgent); err != nil {
		return nil, err
	}
	if err := r.text(o.Out, fmt.Sprintf("load-%d, %s", o.Rate, name), o.Length); err != nil {
		return nil, err
	}
	return experiment.Sample{
		answered: float64(r.answers()) / o.Length.Seconds(), unanswered: 100 * float64(r.lost()) / float64(max(len(r.samples), 1)),
		cpuPerCall: cpu.seconds() * 1000 / float64(max(r.answers(), 1)),
		median:     r.percentile(0.5).Seconds() * 1000, tail: r.percentile(0.99).Seconds() * 1000,
	}, nil
}
