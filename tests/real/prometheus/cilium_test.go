package prometheus_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/tests/real/rendered"
)

// ciliumShows are the samples of the lists of Cilium's programs that are Cilium's own,
// by name.
func ciliumShows(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, program := range []string{"cilium-agent", "cilium-operator", "hubble"} {
		text, err := os.ReadFile("../../../tools/dashboards/catalogue/lists/" + program + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^(counter|gauge|histogram) ((?:cilium|hubble)_\S+)`).FindAllStringSubmatch(string(text), -1) {
			suffixes := []string{""}
			if m[1] == "histogram" {
				suffixes = []string{"_bucket", "_count", "_sum"}
			}
			for _, s := range suffixes {
				out = append(out, m[2]+s)
			}
		}
	}
	if len(out) < 200 {
		t.Fatalf("the lists have %d samples", len(out))
	}
	return out
}

// named are the texts of the rules and the dashboards.
func named(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, pattern := range []string{component + "/base/rules/*.yaml", component + "/edge/*.yaml", component + "/hub/*.yaml", "../../../components/grafana/base/dashboards/*.json"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

// TestCiliumIsKeptAsNamed holds what every Prometheus keeps of Cilium's metrics to
// what its rules and the dashboards name: no less, and nothing else.
func TestCiliumIsKeptAsNamed(t *testing.T) {
	t.Parallel()
	text, shows := named(t), ciliumShows(t)
	want := map[string]bool{}
	for _, name := range shows {
		want[name] = regexp.MustCompile(`[^\w:]` + name + `[^\w:]`).MatchString(text)
	}
	groups := regexp.MustCompile(`map_group=~?\\?"([^"\\]+)`)
	for _, s := range rendered.Subjects(t, "prometheus") {
		kept := keeps(t, config(t, s.Files))
		got := map[string]bool{}
		for _, name := range shows {
			got[name] = kept(name, "") || kept(name, "default")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: kept, by name (-named +kept):\n%s", s.Cluster, diff)
		}
		for _, m := range groups.FindAllStringSubmatch(text, -1) {
			if !strings.Contains(m[1], "+") && !kept("cilium_bpf_map_capacity", m[1]) {
				t.Errorf("%s: the capacity of %s is named, and not kept", s.Cluster, m[1])
			}
		}
		if kept("cilium_bpf_map_capacity", "cilium_lxc") {
			t.Errorf("%s keeps capacities that nothing names", s.Cluster)
		}
	}
}

// keeps is the job's own rule of what is kept, by name and group of maps.
func keeps(t *testing.T, config map[string]any) func(name, group string) bool {
	t.Helper()
	for _, job := range config["scrape_configs"].([]any) {
		job := job.(map[string]any)
		if job["job_name"] != "cilium" {
			continue
		}
		rules, _ := job["metric_relabel_configs"].([]any)
		if len(rules) != 1 {
			t.Fatalf("the job has %d rules of what is kept", len(rules))
		}
		rule := rules[0].(map[string]any)
		if diff := cmp.Diff([]any{"__name__", "map_group"}, rule["source_labels"]); diff != "" || rule["action"] != "keep" {
			t.Fatalf("the rule %v keeps nothing by name and group", rule)
		}
		pattern := regexp.MustCompile("^(?s:" + rule["regex"].(string) + ")$")
		return func(name, group string) bool { return pattern.MatchString(name + ";" + group) }
	}
	t.Fatal("the configuration has no job cilium")
	return nil
}

// TestCiliumListensWhereItIsScraped compares the ports of Cilium's pods with what its
// settings have them listen on.
func TestCiliumListensWhereItIsScraped(t *testing.T) {
	t.Parallel()
	for _, b := range rendered.Bundles(t) {
		settings := map[string]string{}
		for _, o := range b.Objects {
			if o.GetKind() == "ConfigMap" && o.GetName() == "cilium-config" {
				data, _, err := unstructured.NestedStringMap(o.Object, "data")
				if err != nil {
					t.Fatal(err)
				}
				settings = data
			}
		}
		got := map[string]string{}
		for _, s := range worldOf(t, b).shows {
			if s.namespace == "cilium" {
				got[s.job] = ":" + strconv.Itoa(int(s.port.ContainerPort))
			}
		}
		want := map[string]string{
			"cilium-agent": settings["prometheus-serve-addr"], "cilium-operator": settings["operator-prometheus-serve-addr"], "hubble": settings["hubble-metrics-server"],
		}
		if diff := cmp.Diff(want, got); diff != "" || settings["enable-metrics"] != "true" {
			t.Errorf("%s: addresses (-settings +ports), enable-metrics %q:\n%s", b.Cluster, settings["enable-metrics"], diff)
		}
	}
}
