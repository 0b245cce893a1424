package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// peers measures the loop that is written today, beside `check --full --no-cache`: a
// cluster's component at a time, `kustomize build`, before it `helm template` for a
// chart, then kubeconform, then conftest with the same rules. It is measured as it is
// written, one after the other, and with as many at once as there are cores, for
// `check` uses them too. What both found is compared first: findings that differ are
// printed, and end the figure.
func (b *bench) peers(ctx context.Context) error {
	loop, err := b.loop(ctx)
	if err != nil {
		return err
	}
	if err := loop.same(ctx); err != nil {
		return err
	}
	var ours, theirs, atOnce []time.Duration
	for range b.runs {
		one, err := b.command(ctx, b.root, b.program, "check", "-q", "--full", "--no-cache")
		if err != nil {
			return err
		}
		began := time.Now()
		if _, err := loop.run(ctx, 1); err != nil {
			return err
		}
		ours, theirs = append(ours, one), append(theirs, time.Since(began))
		began = time.Now()
		if _, err := loop.run(ctx, runtime.GOMAXPROCS(0)); err != nil {
			return err
		}
		atOnce = append(atOnce, time.Since(began))
	}
	name := fmt.Sprintf("loop over %d components of clusters", len(loop.pairs))
	spread("check --full --no-cache", ours, 2*time.Second)
	spread(name, theirs, time.Hour)
	spread("the same on all cores", atOnce, time.Hour)
	ratio("loop to check", theirs, ours)
	ratio("loop on all cores to check", atOnce, ours)
	return nil
}

// ratio prints how many times longer the first takes, and the mark, ten times.
func ratio(name string, longer, shorter []time.Duration) {
	const mark = 10.0
	slices.Sort(longer)
	slices.Sort(shorter)
	seen := longer[len(longer)/2].Seconds() / shorter[len(shorter)/2].Seconds()
	verdict := "within"
	if seen < mark {
		verdict = "UNDER"
	}
	fmt.Printf("%-34s %.1f times, of the medians  mark %.0f: %s\n", name, seen, mark, verdict)
}

// loop is what the peers need, all of it written before anything is measured.
type loop struct {
	bench   *bench
	dir     string
	bin     string // of the peers' programs
	version string // of Kubernetes
	pairs   []pair
	objects int
}

// pair is a component of a cluster.
type pair struct {
	cluster, component string
	chart, values      string // of a helm chart; "" for none
	namespace          string
}

func (p pair) dir(l *loop) string { return filepath.Join(l.dir, "clusters", p.cluster, p.component) }

// verdicts are what conftest says, by the cluster.
type verdicts map[string][]said

// said is one thing that rules say of an object.
type said struct {
	Rule, Kind, Namespace, Name, Pointer, Message string
}

// run goes through all pairs and the clusters' own settings, so many at once.
func (l *loop) run(ctx context.Context, workers int) (verdicts, error) {
	found := make([][]said, len(l.pairs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, p := range l.pairs {
		group.Go(func() (err error) {
			if err = l.build(ctx, p); err == nil {
				found[i], err = l.conftest(ctx, p.cluster, filepath.Join(p.dir(l), "out.yaml"))
			}
			return err
		})
	}
	settings := map[string]int{}
	for _, p := range l.pairs {
		if _, seen := settings[p.cluster]; !seen {
			settings[p.cluster] = len(found)
			found = append(found, nil)
		}
	}
	for cluster, i := range settings {
		group.Go(func() (err error) {
			found[i], err = l.conftest(ctx, cluster, filepath.Join(l.dir, "clusters", cluster, "settings.json"))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	out := verdicts{}
	for i, p := range l.pairs {
		out[p.cluster] = append(out[p.cluster], found[i]...)
	}
	for cluster, i := range settings {
		out[cluster] = append(out[cluster], found[i]...)
	}
	return out, nil
}

// build renders a pair into out.yaml and validates it.
func (l *loop) build(ctx context.Context, p pair) error {
	if p.chart != "" {
		args := []string{"template", p.component, p.chart, "--values", p.values, "--kube-version", l.version}
		if p.namespace != "" {
			args = append(args, "--namespace", p.namespace)
		}
		if err := l.output(ctx, filepath.Join(p.dir(l), "chart.yaml"), "helm", args...); err != nil {
			return err
		}
	}
	out := filepath.Join(p.dir(l), "out.yaml")
	if err := l.output(ctx, out, "kustomize", "build", p.dir(l)); err != nil {
		return err
	}
	return l.output(ctx, filepath.Join(p.dir(l), "kubeconform.txt"), "kubeconform", "-strict", "-ignore-missing-schemas", "-schema-location",
		filepath.Join(l.dir, "schemas", "{{.Group}}", "{{.ResourceKind}}_{{.ResourceAPIVersion}}.json"), out)
}

// output runs a program and keeps what it writes.
func (l *loop) output(ctx context.Context, file, program string, args ...string) error {
	data, err := l.program(ctx, program, args...)
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o644)
}

// program runs a peer. conftest's exit code 1 says that it found something.
func (l *loop) program(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(l.bin, name), args...)
	var out, words bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = l.dir, &out, &words
	err := cmd.Run()
	var exit *exec.ExitError
	if name == "conftest" && errors.As(err, &exit) && exit.ExitCode() == 1 && out.Len() > 0 {
		err = nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s %v: %w\n%s%s", name, args, err, out.Bytes(), words.Bytes())
	}
	return out.Bytes(), nil
}
