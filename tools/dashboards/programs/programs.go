// Package programs runs the stack's own programs on loopback, gives them some
// work, and reads the metrics that they show for it. It keeps nothing of them:
// their folders and processes are gone when it returns.
package programs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"dualtrack.internal/tools/dashboards/catalogue"
)

// Config says where things are.
type Config struct {
	Tools      string // the folder of the programs' modules
	Components string // the folder of the configurations that they run with
}

// Catalogue builds the programs, runs them and gives a list for each.
func Catalogue(ctx context.Context, cfg Config) (lists []catalogue.List, err error) {
	scratch, err := os.MkdirTemp("", "catalogue")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the programs: %w", err)
	}
	defer os.RemoveAll(scratch) //nolint:errcheck // a folder of temporary files
	r := &runner{cfg: cfg, scratch: scratch}
	defer r.stop()
	paths, err := r.build(ctx)
	if err != nil {
		return nil, err
	}
	for _, part := range []func(context.Context, map[string]string) ([]catalogue.List, error){r.controlPlane, r.prometheus, r.alertmanager, r.telemetry} {
		some, err := part(ctx, paths)
		if err != nil {
			return nil, err
		}
		lists = append(lists, some...)
	}
	return lists, nil
}

// list is one program's list.
func list(program, jobs, source string, metrics []catalogue.Metric) catalogue.List {
	return catalogue.List{Program: program, Jobs: strings.Fields(jobs), State: catalogue.Exercised, Source: source, Metrics: metrics}
}

// dir makes a folder below the scratch folder.
func (r *runner) dir(names ...string) (string, error) {
	path := filepath.Join(append([]string{r.scratch}, names...)...)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return "", fmt.Errorf("making a folder for a program: %w", err)
	}
	return path, nil
}
