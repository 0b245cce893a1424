package prometheus_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/tests/real/rendered"
)

const component = "../../../components/prometheus"

// ruleFile is a file of rules, by its path from the component.
type ruleFile struct {
	name   string
	Groups []struct {
		Name  string `json:"name"`
		Rules []rule `json:"rules"`
	} `json:"groups"`
}

type rule struct {
	Alert       string            `json:"alert"`
	Record      string            `json:"record"`
	Expr        string            `json:"expr"`
	For         string            `json:"for"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
}

// unitTests is a file of promtool's unit tests.
type unitTests struct {
	RuleFiles []string `json:"rule_files"`
	Tests     []struct {
		Exprs []struct {
			Expr    string `json:"expr"`
			Samples []any  `json:"exp_samples"`
		} `json:"promql_expr_test"`
		Alerts []struct {
			Alert  string `json:"alertname"`
			Alerts []any  `json:"exp_alerts"`
		} `json:"alert_rule_test"`
	} `json:"tests"`
}

// yamlFiles reads the component's YAML files.
func yamlFiles(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	folder := os.DirFS(component)
	err := fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".yaml" {
			return err
		}
		out[name], err = fs.ReadFile(folder, name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func ruleFiles(t *testing.T) []ruleFile {
	t.Helper()
	var out []ruleFile
	for name, text := range yamlFiles(t) {
		if !strings.HasPrefix(string(text), "groups:") && !strings.Contains(string(text), "\ngroups:") {
			continue
		}
		f := ruleFile{name: name}
		if err := yaml.UnmarshalStrict(text, &f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		out = append(out, f)
	}
	if len(out) < 5 {
		t.Fatalf("found %d files of rules", len(out))
	}
	return out
}

// covered is what the unit tests of each file of rules ask of: alerts that fire,
// alerts that do not, and the expressions whose samples they know.
type covered struct {
	fires, quiet map[string]bool
	exprs        string
}

func coverage(t *testing.T) map[string]*covered {
	t.Helper()
	out := map[string]*covered{}
	for name, text := range yamlFiles(t) {
		if path.Dir(name) != "tests" {
			continue
		}
		var u unitTests
		if err := yaml.Unmarshal(text, &u); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, f := range u.RuleFiles {
			f = path.Join("tests", f)
			if out[f] == nil {
				out[f] = &covered{fires: map[string]bool{}, quiet: map[string]bool{}}
			}
			out[f].add(u)
		}
	}
	return out
}

func (c *covered) add(u unitTests) {
	for _, test := range u.Tests {
		for _, a := range test.Alerts {
			if len(a.Alerts) > 0 {
				c.fires[a.Alert] = true
			} else {
				c.quiet[a.Alert] = true
			}
		}
		for _, e := range test.Exprs {
			if len(e.Samples) > 0 {
				c.exprs += e.Expr + "\n"
			}
		}
	}
}

// TestEveryRuleHasAUnitTest wants of every alert a test in which it fires and one in
// which it does not, and of every recorded series one that knows its value.
func TestEveryRuleHasAUnitTest(t *testing.T) {
	t.Parallel()
	tests := coverage(t)
	for _, f := range ruleFiles(t) {
		c := tests[f.name]
		if c == nil {
			t.Errorf("%s: no file below tests/ names it", f.name)
			continue
		}
		for _, why := range untested(f, c) {
			t.Errorf("%s: %s", f.name, why)
		}
	}
}

func untested(f ruleFile, c *covered) []string {
	var out []string
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			switch {
			case r.Record != "" && !regexp.MustCompile(regexp.QuoteMeta(r.Record)+`($|[^\w:])`).MatchString(c.exprs):
				out = append(out, r.Record+": no unit test knows its value")
			case r.Alert != "" && !c.fires[r.Alert]:
				out = append(out, r.Alert+": no unit test in which it fires")
			case r.Alert != "" && !c.quiet[r.Alert]:
				out = append(out, r.Alert+": no unit test in which it is quiet")
			}
		}
	}
	return out
}

// TestUntestedComplains shows that the check can fail.
func TestUntestedComplains(t *testing.T) {
	t.Parallel()
	var f ruleFile
	if err := yaml.Unmarshal([]byte(`groups: [{name: g, rules: [{record: "a:b"}, {record: "a:b:c"}, {alert: A}, {alert: B}, {alert: C}]}]`), &f); err != nil {
		t.Fatal(err)
	}
	c := &covered{fires: map[string]bool{"A": true, "B": true}, quiet: map[string]bool{"B": true, "C": true}, exprs: "sum(a:b:c{x=\"y\"})\n"}
	got := strings.Join(untested(f, c), "; ")
	if want := "a:b: no unit test knows its value; A: no unit test in which it is quiet; C: no unit test in which it fires"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// recorded finds the recorded series in an expression, with what follows the name.
var recorded = regexp.MustCompile(`\b(?:site|fleet):[\w:]+(\{[^}]*\})?`)

// TestEveryRuleSaysWhatItMust holds what whoever is called at night needs, and that
// on the hub nobody takes a site's series for the hub's own.
func TestEveryRuleSaysWhatItMust(t *testing.T) {
	t.Parallel()
	names := map[string]string{}
	for _, f := range ruleFiles(t) {
		for _, g := range f.Groups {
			for _, r := range g.Rules {
				for _, why := range complaints(f, r) {
					t.Errorf("%s: %s: %s", f.name, r.Alert+r.Record, why)
				}
				if other, twice := names[r.Alert+r.Record]; twice {
					t.Errorf("%s: %s is in %s too", f.name, r.Alert+r.Record, other)
				}
				names[r.Alert+r.Record] = f.name
			}
		}
	}
}

func complaints(f ruleFile, r rule) []string {
	var out []string
	for _, m := range recorded.FindAllStringSubmatch(r.Expr, -1) {
		if f.name != "hub/fleet.yaml" && !strings.Contains(m[1], `site=""`) {
			out = append(out, m[0]+` is named without site=""`)
		}
	}
	if r.Alert == "" {
		if own, _, _ := strings.Cut(r.Record, ":"); own != map[bool]string{true: "fleet", false: "site"}[f.name == "hub/fleet.yaml"] {
			out = append(out, "its name begins with "+own)
		}
		return out
	}
	if !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
		out = append(out, "severity is page or ticket")
	}
	// What the hub says again has its team from the site.
	if r.Labels["team"] == "" && !strings.Contains(r.Expr, "ALERTS{") {
		out = append(out, "no team")
	}
	if d, err := time.ParseDuration(r.For); err != nil || d <= 0 {
		out = append(out, "no for")
	}
	if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
		out = append(out, "summary and description")
	}
	if !strings.HasPrefix(r.Annotations["runbook_url"], "https://") {
		out = append(out, "no runbook_url")
	}
	// That it is there is for tools/dashboards to judge.
	if r.Annotations["dashboard"] == "" {
		out = append(out, "no dashboard")
	}
	return out
}

// TestComplaints shows that the check can fail.
func TestComplaints(t *testing.T) {
	t.Parallel()
	cases := []struct {
		file string
		rule rule
		want string
	}{
		{"a.yaml", rule{Record: "site:a:b", Expr: `site:x:y{site=""} / up`}, ""},
		{"a.yaml", rule{Record: "site:a:b", Expr: `site:x:y / site:z:y{site=""}`}, `site:x:y is named without site=""`},
		{"hub/fleet.yaml", rule{Record: "fleet:a:b", Expr: `sum(site:x:y)`}, ""},
		{"hub/fleet.yaml", rule{Record: "site:a:b", Expr: `up`}, "its name begins with site"},
		{"a.yaml", rule{Alert: "A", Expr: "up"}, "severity is page or ticket; no team; no for; summary and description; no runbook_url; no dashboard"},
	}
	for _, c := range cases {
		if got := strings.Join(complaints(ruleFile{name: c.file}, c.rule), "; "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.rule, got, c.want)
		}
	}
}

// TestRulesAreShipped compares the files of rules with what the clusters read.
func TestRulesAreShipped(t *testing.T) {
	t.Parallel()
	read := map[string][]string{}
	for _, s := range rendered.Subjects(t, "prometheus") {
		for name := range s.Files {
			if path.Dir(name) == "/etc/prometheus-rules" {
				read[path.Base(name)] = append(read[path.Base(name)], s.Cluster)
			}
		}
	}
	for _, f := range ruleFiles(t) {
		want := map[string]int{"hub": 1, "edge": 7, "base/rules": 8}[path.Dir(f.name)]
		if got := read[path.Base(f.name)]; len(got) != want {
			t.Errorf("%s is read by %v; want %d clusters", f.name, got, want)
		}
	}
}
