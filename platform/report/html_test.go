package report_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/report"
)

func page(t *testing.T, r *report.Result) string {
	t.Helper()
	return string(write(t, report.HTMLFormat, r, report.TextOptions{}))
}

// between is what stands between two marks that a page has once.
func between(t *testing.T, page, from, to string) string {
	t.Helper()
	_, rest, ok := strings.Cut(page, from)
	inside, _, closed := strings.Cut(rest, to)
	if !ok || !closed || strings.Count(page, from) != 1 {
		t.Fatalf("no %s…%s, or several", from, to)
	}
	return inside
}

// TestPageStandsAlone: the page names its one style and its one script by their
// digests, allows nothing else, asks for nothing, and is the same on every run.
func TestPageStandsAlone(t *testing.T) {
	t.Parallel()
	all := results()
	all["change"] = changes()
	for name, r := range all {
		p := page(t, r)
		again := results()[name]
		if again == nil {
			again = changes()
		}
		if p != page(t, again) {
			t.Errorf("%s: two runs write different pages", name)
		}
		style, script := between(t, p, "<style>", "</style>"), between(t, p, `<script type="module">`, "</script>")
		digest := func(s string) string {
			sum := sha256.Sum256([]byte(s))
			return base64.StdEncoding.EncodeToString(sum[:])
		}
		policy := between(t, p, `<meta http-equiv="Content-Security-Policy" content="`, `">`)
		policy = strings.NewReplacer("&#39;", "'", "&#43;", "+").Replace(policy)
		want := fmt.Sprintf("default-src 'none'; script-src 'sha256-%s'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "+
			"require-trusted-types-for 'script'; trusted-types 'none'", digest(script), digest(style))
		if diff := cmp.Diff(want, policy); diff != "" {
			t.Errorf("%s: policy (-want +got):\n%s", name, diff)
		}
		if n := len(script); n > 40_000 {
			t.Errorf("the script has %d bytes", n)
		}
		for _, pattern := range []string{`https?://`, `\burl\(`, `@import`, `innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(`, `<!--`} {
			if m := regexp.MustCompile(pattern).FindString(style + script); m != "" {
				t.Errorf("style or script has %q", m)
			}
		}
		for _, pattern := range []string{`(?i)<[a-z][^>]*\son[a-z]+=`, `(?i)<[a-z][^>]*\s(style|src)=`} {
			if m := regexp.MustCompile(pattern).FindString(strings.NewReplacer(script, "", style, "").Replace(p)); m != "" {
				t.Errorf("%s: markup has %q", name, m)
			}
		}
	}
}

// TestPageHoldsTheJSONForm: what the page's script shows is what -o json says, but
// for long values, which stand in the lines.
func TestPageHoldsTheJSONForm(t *testing.T) {
	t.Parallel()
	for name, r := range results() {
		var want, got any
		if err := json.Unmarshal(write(t, report.JSONFormat, r, report.TextOptions{}), &want); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(pageData(t, r), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]any{"report": want}, got); diff != "" {
			t.Errorf("%s (-json +page):\n%s", name, diff)
		}
	}
}

func pageData(t *testing.T, r *report.Result) []byte {
	t.Helper()
	return []byte(between(t, page(t, r), `<script type="application/json" id="data">`, "</script>"))
}

const canary = "c4n4ry"

// made is an object of a bundle.
func made(kind, name string, content map[string]any) render.Object {
	o := map[string]any{"apiVersion": "v1", "kind": kind, "metadata": map[string]any{"namespace": "shop", "name": name}}
	for key, value := range content {
		o[key] = value
	}
	return render.Object{Component: "api", Source: finding.Position{File: "components/api/all.yaml", Line: 3}, Unstructured: &unstructured.Unstructured{Object: o}}
}

// changes is a result whose change holds what a page must treat with care: a
// Secret, one change that reads differently on clusters, texts that YAML would
// quote, long values, an object that goes, one that comes, one with another name.
func changes() *report.Result {
	bundle := func(cluster string, objects ...render.Object) *render.Bundle {
		return &render.Bundle{Cluster: cluster, Objects: objects}
	}
	config := func(site, level string) render.Object {
		return made("ConfigMap", "settings", map[string]any{"data": map[string]any{"site": site, "level": level}})
	}
	text := func(word string) render.Object {
		return made("ConfigMap", "text", map[string]any{"data": map[string]any{"text": "first \n\t" + word + "\r\nlast", "long": strings.Repeat(word, 300)}})
	}
	secret := func(value, kept any) render.Object {
		o := made("Secret", "token", map[string]any{"stringData": map[string]any{"token": value, "same": canary + "same"}, "data": kept})
		o.SetAnnotations(map[string]string{"kubectl.kubernetes.io/last-applied-configuration": canary, "other": "stays"})
		return o
	}
	r := begin("check")
	s := &report.ChangeSet{
		Base: report.Side{Name: "main", Commit: commit}, Head: report.Side{Name: "working tree"}, Why: "as asked for",
		Before: []*render.Bundle{
			bundle("edge-1", config("one", "info"), text("old"), secret(canary+"1", canary), made("Service", "gone", nil)),
			bundle("edge-2", config("two", "info"), text("old")),
			bundle("edge-3", config("one", "info")),
		},
		After: []*render.Bundle{
			bundle("edge-1", config("one", "debug"), text("new"), secret(canary+"2", canary), made("Service", "come", nil)),
			bundle("edge-2", config("two", "debug"), text("new")),
			bundle("edge-3", config("one", "debug")),
		},
	}
	s.Objects = change.Grouped(change.Between(s.Before, s.After))
	renamed := change.Group{Object: s.Objects[0].Object, Component: "api", Action: "renamed", Clusters: []string{"edge-1"},
		Fields: []change.Field{{Path: "metadata.name", Pointer: "/metadata/name", Before: "gone", After: "come"}}}
	renamed.Object.Kind, renamed.Object.Name = "Service", "come"
	s.Objects = append(s.Objects, renamed, change.Group{Action: "affected", Clusters: []string{"hub"}})
	r.Change = s
	return r
}

// TestPageTexts holds the lines of the objects that change: each text once, with
// the clusters where it reads so, and no value of a Secret.
func TestPageTexts(t *testing.T) {
	t.Parallel()
	r := changes()
	if p := page(t, r); strings.Contains(p, canary) {
		t.Error("the page shows a Secret's value")
	}
	var data struct {
		Lines []string
		Texts [][]struct {
			On         []string
			Rows       []int
			Gone, Come int
		}
	}
	if err := json.Unmarshal(pageData(t, r), &data); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for i, g := range r.Change.Objects {
		fmt.Fprintf(&b, "== %s %s\n", g.Action, g.Object)
		for _, text := range data.Texts[i] {
			fmt.Fprintf(&b, "-- %s: %d go, %d come\n", strings.Join(text.On, ", "), text.Gone, text.Come)
			for _, row := range text.Rows {
				line := fmt.Sprintf("%q", data.Lines[row/3]) // tabs and carriage returns are to be seen
				if len(line) > 80 {
					line = line[:80] + "…"
				}
				fmt.Fprintf(&b, "%c %s\n", " -+"[row%3], line)
			}
		}
	}
	golden(t, "html-texts.txt", b.Bytes())
}

// TestPageSharesLines: a thousand clusters that say nearly the same do not make a
// page a thousand times as large.
func TestPageSharesLines(t *testing.T) {
	t.Parallel()
	size := func(clusters int) int {
		r := begin("check")
		s := &report.ChangeSet{}
		for i := range clusters {
			bundle := func(word string) *render.Bundle {
				content := map[string]any{"data": map[string]any{"word": word, "text": strings.Repeat("a line of some length\n", 100)}}
				return &render.Bundle{Cluster: fmt.Sprintf("edge-%04d", i), Objects: []render.Object{made("ConfigMap", "settings", content)}}
			}
			s.Before, s.After = append(s.Before, bundle("old")), append(s.After, bundle("new"))
		}
		s.Objects = change.Grouped(change.Between(s.Before, s.After))
		r.Change = s
		return len(pageData(t, r))
	}
	one, many := size(1), size(1000)
	if many > one+1000*40 { // two lists of names
		t.Errorf("%d bytes for a cluster, %d for 1,000", one, many)
	}
}

// TestPageIsBounded: what a page has no room for is named, not dropped.
func TestPageIsBounded(t *testing.T) {
	t.Parallel()
	r := begin("check")
	s := &report.ChangeSet{}
	for i := range 5 {
		var text strings.Builder
		for j := range 100_000 {
			fmt.Fprintf(&text, "%d.%d\n", i, j)
		}
		b := &render.Bundle{Cluster: fmt.Sprintf("edge-%d", i), Objects: []render.Object{made("ConfigMap", fmt.Sprintf("c%d", i), map[string]any{"data": map[string]any{"t": text.String()}})}}
		s.Before, s.After = append(s.Before, &render.Bundle{Cluster: b.Cluster}), append(s.After, b)
	}
	s.Objects = change.Grouped(change.Between(s.Before, s.After))
	r.Change = s
	var data struct{ Texts [][]struct{ Large, Come int } }
	if err := json.Unmarshal(pageData(t, r), &data); err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, texts := range data.Texts {
		got = append(got, texts[0].Come, texts[0].Large)
	}
	const lines = 100_007
	if diff := cmp.Diff([]int{lines, 0, lines, 0, lines, 0, 0, lines, 0, lines}, got); diff != "" {
		t.Errorf("lines that come and lines left out (-want +got):\n%s", diff)
	}
}

// TestPageVerdict: the word over the page, in the order of the exit codes.
func TestPageVerdict(t *testing.T) {
	t.Parallel()
	denial := finding.Finding{Rule: "DT-SEC-001", Severity: finding.Error}
	refused := finding.Finding{Rule: "schema", Severity: finding.Error}
	cases := []struct {
		want   string
		result report.Result
	}{
		{"good Passed", report.Result{Command: "check"}},
		{"warn Passed, 2 unknown", report.Result{Command: "check", Counts: report.Counts{Unknown: 2}}},
		{"bad Denied", report.Result{Command: "check", Findings: []finding.Finding{denial}}},
		{"bad Bad input", report.Result{Command: "check", Findings: []finding.Finding{denial, refused}}},
		{"good Converged", report.Result{Command: "up", Awaited: true, Clusters: []report.Cluster{{State: report.Converged}}}},
		{"bad Not converged", report.Result{Command: "up", Awaited: true, Clusters: []report.Cluster{{State: report.Converged}, {State: report.NotRunning}}}},
		{"bad Incomplete", report.Result{Command: "drift", Clusters: []report.Cluster{{State: report.NotRunning}}}},
		{"bad Incomplete", report.Result{Command: "up", Awaited: true, Findings: []finding.Finding{denial}, Clusters: []report.Cluster{{State: report.Unreachable}}}},
		{"bad Failed", report.Result{Command: "up", Clusters: []report.Cluster{{State: report.Unreachable}, {State: report.Failed}}}},
		{"bad Refused", report.Result{Command: "up", Clusters: []report.Cluster{{State: report.Refused}}}},
		{"warn Waits for approval", report.Result{Command: "up", Clusters: []report.Cluster{{State: report.Planned}}}},
		{"warn Differs", report.Result{Command: "drift", Clusters: []report.Cluster{{State: report.Running, Drift: []report.Drift{{}}}}}},
		{"good No differences", report.Result{Command: "drift", Clusters: []report.Cluster{{State: report.Running}}}},
		{"bad Lacks something", report.Result{Command: "doctor", Findings: []finding.Finding{denial}}},
		{"good Done", report.Result{Command: "stop"}},
	}
	for _, c := range cases {
		p := page(t, &c.result)
		got := between(t, p, `<header class="`, `"`) + " " + between(t, p, "<h1>", "</h1>")
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.result, got, c.want)
		}
	}
}

// TestPageHead: the head stands in the page without any script, and escapes.
func TestPageHead(t *testing.T) {
	t.Parallel()
	r := changes()
	r.Fleet, r.Change.Head.Name = `</title><script>"&`, "turned\u202eround"
	head := between(t, page(t, r), "<title>", "<form")
	for _, want := range []string{
		"Passed · platform check · fleet &lt;/title&gt;&lt;script&gt;&#34;&amp;</title>", "<dt>head</dt><dd>turned⟨U&#43;202E⟩round</dd>",
		"<dt>base</dt><dd>main, commit fedcba987654</dd>", "<p class=\"headline\">0 new errors, 0 new warnings",
	} {
		if !strings.Contains(head, want) {
			t.Errorf("no %q in\n%s", want, head[strings.LastIndex(head, "<body>")+1:])
		}
	}
}
