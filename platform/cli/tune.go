package cli

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/resource"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/tune"
)

// tuning are the flags of tune.
type tuning struct {
	prometheus, replay, job, budget, pprof string
	window, step, settle                   time.Duration
	dryRun                                 bool
}

func newTune(env *environment) *cobra.Command {
	var f tuning
	cmd := &cobra.Command{
		Use: "tune CLUSTER", Short: "Propose GOGC and GOMEMLIMIT of a cluster's etcd as a Git commit",
		Long: "tune looks at etcd's collections and memory, in a Prometheus or a recording, and proposes one step of\n" +
			"GOGC or GOMEMLIMIT as a commit on a branch tune/…, with a profile of 30 seconds when --pprof names a\n" +
			"member. It touches no cluster and none of the files that are checked out.\n\n" +
			"A recording has a JSON object a line, oldest first, a minute apart as a rule: the time, collections of\n" +
			"the busiest member in a minute, its resident memory in bytes, and the share of its CPU time that\n" +
			"collecting took, which may be left out:\n\n  " + tune.ReplayLine + "\n\n" +
			"Nothing is proposed before --settle of samples; moving averages keep 0.92 of their past in a minute.",
		Example: "  platform tune hub --prometheus http://127.0.0.1:9090 --budget 5Gi\n  platform tune hub --replay recording.jsonl --budget 5Gi --dry-run",
		Args:    argsUsage(cobra.ExactArgs(1)),
		RunE:    func(cmd *cobra.Command, args []string) error { return env.tune(cmd.Context(), args[0], f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.prometheus, "prometheus", "", "URL of a Prometheus")
	flags.StringVar(&f.replay, "replay", "", "file of a recording, instead")
	flags.StringVar(&f.job, "job", "etcd", "etcd's job in Prometheus")
	flags.StringVar(&f.budget, "budget", "", "memory that a member may have (default: what the cluster's goMemLimit is nine tenths of)")
	flags.StringVar(&f.pprof, "pprof", "", "URL of a member that was started with --enable-pprof")
	flags.DurationVar(&f.window, "window", 2*time.Hour, "how far to look back")
	flags.DurationVar(&f.step, "step", time.Minute, "time between two samples from Prometheus")
	flags.DurationVar(&f.settle, "settle", 15*time.Minute, "how long samples are gathered before anything is proposed")
	flags.BoolVar(&f.dryRun, "dry-run", false, "propose nothing, only say what would be")
	return cmd
}

func (e *environment) tune(ctx context.Context, name string, f tuning) error {
	if (f.prometheus == "") == (f.replay == "") {
		return usagef("give --prometheus or --replay, one of them")
	}
	cat, err := e.load()
	if err != nil {
		return err
	}
	c := cat.Cluster(name)
	if c == nil {
		return usagef("no cluster %q in clusters/", name)
	}
	config, from, err := f.start(c)
	if err != nil {
		return err
	}
	samples, err := f.samples(ctx, e.Now())
	if err != nil {
		return err
	}
	outcome, err := tune.Run(config, from, samples)
	if err != nil {
		return &UsageError{Err: err}
	}
	outcome.Cluster = name
	if change, ok := outcome.Change(); ok && !f.dryRun {
		p := tune.Proposal{Cluster: name, File: c.File, Change: change, Evidence: outcome.Evidence(), At: e.Now()}
		if f.pprof != "" {
			if p.Profile, err = tune.Profile(ctx, &http.Client{Timeout: time.Minute}, f.pprof); err != nil {
				return err
			}
		}
		committed, err := tune.Propose(cat.Root, p)
		if err != nil {
			return err
		}
		outcome.Committed = &committed
	}
	return e.writeDocument(outcome)
}

// start reads the bounds, and what is set now.
func (f tuning) start(c *catalog.Cluster) (tune.Config, tune.Knobs, error) {
	bytes := func(what, text string) (int64, error) {
		q, err := resource.ParseQuantity(text)
		if err != nil || q.Sign() <= 0 || q.CmpInt64(math.MaxInt64/2) > 0 {
			return 0, usagef("%s: %q is no quantity above zero", what, text)
		}
		return q.Value(), nil
	}
	from := tune.Knobs{GOGC: c.Spec.Etcd.GOGC}
	if c.Spec.Etcd.GOMemLimit != "" {
		limit, err := bytes("spec.etcd.goMemLimit", string(c.Spec.Etcd.GOMemLimit))
		if err != nil {
			return tune.Config{}, from, err
		}
		from.Limit = limit
	}
	budget := from.Limit / 9 * 10
	switch {
	case f.budget != "":
		var err error
		if budget, err = bytes("--budget", f.budget); err != nil {
			return tune.Config{}, from, err
		}
	case budget == 0:
		return tune.Config{}, from, usagef("cluster %s sets no goMemLimit; say with --budget how much memory a member of etcd may have", c.Name)
	}
	config := tune.Defaults(budget)
	config.Settle = f.settle
	return config, from, nil
}

func (f tuning) samples(ctx context.Context, now time.Time) ([]tune.Sample, error) {
	if f.replay != "" {
		file, err := os.Open(f.replay)
		if err != nil {
			return nil, usagef("the recording: %w", err)
		}
		defer file.Close()
		samples, err := tune.Replay(file, f.replay)
		if err != nil {
			return nil, &UsageError{Err: err}
		}
		return samples, nil
	}
	switch least := f.settle + 5*f.step; {
	case f.step < time.Second || f.step > time.Hour || f.step%time.Second != 0:
		return nil, usagef("--step %s: take a sample every second to every hour, in whole seconds", f.step)
	case f.window/f.step > 10_000:
		return nil, usagef("--window %s of --step %s: Prometheus answers with 10,000 samples at the most", f.window, f.step)
	case f.window < least || f.window > 7*24*time.Hour:
		return nil, usagef("--window %s: look back %s, which is --settle and 5 samples, to 7 days", f.window, least)
	}
	p := tune.Prometheus{URL: f.prometheus, Job: f.job, Client: &http.Client{Timeout: 30 * time.Second}}
	samples, err := p.Samples(ctx, now.Add(-f.window).Truncate(f.step), now, f.step)
	if err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("%s holds nothing of a job %q in the last %s", f.prometheus, f.job, f.window)
	}
	return samples, nil
}
