//go:build real

package grafana_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/validate"
	"dualtrack.internal/tests/real/rendered"
)

type subject struct {
	Name   string            `json:"name"`
	Files  map[string]string `json:"files"`
	Args   []string          `json:"args"`
	Opaque []string          `json:"opaque"`
}

type answers struct {
	Version string `json:"version"`
	Answers []struct {
		Name     string             `json:"name"`
		Accepted []string           `json:"accepted"`
		Problems []validate.Problem `json:"problems"`
	} `json:"answers"`
}

// judge has the hub's Grafana and every Prometheus judged.
func judge(t *testing.T, change func(*subject)) answers {
	t.Helper()
	var asked []subject
	for _, s := range slices.Concat(rendered.Subjects(t, "grafana"), rendered.Subjects(t, "prometheus")) {
		one := subject{Name: s.Cluster + " " + s.Name, Files: s.Files, Args: s.Args, Opaque: slices.Concat(s.Secrets, s.Dirs)}
		change(&one)
		asked = append(asked, one)
	}
	in, err := json.Marshal(map[string]any{"subjects": asked})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), rendered.Programs(t, "dashboards")["dashboards"])
	var out, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(in), &out, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var got answers
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestEveryClusterIsAccepted also names what was accepted: a judge that finds no
// dashboard accepts everything.
func TestEveryClusterIsAccepted(t *testing.T) {
	got := judge(t, func(*subject) {})
	boards, rules := 0, 0
	for _, a := range got.Answers {
		t.Logf("%s: %s", a.Name, strings.Join(a.Accepted, ", "))
		for _, p := range a.Problems {
			t.Errorf("%s: %+v", a.Name, p)
		}
		if len(a.Accepted) > 0 && strings.HasSuffix(a.Accepted[0], " dashboards") {
			boards++
		}
		if len(a.Accepted) > 0 && strings.HasSuffix(a.Accepted[0], " rules") {
			rules++
		}
	}
	if boards != 1 || rules != 8 {
		t.Errorf("%d Grafanas and %d Prometheus were judged; want the hub's and 8", boards, rules)
	}
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(cat.Baseline.Spec.Versions["grafana-foundation-sdk"].Exercised, got.Version); diff != "" {
		t.Errorf("the SDK's version (-baseline +linked):\n%s", diff)
	}
}

// TestRenamedMetric renames a metric in every dashboard and rule: each that names it
// is refused, with its panel.
func TestRenamedMetric(t *testing.T) {
	got := judge(t, func(s *subject) {
		for name, text := range s.Files {
			s.Files[name] = strings.ReplaceAll(text, "envoy_cluster_upstream_rq_retry{", "envoy_cluster_upstream_rq_repeat{")
		}
	})
	for _, a := range got.Answers {
		found := slices.ContainsFunc(a.Problems, func(p validate.Problem) bool {
			return strings.Contains(p.Message, "no program of the stack exports envoy_cluster_upstream_rq_repeat") &&
				(strings.Contains(p.Path, `dashboard "Mesh", panel "Repeats", query A`) || strings.Contains(p.Path, "record site:gateway_retries:ratio_rate5m"))
		})
		if !found {
			t.Errorf("%s: nothing says which query names a metric that is not there: %+v", a.Name, a.Problems)
		}
	}
}

// TestSourcesAreServices holds that each data source is a Service of the hub, with
// a port that it has.
func TestSourcesAreServices(t *testing.T) {
	ports := map[string]bool{} // "name.namespace.svc.cluster.local:port"
	for _, o := range rendered.Bundles(t, "hub")[0].Objects {
		if o.GetKind() != "Service" {
			continue
		}
		list, _, err := unstructured.NestedSlice(o.Object, "spec", "ports")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range list {
			if p, ok := p.(map[string]any); ok {
				ports[fmt.Sprintf("%s.%s.svc.cluster.local:%v", o.GetName(), o.GetNamespace(), p["port"])] = true
			}
		}
	}
	for _, s := range rendered.Subjects(t, "grafana", "hub") {
		var document struct {
			Datasources []struct{ Name, URL string }
		}
		if err := yaml.Unmarshal([]byte(s.Files["/etc/grafana/provisioning/datasources/datasources.yaml"]), &document); err != nil {
			t.Fatal(err)
		}
		if len(document.Datasources) != 2 {
			t.Errorf("%d data sources", len(document.Datasources))
		}
		for _, d := range document.Datasources {
			if u, err := url.Parse(d.URL); err != nil || !ports[u.Host] {
				t.Errorf("%s: %s is no Service of the hub: %v", d.Name, d.URL, err)
			}
		}
	}
}
