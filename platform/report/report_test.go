package report_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
)

var update = flag.Bool("update", false, "rewrite what the tests compare with")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

func write(t *testing.T, f report.Format, r *report.Result, o report.TextOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, f, r, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestText(t *testing.T) {
	t.Parallel()
	for name, r := range results() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			golden(t, name+".txt", write(t, report.TextFormat, r, report.TextOptions{}))
		})
	}
	for _, name := range []string{"check", "up-not-converged"} {
		t.Run(name+" -v", func(t *testing.T) {
			t.Parallel()
			golden(t, name+"-v.txt", write(t, report.TextFormat, results()[name], report.TextOptions{Verbose: true}))
		})
	}
}

// TestColor: colours change nothing but the colour, and tell good from bad.
func TestColor(t *testing.T) {
	t.Parallel()
	codes := regexp.MustCompile("\x1b\\[[0-9]+m")
	for name, r := range results() {
		plain := write(t, report.TextFormat, r, report.TextOptions{})
		colored := write(t, report.TextFormat, r, report.TextOptions{Color: true})
		if diff := cmp.Diff(string(plain), codes.ReplaceAllString(string(colored), "")); diff != "" {
			t.Errorf("%s without its codes (-plain +colored):\n%s", name, diff)
		}
	}
	states := string(write(t, report.TextFormat, results()["up-not-converged"], report.TextOptions{Color: true}))
	for _, word := range []string{"\x1b[32mconverged\x1b[0m", "\x1b[31mnot converged\x1b[0m", "\x1b[33mnot running\x1b[0m", "\x1b[31munreachable\x1b[0m"} {
		if !strings.Contains(states, word) {
			t.Errorf("no %q in\n%s", word, states)
		}
	}
	if found := string(write(t, report.TextFormat, results()["check"], report.TextOptions{Color: true})); !strings.Contains(found, "\x1b[31merror\x1b[0m: DT-SEC-001") {
		t.Errorf("a denial is not red:\n%s", found)
	}
}

// TestJSONAndYAML: both forms say the same, the same on every run, and hold no
// time but that of a writer on the cluster.
func TestJSONAndYAML(t *testing.T) {
	t.Parallel()
	for name, r := range results() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := write(t, report.JSONFormat, r, report.TextOptions{})
			if again := write(t, report.JSONFormat, results()[name], report.TextOptions{}); !bytes.Equal(data, again) {
				t.Errorf("two runs (-first +second):\n%s", cmp.Diff(string(data), string(again)))
			}
			var fromJSON, fromYAML any
			if err := json.Unmarshal(data, &fromJSON); err != nil {
				t.Fatal(err)
			}
			if err := yaml.UnmarshalStrict(write(t, report.YAMLFormat, r, report.TextOptions{}), &fromYAML); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
				t.Errorf("JSON and YAML (-json +yaml):\n%s", diff)
			}
			if got := fromJSON.(map[string]any)["apiVersion"]; got != report.Version {
				t.Errorf("apiVersion is %v", got)
			}
			for _, at := range clocks("", fromJSON) {
				if !strings.HasSuffix(at, "/writer/time") {
					t.Errorf("%s is a time", at)
				}
			}
			if name == "drift" && len(clocks("", fromJSON)) == 0 {
				t.Error("no writer's time is told")
			}
		})
	}
}

// clocks lists where a document holds a time.
func clocks(at string, v any) []string {
	var found []string
	switch v := v.(type) {
	case map[string]any:
		for k, below := range v {
			found = append(found, clocks(at+"/"+k, below)...)
		}
	case []any:
		for _, below := range v {
			found = append(found, clocks(at, below)...)
		}
	case string:
		if _, err := time.Parse(time.RFC3339, v); err == nil {
			found = append(found, at)
		}
	}
	return found
}

// TestFieldNames pins the published names: programs of others read them.
func TestFieldNames(t *testing.T) {
	t.Parallel()
	golden(t, "fields.txt", []byte(strings.Join(fields("", reflect.TypeFor[report.Result]()), "\n")+"\n"))
}

func fields(at string, typ reflect.Type) []string {
	suffix := ""
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	for typ.Kind() == reflect.Slice && typ.Elem().Kind() != reflect.Uint8 {
		typ, suffix = typ.Elem(), suffix+"[]"
	}
	switch {
	case typ == reflect.TypeFor[time.Time]():
		return []string{at + suffix + " time"}
	case typ.Kind() != reflect.Struct:
		return []string{at + suffix + " " + typ.Kind().String()}
	}
	var found []string
	for f := range typ.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		if name == "" {
			name = "UNNAMED " + f.Name
		}
		found = append(found, fields(strings.TrimPrefix(at+suffix+"."+name, "."), f.Type)...)
	}
	return found
}

func TestParseFormat(t *testing.T) {
	t.Parallel()
	cases := []struct {
		in, path, err string
		format        report.Format
	}{
		{in: "text", format: report.TextFormat},
		{in: "json", format: report.JSONFormat},
		{in: "yaml=", format: report.YAMLFormat},
		{in: "json=a=b.json", format: report.JSONFormat, path: "a=b.json"},
		{in: "", err: `unknown output format ""; known are text, json, yaml, html`},
		{in: "JSON", err: `unknown output format "JSON"; known are text, json, yaml, html`},
		{in: "yml=x", err: `unknown output format "yml"; known are text, json, yaml, html`},
	}
	for _, c := range cases {
		format, path, err := report.ParseFormat(c.in)
		said := ""
		if err != nil {
			said = err.Error()
		}
		if diff := cmp.Diff([]string{string(c.format), c.path, c.err}, []string{string(format), path, said}); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.in, diff)
		}
	}
}

// TestHeadline: what was not looked at is never called well, and a denial keeps
// nobody from what a command found.
func TestHeadline(t *testing.T) {
	t.Parallel()
	states := func(all ...report.State) []report.Cluster {
		var out []report.Cluster
		for _, s := range all {
			out = append(out, report.Cluster{State: s})
		}
		return out
	}
	simulated := states(report.Converged, report.Converged)
	simulated[0].HealthEvidence, simulated[1].HealthEvidence = report.Simulated, report.Observed
	denial := []finding.Finding{{Rule: "DT-SEC-001", Severity: finding.Error}}
	cases := []struct {
		name   string
		result report.Result
		want   string
	}{
		{"nothing to look at", report.Result{Command: "drift"}, "no drift on 0 clusters"},
		{"nothing runs", report.Result{Command: "drift", Clusters: states(report.NotRunning, report.NotRunning)}, "no drift on 0 clusters · 2 not running"},
		{"one unreachable", report.Result{Command: "diff", Clusters: states(report.Running, report.Unreachable)}, "no changes on 1 cluster · 1 unreachable"},
		{"one failed", report.Result{Command: "diff", Clusters: states(report.Running, report.Failed)}, "no changes on 1 cluster · 1 failed"},
		{"drift of a denied tree", report.Result{Command: "drift", Findings: denial, Clusters: states(report.Running)}, "no drift on 1 cluster"},
		{"a machine that lacks something", report.Result{Command: "doctor", Findings: denial}, "1 remark"},
		{"stopped", report.Result{Command: "stop", Clusters: states(report.Stopped, report.Stopped, report.Running)}, "2 clusters stopped, state kept"},
		{"rendered", report.Result{Command: "render", Counts: report.Counts{Objects: 9}, Clusters: states(report.NotChanged)}, "1 bundle, 9 objects"},
		{"up, denied", report.Result{Command: "up", Awaited: true, Findings: append(denial, denial...)}, "2 denials: nothing was applied to any cluster"},
		{"up, all well", report.Result{Command: "up", Awaited: true, Clusters: states(report.Converged)}, "1/1 in sync by both tracks"},
		{"up, partly simulated", report.Result{Command: "up", Awaited: true, Clusters: simulated},
			"2/2 in sync by both tracks · control planes real · pod health SIMULATED (kwok) on 1, observed on 1"},
		{"status, nothing runs", report.Result{Command: "status", Awaited: true, Clusters: states(report.NotRunning)}, "0/1 in sync by both tracks · 1 not running"},
		{"check", report.Result{Command: "check", Kubernetes: "v1.99.0", Findings: denial, Counts: report.Counts{Clusters: 1, Objects: 2, Rules: 1}},
			"1 cluster · 0 components · 2 objects · Kubernetes v1.99.0 · 1 rule\n1 error, 0 warnings, 0 waived, 0 unknown, 0 not rendered"},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, report.Headline(&c.result)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
