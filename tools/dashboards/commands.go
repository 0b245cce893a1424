package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"dualtrack.internal/tools/dashboards/boards"
	"dualtrack.internal/tools/dashboards/catalogue"
	"dualtrack.internal/tools/dashboards/judge"
	"dualtrack.internal/tools/dashboards/programs"
)

// maxInput bounds what is read from stdin.
const maxInput = 32 << 20

// libraryModule is the module whose types judge.
const libraryModule = "github.com/grafana/grafana-foundation-sdk/go"

func run(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	if len(args) == 0 {
		return check(in, out)
	}
	fs := flag.NewFlagSet("dashboards "+args[0], flag.ContinueOnError)
	fs.SetOutput(io.Discard)
	only := fs.Bool("check", false, "write nothing, fail when a file differs from what would be written")
	root := fs.String("root", "../..", "the repository's folder")
	if err := fs.Parse(args[1:]); err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	switch command := args[0]; {
	case fs.NArg() > 0:
	case command == "version" || command == "--version":
		_, err := fmt.Fprintln(out, libraryVersion())
		return err //nolint:wrapcheck // only a closed pipe
	case command == "write":
		return write(filepath.Join(*root, "components", "grafana", "base", "dashboards"), *only)
	case command == "catalogue":
		return exported(ctx, *root, *only, out)
	}
	return fmt.Errorf("%q is not understood; give nothing, write, catalogue or version", args)
}

// check answers for the subjects on stdin.
func check(in io.Reader, out io.Writer) error {
	data, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return fmt.Errorf("reading stdin: %w", err)
	}
	if len(data) > maxInput {
		return fmt.Errorf("stdin has more than %d bytes", maxInput)
	}
	var question struct {
		Subjects []judge.Subject `json:"subjects"`
	}
	if err := json.Unmarshal(data, &question); err != nil {
		return fmt.Errorf("stdin is not the document of subjects: %w", err)
	}
	lists, err := catalogue.Lists()
	if err != nil {
		return err
	}
	answers := struct {
		Version string         `json:"version"`
		Answers []judge.Answer `json:"answers"`
	}{libraryVersion(), judge.Judge(question.Subjects, lists)}
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(answers); err != nil {
		return fmt.Errorf("printing the answers: %w", err)
	}
	return nil
}

// write writes the dashboards into a folder that holds nothing else, or compares.
func write(dir string, only bool) error {
	files, err := boards.Files()
	if err != nil {
		return err
	}
	stale, err := others(dir, files)
	if err != nil {
		return err
	}
	var differ []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		have, err := os.ReadFile(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("reading a dashboard: %w", err)
		}
		switch {
		case bytes.Equal(have, files[name]):
		case only:
			differ = append(differ, fmt.Errorf("%s differs from what tools/dashboards writes; run `go run -C tools/dashboards . write`", path))
		default:
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return fmt.Errorf("writing a dashboard: %w", err)
			}
			if err := os.WriteFile(path, files[name], 0o644); err != nil {
				return fmt.Errorf("writing a dashboard: %w", err)
			}
		}
	}
	for _, path := range stale {
		if only {
			differ = append(differ, fmt.Errorf("%s is no dashboard that tools/dashboards writes", path))
		} else if err := os.Remove(path); err != nil {
			return fmt.Errorf("removing a former dashboard: %w", err)
		}
	}
	return errors.Join(differ...)
}

// others are the dashboards in a folder that would not be written.
func others(dir string, files map[string][]byte) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, fmt.Errorf("looking for dashboards: %w", err)
	}
	return slices.DeleteFunc(found, func(path string) bool { return files[filepath.Base(path)] != nil }), nil
}

// exported writes what the real programs export, or compares: then a name that a
// dashboard or a rule uses and no program exports any more is a fault; other
// differences are only said, since some metrics come and go.
func exported(ctx context.Context, root string, only bool, out io.Writer) error {
	lists, err := programs.Catalogue(ctx, programs.Config{Tools: filepath.Join(root, "tools"), Components: filepath.Join(root, "components")})
	if err != nil {
		return err
	}
	dir := filepath.Join(root, "tools", "dashboards", "catalogue", "lists")
	uses, err := users(filepath.Join(root, "components", "grafana"), filepath.Join(root, "components", "prometheus"))
	if err != nil {
		return err
	}
	var gone []error
	for _, l := range lists {
		path := filepath.Join(dir, l.Program+".txt")
		fmt.Fprintf(out, "%s: %d metrics\n", l.Program, len(l.Metrics))
		if !only {
			if err := os.WriteFile(path, []byte(catalogue.Format(l)), 0o644); err != nil {
				return fmt.Errorf("writing a list: %w", err)
			}
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("reading a list: %w", err)
		}
		had, err := catalogue.Parse(path, string(data))
		if err != nil {
			return err
		}
		missing, added := compare(had.Metrics, l.Metrics)
		for _, m := range missing {
			_, name, _ := strings.Cut(m, " ")
			if strings.Contains(uses, name) {
				gone = append(gone, fmt.Errorf("%s: %s no longer exports %s, which a dashboard or a rule names; run `go run -C tools/dashboards . catalogue` and mend them", path, l.Program, m))
			} else {
				fmt.Fprintf(out, "%s: not seen this time, and named nowhere: %s\n", l.Program, m)
			}
		}
		if len(added) > 0 {
			fmt.Fprintf(out, "%s: not in its list: %s\n", l.Program, strings.Join(added, ", "))
		}
	}
	return errors.Join(gone...)
}

// users are the texts of everything below folders.
func users(dirs ...string) (string, error) {
	var all strings.Builder
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(path)
			all.Write(data)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("looking for names of metrics: %w", err)
		}
	}
	return all.String(), nil
}

// compare says which metrics went and which came.
func compare(had, has []catalogue.Metric) (missing, added []string) {
	name := func(metrics []catalogue.Metric) map[string]bool {
		out := map[string]bool{}
		for _, m := range metrics {
			out[string(m.Kind)+" "+m.Name] = true
		}
		return out
	}
	before, now := name(had), name(has)
	for _, n := range slices.Sorted(maps.Keys(before)) {
		if !now[n] {
			missing = append(missing, n)
		}
	}
	for _, n := range slices.Sorted(maps.Keys(now)) {
		if !before[n] {
			added = append(added, n)
		}
	}
	return missing, added
}

// libraryVersion is that of the module that was linked, without its "v".
func libraryVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range info.Deps {
		if m.Path == libraryModule && len(m.Version) > 1 {
			return m.Version[1:]
		}
	}
	return "unknown"
}
