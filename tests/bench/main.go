// Command bench measures the figures of the README: times of whole commands as a
// user sees them, sizes and memory. Runs of what is compared alternate, and every
// figure comes with its spread and the machine. It judges nothing: a figure over
// its mark is printed as such.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
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
	runs := flag.Int("runs", 5, "runs of each figure")
	only := flag.String("only", "", "comma-separated figures: size, version, check, change, comment, peers, objects, trees, dense, sites1, fleet, cold")
	flag.Parse()
	known := []string{"size", "version", "check", "change", "comment", "peers", "objects", "trees", "sites1", "fleet", "dense", "cold"}
	chosen := known[:10] // the largest tree and a cold build take minutes: both are asked for by name
	if *only != "" {
		chosen = strings.Split(*only, ",")
	}
	for _, name := range chosen {
		if !slices.Contains(known, name) {
			return fmt.Errorf("no figure %q; known are %s", name, strings.Join(known, ", "))
		}
	}
	b, err := newBench(ctx, *runs)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Println(machine())
	figures := map[string]func(context.Context) error{
		"size": b.size, "version": b.version, "check": b.check, "comment": b.comment, "change": b.change, "peers": b.peers, "objects": b.objects, "trees": b.trees, "dense": b.dense,
		"sites1": b.sites, "fleet": b.fleet, "cold": b.cold,
	}
	for _, name := range chosen {
		if err := figures[name](ctx); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// machine is what the figures were measured on.
func machine() string {
	model := "unknown CPU"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.SplitSeq(string(data), "\n") {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	load := "unknown"
	if data, err := os.ReadFile("/proc/loadavg"); err == nil {
		load = strings.Join(strings.Fields(string(data))[:3], " ")
	}
	return fmt.Sprintf("%s/%s, %d cores, %s, %s, load %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), model, runtime.Version(), load)
}

// repository is the root of the tree that holds this program.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "clusters", "fleet.yaml")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("run it inside the repository")
		}
		dir = parent
	}
}
