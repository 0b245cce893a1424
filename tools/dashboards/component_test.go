package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"dualtrack.internal/tools/dashboards/catalogue"
	"dualtrack.internal/tools/dashboards/judge"
)

// TestComponent judges what stands in components/grafana and the rules of
// components/prometheus with the lists of this program. `platform validate` does
// it again, with what is rendered.
func TestComponent(t *testing.T) {
	t.Parallel()
	lists, err := catalogue.Lists()
	if err != nil {
		t.Fatal(err)
	}
	components := filepath.Join("..", "..", "components")
	grafana := judge.Subject{Name: "grafana", Opaque: []string{"/etc/grafana-secrets"}, Files: map[string]string{}}
	for pattern, dir := range map[string]string{
		"grafana.ini": "/etc/grafana", "datasources.yaml": "/etc/grafana/provisioning/datasources",
		"providers.yaml": "/etc/grafana/provisioning/dashboards", "dashboards/*.json": "/var/lib/dashboards",
	} {
		mount(t, grafana.Files, filepath.Join(components, "grafana", "base", pattern), dir)
	}
	prometheus := judge.Subject{Name: "prometheus", Args: []string{"--config.file=/p.yml"}, Files: map[string]string{"/p.yml": "rule_files: [/rules/*.yaml]"}}
	for _, pattern := range []string{"base/rules/*.yaml", "hub/*.yaml", "edge/*.yaml"} {
		mount(t, prometheus.Files, filepath.Join(components, "prometheus", pattern), "/rules")
	}
	for _, a := range judge.Judge([]judge.Subject{grafana, prometheus}, lists) {
		t.Logf("%s: %s", a.Name, strings.Join(a.Accepted, ", "))
		for _, p := range a.Problems {
			t.Errorf("%s: %s", a.Name, p)
		}
	}
}

// mount puts files where a container sees them; of YAML, of Prometheus, those that
// hold rules.
func mount(t *testing.T, files map[string]string, pattern, dir string) {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if dir != "/rules" || strings.Contains("\n"+string(data), "\ngroups:") {
			files[path.Join(dir, filepath.Base(name))] = string(data)
		}
	}
}
