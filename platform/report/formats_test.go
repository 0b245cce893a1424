package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jstemmer/go-junit-report/v2/junit"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/report"
)

// forms are the formats that list findings, with their golden files' endings.
func forms() map[report.Format]string {
	return map[report.Format]string{
		report.SARIFFormat: ".sarif", report.JUnitFormat: ".junit.xml", report.GitHubFormat: ".github.txt",
		report.GitLabFormat: ".gitlab.json", report.MarkdownFormat: ".md",
	}
}

// hostile is text that means something to every format.
const hostile = "<script>alert(1)</script> | `code` **bold** [a](http://x.invalid) @someone #12 &amp; \\ ]]> ::error::x %0A $x$ ~~s~~ <!-- --> www.x.invalid a@b.invalid"

// changed is a change with findings of every class, and objects of every action.
func changed() *report.Result {
	r := begin("check")
	r.Dirty, r.Folder = true, "platform"
	r.Rules = []policy.Rule{
		{ID: "DT-SEC-001", Title: "No container is privileged", Severity: finding.Error, Profile: "baseline", Why: "It owns the node.",
			Mend: "set privileged: false", Refs: []string{"https://kubernetes.io/docs/concepts/security/pod-security-standards/"}},
		{ID: "DT-IMG-002", Title: "Images have digests", Severity: finding.Warning},
	}
	for _, name := range []string{"edge-1", "edge-2", "edge-3", "edge-4", "hub"} {
		r.Scopes = append(r.Scopes, report.Scope{Cluster: name, Components: []string{"api", "web"}})
	}
	r.Scopes[4].NotRendered = []string{"otel"}
	all := tree()
	for i := range all {
		if all[i].Class == "" {
			all[i].Class = finding.New
		}
	}
	all = append(all,
		finding.Finding{Rule: "DT-SEC-001", Severity: finding.Error, Class: finding.PreExisting, Message: "container old runs privileged", Object: object("Deployment", "old"),
			Component: "web", Position: finding.Position{File: "components/web/old.yaml", Line: 3, Column: 5}, Clusters: []string{"edge-1", "hub"}, Mend: "set privileged: false"},
		finding.Finding{Rule: "DT-SEC-001", Severity: finding.Error, Class: finding.Fixed, Message: "container gone runs privileged", Object: object("Deployment", "gone"),
			Component: "web", Position: finding.Position{File: "components/web/gone.yaml", Line: 9}, Clusters: []string{"hub"}},
		finding.Finding{Rule: "DT-IMG-002", Severity: finding.Warning, Class: finding.PreExisting, Message: "image without digest: " + hostile, Object: object("Deployment", "old"),
			Component: "web", Position: finding.Position{File: "distribution/components/web/old.yaml", Line: 8}, Clusters: []string{"edge-1", "hub"}},
		finding.Finding{Rule: "render", Severity: finding.Error, Class: finding.New, Message: "not rendered: line one\nline two, " + hostile, Component: "otel",
			Position: finding.Position{File: "components/otel/a b%,:.yaml", Line: 2, Column: 1}, Clusters: []string{"hub"}},
		finding.Finding{Rule: "exception", Severity: finding.Warning, Class: finding.New, Message: "the exception waives nothing", Position: finding.Position{File: "policies/exceptions.yaml", Line: 4}},
	)
	r.Findings = finding.Merge(all)
	r.Counts.Waived, r.Counts.Unknown, r.Counts.NotRendered = 1, 1, 1
	at := finding.Position{File: "components/web/deployment.yaml", Line: 12, Column: 3}
	edges := []string{"edge-1", "edge-2", "edge-3", "edge-4"}
	r.Change = &report.ChangeSet{
		Base: report.Side{Name: "merge base with origin/main", Commit: "0123456789abcdef"}, Head: report.Side{Name: "working tree"}, Why: "GITHUB_BASE_REF of GitHub",
		Joins: []string{"edge-4"}, NotKnown: []string{"otel"},
		Objects: []change.Group{
			{Object: object("Deployment", "web"), Component: "web", Action: change.Changed, Position: at, Clusters: edges,
				Fields: []change.Field{{Path: "spec.replicas", Pointer: "/spec/replicas", Before: 2, After: 3},
					{Path: "spec.template.spec.containers[web].args[0]", Pointer: "/spec/template/spec/containers/0/args/0", Before: "a", After: hostile}},
				Consequences: []change.Consequence{{Effect: change.Scales, Why: "2 → 3 pods"}, {Effect: change.Restarts, Why: "its pods are replaced, a few at a time"}}},
			{Object: object("ConfigMap", "settings"), Component: "web", Action: change.Added, Position: at, Clusters: edges},
			{Object: object("PersistentVolumeClaim", "data"), Component: "api", Action: change.Removed, Clusters: []string{"hub"},
				Consequences: []change.Consequence{{Effect: change.LosesData, Why: "the volume goes with its claim, unless its class retains it"}}},
		},
	}
	return r
}

// many is a change with hundreds of findings of each class.
func many(n int) *report.Result {
	r := changed()
	var all []finding.Finding
	for i := range n {
		for _, class := range []finding.Class{finding.New, finding.PreExisting, finding.Fixed, finding.Waived, finding.Unknown} {
			for _, severity := range []finding.Severity{finding.Error, finding.Warning} {
				all = append(all, finding.Finding{Rule: fmt.Sprintf("DT-%s-%03d", "TST", i%7), Severity: severity, Class: class,
					Message: fmt.Sprintf("finding %d of class %s and severity %s", i, class, severity), Object: object("Deployment", fmt.Sprintf("d-%d", i)), Component: "web",
					Position: finding.Position{File: fmt.Sprintf("components/web/%d.yaml", i), Line: i + 1, Column: 2}, Clusters: []string{"edge-1", "hub"}[i%2:]})
			}
		}
	}
	r.Findings = finding.Merge(append(all, r.Findings...))
	return r
}

func TestFormsGolden(t *testing.T) {
	t.Parallel()
	for format, ending := range forms() {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			golden(t, "change"+ending, write(t, format, changed(), report.TextOptions{Link: "https://ci.invalid/report.html?a=1&b=<2>"}))
			for name, r := range map[string]*report.Result{"change": changed(), "clean": begin("check"), "many": many(40)} {
				again := map[string]*report.Result{"change": changed(), "clean": begin("check"), "many": many(40)}[name]
				if diff := cmp.Diff(string(write(t, format, r, report.TextOptions{})), string(write(t, format, again, report.TextOptions{}))); diff != "" {
					t.Errorf("%s: two runs (-first +second):\n%s", name, diff)
				}
			}
		})
	}
}

// classes counts fingerprints of each class, and tells them.
type classes map[string][]string

func (c classes) add(class, fingerprint string) { c[class] = append(c[class], fingerprint) }

func (c classes) sorted() classes {
	for _, ids := range c {
		slices.Sort(ids)
	}
	return c
}

func (c classes) without(names ...string) classes {
	out := maps.Clone(c)
	for _, name := range names {
		delete(out, name)
	}
	return out
}

// fromJSON reads the classes back from what -o json says.
func fromJSON(t *testing.T, r *report.Result) classes {
	t.Helper()
	var doc struct{ Findings []finding.Finding }
	if err := json.Unmarshal(write(t, report.JSONFormat, r, report.TextOptions{}), &doc); err != nil {
		t.Fatal(err)
	}
	out := classes{}
	for _, f := range doc.Findings {
		out.add(standingOf(string(f.Class), string(f.Severity)), f.Fingerprint)
	}
	return out.sorted()
}

// standingOf is said here once more, so that the formats are held against something
// that they don't share.
func standingOf(class, severity string) string {
	if class == "" || class == string(finding.New) {
		return severity
	}
	return class
}

func fromSARIF(t *testing.T, r *report.Result) classes {
	t.Helper()
	out := classes{}
	for _, result := range sarifOf(t, r).Runs[0].Results {
		if got := result.PartialFingerprints["primaryLocationLineHash"]; got != result.PartialFingerprints["dualtrack/v1"] {
			t.Errorf("two fingerprints: %v", result.PartialFingerprints)
		}
		severity := map[string]string{"error": "error", "warning": "warning", "note": "info"}[result.Level]
		class := map[string]string{"new": "new", "unchanged": "pre-existing", "absent": "fixed", "": ""}[deref(result.BaselineState)]
		if len(result.Suppressions) > 0 {
			class = "waived"
		}
		if result.Kind == "open" {
			class = "unknown"
		}
		out.add(standingOf(class, severity), result.PartialFingerprints["dualtrack/v1"])
	}
	return out.sorted()
}

// fromJUnit reads with another library; a finding stands once for each cluster.
func fromJUnit(t *testing.T, r *report.Result) (clusters map[string]classes, tests junit.Testsuites) {
	t.Helper()
	data := write(t, report.JUnitFormat, r, report.TextOptions{})
	if err := xml.Unmarshal(data, &tests); err != nil {
		t.Fatal(err)
	}
	clusters = map[string]classes{}
	print := regexp.MustCompile(`fingerprint: ([0-9a-f]{16})`)
	word := regexp.MustCompile(`(?:^|: )(?:(new|fixed|pre-existing|waived|unknown) )?(error|warning|info): `)
	for _, s := range tests.Suites {
		clusters[s.Name] = classes{}
		for _, c := range s.Testcases {
			text := ""
			if c.Failure != nil {
				text = c.Failure.Data
			}
			if c.SystemOut != nil {
				text += c.SystemOut.Data
			}
			id, kind := print.FindStringSubmatch(text), word.FindStringSubmatch(text)
			if id == nil {
				if c.Failure != nil || c.Skipped != nil {
					t.Errorf("%s/%s has no fingerprint: %q", s.Name, c.Name, text)
				}
				continue // what passed
			}
			class := standingOf(kind[1], kind[2])
			if (class == "error") != (c.Failure != nil) {
				t.Errorf("%s/%s is %s: failure %v", s.Name, c.Name, class, c.Failure)
			}
			clusters[s.Name].add(class, id[1])
		}
		clusters[s.Name].sorted()
	}
	return clusters, tests
}

func fromMarkdown(t *testing.T, data []byte) classes {
	t.Helper()
	out := classes{}
	section := ""
	head := regexp.MustCompile(`^(?:\*\*|<details><summary>)(\d+) (error|unknown|warning|pre-existing|info|waived|fixed)(?:, each of which denies\*\*|</summary>)$`)
	id := regexp.MustCompile(`^- .* <!-- ([0-9a-f]{16}) -->$`)
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if m := head.FindStringSubmatch(line); m != nil {
			section = m[2]
		} else if m := id.FindStringSubmatch(line); m != nil {
			out.add(section, m[1])
		}
	}
	return out.sorted()
}

// TestFormsAgree: every format tells the same findings, by fingerprint, in the same
// classes; what a format has no place for is counted.
func TestFormsAgree(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report.Result{"change": changed(), "many": many(60), "tree": checked(), "clean": begin("check")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := fromJSON(t, r)
			if name == "many" && len(r.Findings) < 600 {
				t.Fatalf("only %d findings", len(r.Findings))
			}
			same := func(form string, want, got classes) {
				t.Helper()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-json +%s):\n%s", form, form, diff)
				}
			}
			same("sarif", want, fromSARIF(t, r))
			same("summary", want, fromMarkdown(t, report.Summary(r, report.TextOptions{}, report.SummaryLimit)))
			if comment := write(t, report.MarkdownFormat, r, report.TextOptions{}); name != "many" {
				same("markdown", want, fromMarkdown(t, comment))
			} else {
				countsAgree(t, want, string(comment))
			}
			perCluster := map[string]classes{}
			for _, f := range r.Findings {
				names := f.Clusters
				if len(names) == 0 {
					names = []string{r.Fleet}
				}
				for _, c := range names {
					if perCluster[c] == nil {
						perCluster[c] = classes{}
					}
					perCluster[c].add(standingOf(string(f.Class), string(f.Severity)), f.Fingerprint)
				}
			}
			got, _ := fromJUnit(t, r)
			for c, w := range perCluster {
				same("junit "+c, w.sorted(), got[c])
			}
			var issues []struct{ Fingerprint string }
			if err := json.Unmarshal(write(t, report.GitLabFormat, r, report.TextOptions{}), &issues); err != nil {
				t.Fatal(err)
			}
			ids := func(c classes) []string {
				return slices.Compact(slices.Sorted(func(yield func(string) bool) {
					for _, list := range c {
						for _, id := range list {
							if !yield(id) {
								return
							}
						}
					}
				}))
			}
			flat := []string(nil)
			for _, i := range issues {
				flat = append(flat, i.Fingerprint)
			}
			slices.Sort(flat)
			if diff := cmp.Diff(ids(want.without("fixed")), flat); diff != "" {
				t.Errorf("gitlab (-json +gitlab):\n%s", diff)
			}
			annotationsAgree(t, want, string(write(t, report.GitHubFormat, r, report.TextOptions{})))
			textAgrees(t, want, r)
		})
	}
}

// countsAgree holds the table that a folded comment keeps.
func countsAgree(t *testing.T, want classes, text string) {
	t.Helper()
	order := []string{"error", "unknown", "warning", "pre-existing", "info", "waived", "fixed"}
	row := ""
	for _, name := range order {
		row += fmt.Sprintf("| %d ", len(want[name]))
	}
	if !strings.Contains(text, "| "+strings.Join(order, " | ")+" |\n") || !strings.Contains(text, "\n"+row+"|\n") {
		t.Errorf("no row %q in\n%.2000s", row, text)
	}
}

func annotationsAgree(t *testing.T, want classes, text string) {
	t.Helper()
	id := regexp.MustCompile(`fingerprint: ([0-9a-f]{16})$`)
	got := map[string]int{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		kind, _, _ := strings.Cut(strings.TrimPrefix(line, "::"), " ")
		m := id.FindStringSubmatch(line)
		if kind == "notice" {
			continue
		}
		if m == nil {
			t.Errorf("no fingerprint: %s", line)
			continue
		}
		got[kind]++
		if kind == "error" && !slices.Contains(want["error"], m[1]) || kind == "warning" && !slices.Contains(slices.Concat(want["warning"], want["unknown"]), m[1]) {
			t.Errorf("%s is no %s", m[1], kind)
		}
	}
	if e, w := min(10, len(want["error"])), min(10, len(want["warning"])+len(want["unknown"])); got["error"] != e || got["warning"] != w {
		t.Errorf("%v beside the lines, want %d errors and %d warnings", got, e, w)
	}
	rest := map[string]int{"error": len(want["error"]) - got["error"]}
	unknown := min(10, len(want["unknown"]))
	rest["unknown"], rest["warning"] = len(want["unknown"])-unknown, len(want["warning"])-(got["warning"]-unknown)
	for _, name := range []string{"pre-existing", "info", "waived", "fixed"} {
		rest[name] = len(want[name])
	}
	for name, n := range rest {
		if n > 0 && !strings.Contains(text, fmt.Sprintf(" %d %s", n, name)) {
			t.Errorf("%d %s are not counted in\n%s", n, name, text)
		}
	}
}

// textAgrees: the last lines for people count the same.
func textAgrees(t *testing.T, want classes, r *report.Result) {
	t.Helper()
	text := string(write(t, report.TextFormat, r, report.TextOptions{}))
	word := ""
	if r.Change != nil {
		word = "new "
	}
	m := regexp.MustCompile(`(?m)^(\d+) ` + word + `errors?, (\d+) ` + word + `warnings?`).FindStringSubmatch(text)
	if got := []string{fmt.Sprint(len(want["error"])), fmt.Sprint(len(want["warning"]))}; m == nil || !slices.Equal(got, m[1:]) {
		t.Errorf("text counts %v, want %v", m, got)
	}
	if more := fmt.Sprintf("%d fixed, %d pre-existing", len(want["fixed"]), len(want["pre-existing"])); r.Change != nil && !strings.Contains(text, more) {
		t.Errorf("no %q in\n%s", more, text)
	}
}

// TestFormsEmpty: nothing found is a document that its reader takes.
func TestFormsEmpty(t *testing.T) {
	t.Parallel()
	r := &report.Result{Command: "check"}
	if got := string(write(t, report.GitLabFormat, r, report.TextOptions{})); got != "[]\n" {
		t.Errorf("gitlab: %q", got)
	}
	if _, tests := fromJUnit(t, r); tests.Tests != 1 || len(tests.Suites) != 1 {
		t.Errorf("junit: %+v", tests)
	}
	if got := string(write(t, report.GitHubFormat, r, report.TextOptions{})); got != "::notice title=platform check::Passed: no error\n" {
		t.Errorf("github: %q", got)
	}
}

// dialect is what Jenkins' xUnit plugin, the strictest reader, takes of each element:
// its attributes, those that must be there in capitals, and the elements in it.
func dialect() map[string][2]string {
	return map[string][2]string{
		"testsuites": {"name time tests failures errors", "testsuite"},
		"testsuite":  {"NAME TESTS FAILURES ERRORS group time skipped timestamp hostname id package file log url", "testsuite properties testcase system-out system-err"},
		"testcase":   {"NAME time classname group", "skipped error failure system-out system-err"},
		"failure":    {"type message", ""}, "skipped": {"type message", ""}, "system-out": {"", ""},
	}
}

func dialectFaults(data []byte) []string {
	var out []string
	var open []string
	dec := xml.NewDecoder(bytes.NewReader(data))
	for {
		token, err := dec.Token()
		switch e := token.(type) {
		case nil:
			if !errors.Is(err, io.EOF) {
				out = append(out, err.Error())
			}
			return out
		case xml.StartElement:
			name := e.Name.Local
			known, there := dialect()[name]
			if !there || len(open) > 0 && !slices.Contains(strings.Fields(dialect()[open[len(open)-1]][1]), name) {
				out = append(out, "element "+name)
			}
			have := map[string]bool{}
			for _, a := range e.Attr {
				have[a.Name.Local] = true
				if !slices.Contains(strings.Fields(strings.ToLower(known[0])), a.Name.Local) {
					out = append(out, name+" has "+a.Name.Local)
				}
			}
			for _, must := range strings.Fields(known[0]) {
				if must == strings.ToUpper(must) && !have[strings.ToLower(must)] {
					out = append(out, name+" lacks "+strings.ToLower(must))
				}
			}
			open = append(open, name)
		case xml.EndElement:
			open = open[:len(open)-1]
		}
	}
}

func TestJUnitDialects(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report.Result{"change": changed(), "clean": begin("check"), "many": many(20)} {
		data := write(t, report.JUnitFormat, r, report.TextOptions{})
		for _, fault := range dialectFaults(data) {
			t.Errorf("%s: %s", name, fault)
		}
		// GitLab knows a test by its class and name, and takes the first of two alike.
		_, tests := fromJUnit(t, r)
		seen := map[string]bool{}
		for _, s := range tests.Suites {
			if s.Tests != len(s.Testcases) {
				t.Errorf("%s: suite %s says %d tests and has %d", name, s.Name, s.Tests, len(s.Testcases))
			}
			for _, c := range s.Testcases {
				if key := c.Classname + " " + c.Name; seen[key] {
					t.Errorf("%s: %s is there twice", name, key)
				} else {
					seen[key] = true
				}
			}
		}
	}
	if got := dialectFaults([]byte(`<testsuites skipped="1"><testsuite name="a"><testcase/><x/></testsuite></testsuites>`)); len(got) != 6 {
		t.Errorf("faults: %v", got)
	}
}
