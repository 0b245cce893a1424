// Package logs measures the intake of container log files: the real collector with
// the agent's configuration as it is rendered, against what the collector does by
// itself. Every line must arrive, or the run is an error. It also kills the agents
// while files grow and are rotated, and counts what was lost and what came twice.
// It knows nothing of clusters: the files are written here, and the gateway is a
// counter.
package logs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/tests/experiments/collector"
)

// Options are how much is measured.
type Options struct {
	Cluster string
	Files   Files
	Rounds  int
}

// What every run measures.
const (
	perCPU  = "lines per CPU second"
	perTime = "lines per second"
	memory  = "peak RSS"
)

// quiet is how long nothing must come before a run is over.
const quiet = 20 * time.Second

// Plan is the experiment: what the collector does by itself is the base.
func Plan(ctx context.Context, o Options) (experiment.Plan, error) {
	ours, err := Agent(ctx, o.Cluster)
	if err != nil {
		return experiment.Plan{}, err
	}
	arm := func(name string, r Rendered) experiment.Arm {
		return experiment.Arm{Name: name, Run: func(ctx context.Context) (experiment.Sample, error) { return o.run(ctx, r) }}
	}
	return experiment.Plan{
		Name: "logs",
		Question: fmt.Sprintf("What does it cost to take %d lines of %d containers' log files: the collector's own way, against the agent of %s as rendered? Every line arrives.",
			o.Files.Count*o.Files.Lines, o.Files.Count, o.Cluster),
		Metrics: []experiment.Metric{{Name: perCPU}, {Name: perTime, Noisy: true}, {Name: memory, Unit: "MiB", LowerIsBetter: true}},
		Base:    arm("default", Default(ours)), Others: []experiment.Arm{arm("ours", ours)}, Rounds: o.Rounds,
	}, nil
}

// run takes files that are there at once.
func (o Options) run(ctx context.Context, r Rendered) (sample experiment.Sample, err error) {
	dir, err := os.MkdirTemp("", "dualtrack-logs-")
	if err != nil {
		return nil, fmt.Errorf("make room for log files: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sink, err := NewSink(ctx, o.Files)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	p, err := r.Here(ctx, dir, sink.Addr())
	if err != nil {
		return nil, err
	}
	staged := filepath.Join(dir, "staged")
	if err := errors.Join(sink.Listen(ctx), o.Files.Write(staged)); err != nil {
		return nil, err
	}
	agent, err := p.Start(ctx)
	if err != nil {
		return nil, err
	}
	defer agent.Kill()
	// It has looked once, so that all it finds now is new to it.
	if err := collector.Pause(ctx, 2*time.Second); err != nil {
		return nil, err
	}
	before, _, err := agent.Usage(ctx)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := errors.Join(os.Remove(p.Pods), os.Rename(staged, p.Pods)); err != nil {
		return nil, fmt.Errorf("put the log files in place: %w", err)
	}
	total := o.Files.Count * o.Files.Lines
	c, err := sink.await(ctx, total, begun)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, p.Words())
	}
	after, peak, err := agent.Usage(ctx)
	if err != nil {
		return nil, err
	}
	return experiment.Sample{perCPU: float64(total) / max(after-before, 0.01), perTime: float64(total) / c.Last.Sub(begun).Seconds(), memory: peak / (1 << 20)}, nil
}

// await waits until as many lines came as were written, each once.
func (s *Sink) await(ctx context.Context, total int, begun time.Time) (Counts, error) {
	for {
		c := s.Counts()
		last := c.Last
		if last.IsZero() {
			last = begun
		}
		switch {
		case c.Again > 0 || c.Strange > 0:
			return c, fmt.Errorf("%d lines came twice, %d are none that was written", c.Again, c.Strange)
		case c.Lines == total:
			return c, nil
		case time.Since(last) > quiet:
			return c, fmt.Errorf("%d of %d lines came, and none for %s", c.Lines, total, quiet)
		}
		if err := collector.Pause(ctx, 20*time.Millisecond); err != nil {
			return c, err
		}
	}
}

// Settled waits until nothing has come for a while, or all has.
func (s *Sink) Settled(ctx context.Context, total int) (Counts, error) {
	for begun := time.Now(); ; {
		c := s.Counts()
		last := c.Last
		if last.Before(begun) {
			last = begun
		}
		if since := time.Since(last); since > quiet || (c.Lines == total && since > 5*time.Second) {
			return c, nil
		}
		if err := collector.Pause(ctx, 100*time.Millisecond); err != nil {
			return c, err
		}
	}
}

// Killed is what came of agents that were killed while files grew.
type Killed struct {
	Kills  int
	Counts Counts
}

// Kills writes lines at a rate, and kills the agent and starts it again at random
// times meanwhile. away holds the gateway back for so long first.
func (p *Place) Kills(ctx context.Context, sink *Sink, f Files, perSecond int, away time.Duration) (k Killed, err error) {
	agent, err := p.Start(ctx)
	if err != nil {
		return k, err
	}
	defer func() { agent.Kill() }()
	if err := collector.Pause(ctx, 2*time.Second); err != nil { // it has looked once: what comes now is new
		return k, err
	}
	work, inside := errgroup.WithContext(ctx)
	written := make(chan struct{})
	work.Go(func() error {
		defer close(written)
		return f.Trickle(inside, p.Pods, perSecond)
	})
	work.Go(func() error {
		if err := collector.Pause(inside, away); err != nil {
			return err
		}
		return sink.Listen(ctx)
	})
	work.Go(func() error {
		random := rand.New(rand.NewPCG(11, 0)) //nolint:gosec // times of kills
		for {
			wait := time.NewTimer(time.Second + time.Duration(random.IntN(3000))*time.Millisecond)
			select {
			case <-inside.Done():
				wait.Stop()
				return context.Cause(inside)
			case <-written:
				wait.Stop()
				return nil
			case <-wait.C:
			}
			agent.Kill()
			k.Kills++
			next, err := p.Start(inside)
			if err != nil {
				return err
			}
			agent = next
		}
	})
	if err := work.Wait(); err != nil {
		return k, err
	}
	k.Counts, err = sink.Settled(ctx, f.Count*f.Lines)
	return k, err
}

// ShowKills kills agents of three kinds and writes what became of the lines.
func ShowKills(ctx context.Context, out io.Writer, cluster string, f Files, perSecond int) error {
	ours, err := Agent(ctx, cluster)
	if err != nil {
		return err
	}
	for _, arm := range []struct {
		name string
		r    Rendered
	}{{"default", Default(ours)}, {"default that notes its place", Noted(ours)}, {"ours", ours}} {
		k, err := killsOf(ctx, arm.r, f, perSecond)
		if err != nil {
			return fmt.Errorf("kills, %s: %w", arm.name, err)
		}
		total := f.Count * f.Lines
		if _, err := fmt.Fprintf(out, "killed -9 %d times while %d lines were written to %d files and these rotated, %s: %d lost, %d came twice\n",
			k.Kills, total, f.Count, arm.name, total-k.Counts.Lines, k.Counts.Again); err != nil {
			return err
		}
	}
	return nil
}

func killsOf(ctx context.Context, r Rendered, f Files, perSecond int) (k Killed, err error) {
	dir, err := os.MkdirTemp("", "dualtrack-logs-")
	if err != nil {
		return k, fmt.Errorf("make room for log files: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sink, err := NewSink(ctx, f)
	if err != nil {
		return k, err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	p, err := r.Here(ctx, dir, sink.Addr())
	if err != nil {
		return k, err
	}
	return p.Kills(ctx, sink, f, perSecond, 0)
}
