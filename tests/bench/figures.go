package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// bench is one session of measuring, with state of its own.
type bench struct {
	runs    int
	root    string
	work    string
	program string // the CLI as `go build` of the README makes it
	env     []string
}

func newBench(ctx context.Context, runs int) (*bench, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	b := &bench{runs: runs, root: root, work: work, program: filepath.Join(work, "platform")}
	b.env = append(os.Environ(), "DUALTRACK_STATE_DIR="+filepath.Join(work, "state"))
	if _, err := b.command(ctx, root, "go", "build", "-o", b.program, "./platform"); err != nil {
		return nil, err
	}
	return b, nil
}

func (b *bench) close() { _ = os.RemoveAll(b.work) }

// command runs a program and gives its wall time; its words are part of an error.
func (b *bench) command(ctx context.Context, dir string, argv ...string) (time.Duration, error) {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, b.env, &out, &out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("%v: %w\n%s", argv, err, out.Bytes())
	}
	return time.Since(began), nil
}

// spread prints a figure: median, least and most, and its mark.
func spread(name string, took []time.Duration, mark time.Duration) {
	slices.Sort(took)
	verdict := "within"
	if took[len(took)/2] > mark {
		verdict = "OVER"
	}
	fmt.Printf("%-34s median %8.3f s  [%.3f to %.3f]  n=%d  mark %s: %s\n", name,
		took[len(took)/2].Seconds(), took[0].Seconds(), took[len(took)-1].Seconds(), len(took), mark, verdict)
}

func (b *bench) size(context.Context) error {
	info, err := os.Stat(b.program)
	if err != nil {
		return err
	}
	fmt.Printf("%-34s %.0f MB, mark 400 MB\n", "size of the CLI", float64(info.Size())/1e6)
	return nil
}

// version alternates the CLI with a kubectl that is built from its own module.
func (b *bench) version(ctx context.Context) error {
	kubectl := filepath.Join(b.work, "kubectl")
	if _, err := b.command(ctx, b.root, "go", "build", "-C", "tools/kubectl", "-o", kubectl, "."); err != nil {
		return err
	}
	var ours, theirs []time.Duration
	for range 4 * b.runs {
		one, err := b.command(ctx, b.root, b.program, "version")
		if err != nil {
			return err
		}
		other, err := b.command(ctx, b.root, kubectl, "version", "--client")
		if err != nil {
			return err
		}
		ours, theirs = append(ours, one), append(theirs, other)
	}
	spread("platform version", ours, 150*time.Millisecond)
	spread("kubectl version --client", theirs, 150*time.Millisecond)
	fmt.Printf("%-34s %.2f\n", "ratio of the medians", ours[len(ours)/2].Seconds()/theirs[len(theirs)/2].Seconds())
	return nil
}

func (b *bench) check(ctx context.Context) error {
	var took []time.Duration
	for range b.runs {
		one, err := b.command(ctx, b.root, b.program, "check", "-q", "--full")
		if err != nil {
			return err
		}
		took = append(took, one)
	}
	spread("check of the whole repository", took, 2*time.Second)
	return nil
}

func (b *bench) sites(ctx context.Context) error {
	return b.up(ctx, "up --sites 1, warm", 20*time.Second, "--sites", "1")
}

func (b *bench) fleet(ctx context.Context) error {
	return b.up(ctx, "up of eight, warm", 45*time.Second)
}

// up measures from no state to converged, and the memory and a second up after it.
func (b *bench) up(ctx context.Context, name string, mark time.Duration, flags ...string) error {
	if _, err := b.command(ctx, b.root, b.program, "tools", "build", "-q"); err != nil {
		return err
	}
	var took, again []time.Duration
	var memory []float64
	for range b.runs {
		first, err := b.command(ctx, b.root, append([]string{b.program, "up", "-q"}, flags...)...)
		if err != nil {
			return err
		}
		second, err := b.command(ctx, b.root, append([]string{b.program, "up", "-q"}, flags...)...)
		if err != nil {
			return err
		}
		used, err := b.memory(ctx)
		if err != nil {
			return err
		}
		took, again, memory = append(took, first), append(again, second), append(memory, used)
		if _, err := b.command(ctx, b.root, b.program, "down", "--all", "--purge", "-q"); err != nil {
			return err
		}
	}
	spread(name, took, mark)
	spread(name+", again", again, 10*time.Second)
	slices.Sort(memory)
	fmt.Printf("%-34s median %8.2f GB [%.2f to %.2f]  n=%d  mark 4 GB for eight\n", name+", PSS",
		memory[len(memory)/2], memory[0], memory[len(memory)-1], len(memory))
	return nil
}

// memory sums the proportional set sizes of the fleet's programs, in GB.
func (b *bench) memory(ctx context.Context) (float64, error) {
	cmd := exec.CommandContext(ctx, b.program, "status", "--programs", "-q", "-o", "json")
	cmd.Dir, cmd.Env = b.root, b.env
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		return 0, err
	}
	var status struct {
		Clusters []struct {
			Programs []struct {
				PSS uint64 `json:"pssBytes"`
			} `json:"programs"`
		} `json:"clusters"`
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return 0, err
	}
	sum := uint64(0)
	for _, c := range status.Clusters {
		for _, p := range c.Programs {
			sum += p.PSS
		}
	}
	return float64(sum) / 1e9, nil
}

// cold measures one first up of a newcomer: empty caches of built programs and
// of the compiler. The modules are there: downloading measures the network.
func (b *bench) cold(ctx context.Context) error {
	kept := b.env
	defer func() { b.env = kept }()
	b.env = append(slices.Clone(kept), "GOCACHE="+filepath.Join(b.work, "gocache"), "DUALTRACK_CACHE_DIR="+filepath.Join(b.work, "cache"))
	took, err := b.command(ctx, b.root, "go", "run", "./platform", "up", "-q")
	if err != nil {
		return err
	}
	spread("go run ./platform up, cold", []time.Duration{took}, 12*time.Minute)
	_, err = b.command(ctx, b.root, b.program, "down", "--all", "--purge", "-q")
	return err
}
