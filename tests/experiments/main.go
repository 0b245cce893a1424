// Command experiments runs the experiments behind the figures of the README: each
// with a control, in alternating runs, on this machine. With -smoke each runs the
// default against the default alone, which shows that it works and claims nothing.
// It judges nothing: a result against the hope is printed like any other.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/tests/experiments/load"
	"dualtrack.internal/tests/experiments/logs"
	"dualtrack.internal/tests/experiments/p95"
	"dualtrack.internal/tests/experiments/packets"
	"dualtrack.internal/tests/experiments/sampling"
	"dualtrack.internal/tests/experiments/silences"
	"dualtrack.internal/tests/experiments/tuner"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var o options
	flag.BoolVar(&o.smoke, "smoke", false, "the default against the default alone, shortly (load with its kills, for seconds)")
	flag.DurationVar(&o.length, "for", 10*time.Minute, "how long each run of load and the outage of sampling last")
	flag.IntVar(&o.rounds, "rounds", 0, "rounds of load, logs, sampling and tuner; a verdict needs 3 (default 1, 3, 3 and 5)")
	flag.StringVar(&o.rates, "rates", "37,3700", "calls a second of load, an experiment each")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "go run ./tests/experiments [flags] [%s]...\n", strings.Join(slices.Sorted(maps.Keys(experiments())), "|"))
		flag.PrintDefaults()
	}
	flag.Parse()
	known := experiments()
	chosen := flag.Args()
	if len(chosen) == 0 {
		chosen = slices.Sorted(maps.Keys(known))
	}
	for _, name := range chosen {
		if known[name] == nil {
			return fmt.Errorf("no experiment %q; known are %s", name, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	var failed []error
	for _, name := range chosen {
		if err := known[name](ctx, o); err != nil {
			failed = append(failed, fmt.Errorf("experiment %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// experiments are run by their names.
func experiments() map[string]func(context.Context, options) error {
	return map[string]func(context.Context, options) error{
		"p95":         onP95,
		"packets":     onPackets,
		"etcd":        bench("--arm", "gogc50,gogc200,batch"),
		"etcd-lines":  bench("--arm", "etcd35"),
		"etcd-fsyncs": bench("--fsyncs"),
		"silences":    onSilences,
		"load":        onLoad,
		"logs":        onLogs,
		"tuner":       onTuner,
		"sampling":    onSampling,
	}
}

// options are of all experiments.
type options struct {
	smoke  bool
	length time.Duration
	rounds int
	rates  string
}

// onLoad is an experiment a rate. A smoke has the kills too: that it gets over them
// is what it shows.
func onLoad(ctx context.Context, o options) error {
	root, err := catalog.FindRoot(".")
	if err != nil {
		return err
	}
	if o.smoke {
		o.length, o.rates, o.rounds = 20*time.Second, "370", 1
	}
	for _, text := range strings.Split(o.rates, ",") {
		rate, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("-rates %s: %w", o.rates, err)
		}
		plan, err := load.Plan(ctx, load.Options{Root: root, Rate: rate, Length: o.length, Rounds: max(1, o.rounds), Out: os.Stdout})
		if err != nil {
			return err
		}
		if err := show(ctx, plan); err != nil {
			return err
		}
	}
	return nil
}

// onLogs measures, then kills.
func onLogs(ctx context.Context, o options) error {
	const cluster = "edge-lima"
	work, kills := logs.Files{Count: 20, Lines: 25_000}, logs.Files{Count: 10, Lines: 6000, Rotate: 1500}
	if o.smoke {
		work.Lines, kills.Lines = 2500, 3000
	}
	plan, err := logs.Plan(ctx, logs.Options{Cluster: cluster, Files: work, Rounds: cmp.Or(o.rounds, 3)})
	if err != nil {
		return err
	}
	if o.smoke {
		plan.Rounds = 1 // both arms, so that each is seen to lose nothing
	}
	if err := show(ctx, plan); err != nil {
		return err
	}
	fmt.Println()
	return logs.ShowKills(ctx, os.Stdout, cluster, kills, 2000)
}

// onTuner walks with the tuner until it stays, which is not on a smoke's way.
func onTuner(ctx context.Context, o options) error {
	size := tuner.Options{Budget: 1 << 30, Look: 110 * time.Second, Looks: 8, Count: 60_000, Rounds: cmp.Or(o.rounds, 5), Out: os.Stdout}
	if o.smoke {
		size.Look, size.Looks, size.Count = 3*time.Second, 1, 8000
	}
	plan, err := tuner.Plan(ctx, size)
	if err != nil {
		return err
	}
	if o.smoke {
		plan = plan.Smoke()
	}
	return show(ctx, plan)
}

// onSampling measures, then takes the hub away.
func onSampling(ctx context.Context, o options) error {
	const cluster = "edge-lima"
	size := sampling.Options{Cluster: cluster, Traces: 100_000, PerSecond: 4000, Rounds: cmp.Or(o.rounds, 3)}
	if o.smoke {
		size = sampling.Options{Cluster: cluster, Traces: 5000, PerSecond: 5000, Hurry: true}
	}
	plan, err := sampling.Plan(ctx, size)
	if err != nil {
		return err
	}
	if o.smoke {
		return show(ctx, plan.Smoke())
	}
	if err := show(ctx, plan); err != nil {
		return err
	}
	fmt.Println()
	return sampling.Outage{Cluster: cluster, Length: o.length, PerSecond: 500, Kills: 3}.Show(ctx, os.Stdout)
}

func onP95(ctx context.Context, o options) (err error) {
	var size p95.Options
	if o.smoke {
		size = p95.Options{Pods: 3, Hours: 2}
	}
	plan, stop, err := p95.Plan(ctx, size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if o.smoke {
		plan = plan.Smoke()
	}
	return show(ctx, plan)
}

func onSilences(ctx context.Context, o options) error {
	var writes silences.Writes
	plan, err := silences.Plan(ctx, &writes)
	if err != nil {
		return err
	}
	if o.smoke {
		plan = plan.Smoke()
	}
	return errors.Join(show(ctx, plan), writes.Text(os.Stdout))
}

// show runs a plan and writes its result.
func show(ctx context.Context, plan experiment.Plan) error {
	result, err := experiment.Run(ctx, plan, func(text string) { fmt.Fprintln(os.Stderr, text) })
	if err != nil {
		return err
	}
	return result.Text(os.Stdout)
}

func onPackets(ctx context.Context, o options) error {
	plan, err := packets.Plan(packets.Options{})
	if err != nil {
		return err
	}
	if o.smoke {
		plan = plan.Smoke()
	}
	return show(ctx, plan)
}

// bench runs `platform bench etcd`, which users run too.
func bench(args ...string) func(context.Context, options) error {
	return func(ctx context.Context, o options) error {
		line := append([]string{"run", "./platform", "bench", "etcd"}, args...)
		if o.smoke && !slices.Contains(args, "--fsyncs") {
			line = append(line, "--smoke", "--operations", "2000")
		}
		cmd := exec.CommandContext(ctx, "go", line...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("platform bench etcd %s: %w", strings.Join(args, " "), err)
		}
		return nil
	}
}
