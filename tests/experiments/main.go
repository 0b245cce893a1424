// Command experiments runs the experiments behind the figures of the README: each
// with a control, in alternating runs, on this machine. With -smoke each runs the
// default against the default alone, which shows that it works and claims nothing.
// It judges nothing: a result against the hope is printed like any other.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"

	"dualtrack.internal/platform/experiment"
	"dualtrack.internal/tests/experiments/p95"
	"dualtrack.internal/tests/experiments/packets"
	"dualtrack.internal/tests/experiments/silences"
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
	smoke := flag.Bool("smoke", false, "the default against the default alone, shortly")
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
		if err := known[name](ctx, *smoke); err != nil {
			failed = append(failed, fmt.Errorf("experiment %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// experiments are run by their names.
func experiments() map[string]func(ctx context.Context, smoke bool) error {
	return map[string]func(context.Context, bool) error{
		"p95":         onP95,
		"packets":     onPackets,
		"etcd":        bench("--arm", "gogc50,gogc200,batch"),
		"etcd-lines":  bench("--arm", "etcd35"),
		"etcd-fsyncs": bench("--fsyncs"),
		"silences":    onSilences,
	}
}

func onPackets(ctx context.Context, smoke bool) error {
	plan, err := packets.Plan(packets.Options{})
	if err != nil {
		return err
	}
	if smoke {
		plan = plan.Smoke()
	}
	return conduct(ctx, plan)
}

func onP95(ctx context.Context, smoke bool) (err error) {
	var o p95.Options
	if smoke {
		o = p95.Options{Pods: 3, Hours: 2}
	}
	plan, stop, err := p95.Plan(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	if smoke {
		plan = plan.Smoke()
	}
	return conduct(ctx, plan)
}

func conduct(ctx context.Context, plan experiment.Plan) error {
	result, err := experiment.Run(ctx, plan, func(text string) { fmt.Fprintln(os.Stderr, text) })
	if err != nil {
		return err
	}
	return result.Text(os.Stdout)
}

func onSilences(ctx context.Context, smoke bool) error {
	var writes silences.Writes
	plan, err := silences.Plan(ctx, &writes)
	if err != nil {
		return err
	}
	if smoke {
		plan = plan.Smoke()
	}
	result, err := experiment.Run(ctx, plan, func(text string) { fmt.Fprintln(os.Stderr, text) })
	if err != nil {
		return err
	}
	return errors.Join(result.Text(os.Stdout), writes.Text(os.Stdout))
}

// bench runs `platform bench etcd`, which users run too.
func bench(args ...string) func(context.Context, bool) error {
	return func(ctx context.Context, smoke bool) error {
		line := append([]string{"run", "./platform", "bench", "etcd"}, args...)
		if smoke && !slices.Contains(args, "--fsyncs") {
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
