package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLists holds the lists to what the library's code exports, and that -check
// tells of a metric that was taken out by hand.
func TestLists(t *testing.T) {
	root := filepath.Join("..", "..")
	if err := metricsCommand(t.Context(), []string{"-check", "-root", root}); err != nil {
		t.Fatal(err)
	}
	dir, lists, settings := t.TempDir(), filepath.Join("tools", "dashboards", "catalogue", "lists"), filepath.Join("components", "cilium", "base")
	for _, folder := range []string{lists, settings} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	agents := filepath.Join(dir, lists, "cilium-agent.txt")
	text, err := os.ReadFile(agents)
	if err != nil {
		t.Fatal(err)
	}
	write(t, agents, strings.Replace(string(text), "gauge cilium_policy\n", "", 1))
	err = metricsCommand(t.Context(), []string{"-check", "-root", dir})
	if err == nil || !strings.Contains(err.Error(), "cilium-agent.txt differs from what tools/cilium writes") || strings.Contains(err.Error(), "hubble.txt") {
		t.Errorf("error %v", err)
	}
	if err := metricsCommand(t.Context(), []string{"-root", dir}); err != nil {
		t.Error(err)
	}
	if again, err := os.ReadFile(agents); err != nil || string(again) != string(text) {
		t.Errorf("%v: it is not written anew", err)
	}
	// Other metrics of Hubble are another list.
	write(t, filepath.Join(dir, settings, "settings.env"), "hubble-metrics=drop\n")
	if err := metricsCommand(t.Context(), []string{"-check", "-root", dir}); err == nil || !strings.Contains(err.Error(), "hubble.txt differs") {
		t.Errorf("error %v", err)
	}
}

func TestMetricsRefuses(t *testing.T) {
	for name, tt := range map[string]struct{ settings, want string }{
		"no setting":             {"debug=false\n", "has no hubble-metrics"},
		"no such metric":         {"hubble-metrics=drops\n", "the setting [drops]"},
		"a metric of no flow":    {"hubble-metrics=drop http\n", "no flow reaches Desc{fqName: \"hubble_http_re"},
		"an option that is none": {"hubble-metrics=drop:sourceContext=nothing\n", "the setting [drop:sourceContext=nothing]"},
	} {
		dir := t.TempDir()
		folder := filepath.Join(dir, "components", "cilium", "base")
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(folder, "settings.env"), tt.settings)
		if _, err := allLists(t.Context(), dir); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %s", name, err, tt.want)
		}
	}
	for _, args := range [][]string{{"-x"}, {"-check", "-root", t.TempDir()}} {
		if err := metricsCommand(t.Context(), args); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// TestOnNode looks for what was written by hand in the library's files: the last
// part of each name, and its labels, as they are told to Prometheus.
func TestOnNode(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", library).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, name := range []string{"metrics/status.go", "metrics/bpf.go", "metrics/metrics.go", "maps/metricsmap/metricsmap.go", "endpointmanager/manager.go"} {
		text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "pkg", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = string(text)
	}
	for _, m := range onNode() {
		found := false
		for _, text := range files {
			for _, before := range []string{"cilium_", "cilium_bpf_"} {
				found = found || strings.Contains(text, fmt.Sprintf("%q", strings.TrimPrefix(m.name, before)))
			}
		}
		if !found {
			t.Errorf("the library does not name %s", m.name)
		}
		for _, l := range m.labels {
			if !slices.ContainsFunc([]string{"metrics/status.go", "metrics/metrics.go"}, func(name string) bool { return strings.Contains(files[name], fmt.Sprintf("%q", l)) }) {
				t.Errorf("the library has no label %s of %s", l, m.name)
			}
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
