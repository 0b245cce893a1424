// Package tuner measures what `platform tune` comes to: a real etcd with its
// default settings against one with those at which the tuner has nothing more to
// propose, found on this machine from a real Prometheus. The tuner begins where the
// collector is set too tight, as in the test of tests/real/tune: at the default it
// proposes nothing under this load. It touches no cluster and no repository.
package tuner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/platform/tool"
	knobs "dualtrack.internal/platform/tune"
	stack "dualtrack.internal/tests/real/tune"
)

// Options are how much is measured.
type Options struct {
	Budget int64         // bytes that a member may have
	Look   time.Duration // how long etcd is watched before the tuner is asked
	Looks  int           // how often at the most
	Count  int           // puts a run
	Rounds int
	Out    io.Writer // hears each look
}

// walker goes from a collector that is set too tight to where the tuner stays.
type walker struct {
	programs map[string]string
	root     string
	options  Options
}

// step is how far apart samples are, and settle how many of them the tuner waits for.
const (
	step   = 5 * time.Second
	settle = time.Minute
	costly = "EtcdGarbageCollectionCostly"
)

// ordinary are the settings of an etcd that nobody tells anything, and tight those
// from which the tuner begins.
func ordinary() knobs.Knobs { return knobs.Knobs{GOGC: 100} }
func tight() knobs.Knobs    { return knobs.Knobs{GOGC: stack.Tight} }

// Plan walks to where the tuner stays, and compares that, and where it began, with
// the default.
func Plan(ctx context.Context, o Options) (experiment.Plan, error) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		return experiment.Plan{}, err
	}
	programs, err := stack.Programs(ctx, root)
	if err != nil {
		return experiment.Plan{}, err
	}
	w := walker{programs: programs, root: root, options: o}
	end, err := w.walk(ctx)
	if err != nil {
		return experiment.Plan{}, fmt.Errorf("walk with the tuner: %w", err)
	}
	bench := etcdbench.Bench{Ops: programs[tool.EtcdOps], Workload: stack.Workload, Members: 1, Clients: stack.Clients, Count: o.Count, Size: stack.Size}
	plan := experiment.Plan{
		Name: "tuner",
		Question: fmt.Sprintf("what do the tuner's settings change under %d puts of %d clients? default: %s; tight, where it begins: %s; tuned, where it ends: %s",
			o.Count, stack.Clients, say(ordinary()), say(tight()), say(end)),
		Metrics: etcdbench.Metrics(etcdbench.GCShare, etcdbench.PeakRSS, etcdbench.CPUPerOp),
		Base:    bench.Arm("default", w.setting(ordinary())), Rounds: o.Rounds,
		Others: []experiment.Arm{bench.Arm("tuned", w.setting(end)), bench.Arm("tight", w.setting(tight()))},
	}
	return plan, nil
}

func (w walker) setting(k knobs.Knobs) etcdbench.Setting {
	s := etcdbench.Setting{Binary: w.programs[tool.Etcd], Env: []string{fmt.Sprintf("GOGC=%d", k.GOGC)}}
	if k.Limit > 0 {
		s.Env = append(s.Env, fmt.Sprintf("GOMEMLIMIT=%d", k.Limit))
	}
	return s
}

func say(k knobs.Knobs) string {
	if k.Limit == 0 {
		return fmt.Sprintf("GOGC %d and no limit", k.GOGC)
	}
	return fmt.Sprintf("GOGC %d and a limit of %d MiB", k.GOGC, k.Limit>>20)
}

// walk asks the tuner, starts etcd anew with what it proposes, and asks again,
// until it proposes nothing, or was asked often enough. Each look begins without a
// past, as the command does.
func (w walker) walk(ctx context.Context) (knobs.Knobs, error) {
	at := tight()
	for range w.options.Looks {
		seen, alerts, err := w.look(ctx, at)
		if err != nil {
			return at, err
		}
		change, ok := seen.Change()
		then, stays := "nothing to change", seen.Words["holding"] > 0
		switch {
		case ok:
			then = fmt.Sprintf("%s: %s", say(change.To), change.Why)
		case !stays:
			then = "too short, or too uneven, to say anything"
		}
		fires := costly + " does not fire"
		if slices.Contains(alerts, costly) {
			fires = costly + " fires"
		}
		if _, err := fmt.Fprintf(w.options.Out, "tuner, %s: %s %s\n  -> %s\n", say(at), seen.Evidence(), fires, then); err != nil {
			return at, err
		}
		if stays && !ok {
			return at, nil
		}
		if ok {
			at = change.To
		}
	}
	return at, nil
}

// look loads a fresh member under a Prometheus, and asks the tuner.
func (w walker) look(ctx context.Context, k knobs.Knobs) (seen knobs.Outcome, alerts []string, err error) {
	dir, err := os.MkdirTemp("", "tuner-")
	if err != nil {
		return seen, nil, fmt.Errorf("a folder for etcd and Prometheus: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	etcd, err := etcdbench.Start(ctx, w.setting(k), 1, dir)
	if err != nil {
		return seen, nil, err
	}
	defer func() { err = errors.Join(err, etcd.Stop()) }()
	prometheus, err := stack.Watch(ctx, w.programs[tool.Prometheus], w.root, etcd.Endpoints[0], dir)
	if err != nil {
		return seen, nil, err
	}
	defer prometheus.Stop()
	stop := stack.Busy(ctx, w.programs[tool.EtcdOps], etcd.Endpoints[0])
	err = rated(ctx, prometheus)
	if err == nil {
		err = pause(ctx, w.options.Look)
	}
	if err == nil {
		alerts, err = prometheus.Firing(ctx)
	}
	if err = errors.Join(err, stop()); err != nil {
		return seen, nil, err
	}
	now, apart := time.Now(), min(step, max(time.Second, (w.options.Look/4).Truncate(time.Second)))
	source := knobs.Prometheus{URL: prometheus.URL, Job: "etcd", Client: &http.Client{Timeout: 30 * time.Second}}
	samples, err := source.Samples(ctx, now.Add(-w.options.Look).Truncate(time.Second), now, apart)
	if err != nil {
		return seen, nil, err
	}
	if len(samples) < 2 {
		return seen, nil, fmt.Errorf("in Prometheus are %d samples of etcd after %s", len(samples), w.options.Look)
	}
	config := knobs.Defaults(w.options.Budget)
	config.Settle = settle
	seen, err = knobs.Run(config, k, samples)
	return seen, alerts, err
}

// rated waits until Prometheus has scraped so often that it knows rates.
func rated(ctx context.Context, p *stack.Prometheus) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		value, err := p.Value(ctx, "rate(go_gc_duration_seconds_count[1m])")
		if err != nil || value != "nothing" {
			return err
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return fmt.Errorf("wait for Prometheus to scrape etcd: %w", err)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
