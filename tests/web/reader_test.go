//go:build web

package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/cli"
	"dualtrack.internal/platform/report"
)

// shared is made once for all tests that read it.
var shared struct {
	once    sync.Once
	content []byte
	result  *report.Result
}

func changed(t *testing.T) ([]byte, *report.Result) {
	t.Helper()
	shared.once.Do(func() { shared.content, shared.result = checkChange(t) })
	if shared.result == nil {
		t.Fatal("another test could not make the page")
	}
	return shared.content, shared.result
}

// checkChange is the page and the JSON form of one `platform check` of this very
// repository with a change that does some of everything: it is denied, refused,
// scales, restarts, adds, and is one on some clusters and another on others.
func checkChange(t *testing.T) ([]byte, *report.Result) {
	t.Helper()
	dir := t.TempDir()
	for _, folder := range []string{"components", "clusters", "policies", "tools"} {
		if err := os.CopyFS(filepath.Join(dir, folder), os.DirFS(filepath.Join("../..", folder))); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=test", "-c", "user.email=test@example.org"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	edit := func(name, old, next string) {
		t.Helper()
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), old) {
			t.Fatalf("%s has no %q", name, old)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Replace(string(data), old, next, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git("init", "-q", "-b", "main")
	git("add", "-A")
	git("commit", "-q", "-m", "base")
	const inference = "components/edge-inference/base/inference.yaml"
	edit(inference, "  replicas: 2", "  replicas: 3")
	edit(inference, "allowPrivilegeEscalation: false", "privileged: true\n            allowPrivilegeEscalation: false")
	edit(inference, "  selector:\n    matchLabels:", "  selector:\n    matchLabels:\n      tier: edge")
	edit(inference, "  template:\n    metadata:\n      labels:", "  template:\n    metadata:\n      labels:\n        tier: edge")
	edit("components/otel/base/agent-config.yaml", "receivers:", "# a remark that changes the document's text\nreceivers:")
	var out bytes.Buffer
	streams := cli.System()
	streams.Out, streams.Err = &out, &out
	page, form := filepath.Join(dir, "report.html"), filepath.Join(dir, "report.json")
	if code := cli.Run(t.Context(), streams, []string{"check", "-w", dir, "--state-dir", t.TempDir(), "--base", "main", "-o", "html=" + page, "-o", "json=" + form}); code != 1 {
		t.Fatalf("exit %d, want 1\n%s", code, &out)
	}
	var r report.Result
	data, err := os.ReadFile(form)
	if err == nil {
		err = json.Unmarshal(data, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	return content, &r
}

// counts are the entries that the page shows, of each kind.
type counts struct{ Findings, Objects int }

func (p *tab) counts() counts {
	p.t.Helper()
	return counts{
		Findings: js[int](p, `Number((document.querySelector("#findings h2 .count")?.textContent ?? "0").replace(/,/g, ""))`),
		Objects:  js[int](p, `Number((document.querySelector("#changes h2 .count")?.textContent ?? "0").replace(/,/g, ""))`),
	}
}

// TestReader reads the page of a change as its reviewer does: what it shows is what
// the JSON form says, under every filter.
func TestReader(t *testing.T) {
	t.Parallel()
	content, r := changed(t)
	p := open(t, browse(t), content).ready()
	if got := js[[]string](p, `[...document.querySelectorAll("h1, h2")].filter(h => h.offsetParent).map(h => h.firstChild.textContent)`); !slices.Equal(got, []string{"Denied", "What follows", "Findings", "Changes", "By cluster"}) {
		t.Errorf("headings %q", got)
	}
	if got := js[string](p, `document.querySelector("#consequences .badge").textContent`); got != "refused" {
		t.Errorf("%q is told first of what follows", got)
	}
	all := counts{len(r.Findings), len(r.Change.Objects)}
	if diff := cmp.Diff(all, p.counts()); diff != "" {
		t.Errorf("entries (-json +page):\n%s", diff)
	}
	if n := js[int](p, `document.querySelectorAll("#changes .entry.object").length`); n != all.Objects {
		t.Errorf("%d objects are listed, %d changed", n, all.Objects)
	}
	for part, values := range expected(r) {
		for value, want := range values {
			p.choose(part, value)
			if diff := cmp.Diff(want, p.counts()); diff != "" {
				t.Errorf("%s %s (-json +page):\n%s", part, value, diff)
			}
		}
		offered := js[[]string](p, fmt.Sprintf(`[...document.getElementById("f-%s").options].map(o => o.value).filter(Boolean)`, part))
		if len(offered) != len(values) {
			t.Errorf("%s offers %q, the JSON form has %d", part, offered, len(values))
		}
		p.choose(part, "")
	}
	p.search("a remark that changes")
	if got := p.counts(); got.Objects == 0 || got.Objects == all.Objects || got.Findings != 0 {
		t.Errorf("a line that one ConfigMap got is found in %+v", got)
	}
	p.search("")
	p.choose("cluster", "hub")
	p.key("x")
	js[bool](p, `new Promise(done => setTimeout(() => done(true), 50))`)
	if diff := cmp.Diff(all, p.counts()); diff != "" {
		t.Errorf("after x (-want +got):\n%s", diff)
	}
	p.openAll(1400)
	shown := js[string](p, `document.querySelector("#changes").innerText`)
	for _, want := range []string{"spec.replicas 2 → 3", "new error", "set privileged to false", "can't be changed", "It reads in", "components/edge-inference/base/inference.yaml:"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the changes do not say %q", want)
		}
	}
	p.quiet()
}

// expected are the entries under each value of each part of the filter.
func expected(r *report.Result) map[string]map[string]counts {
	out := map[string]map[string]counts{"cluster": {}, "component": {}, "kind": {}, "severity": {}, "class": {}}
	add := func(part, value string, c counts) {
		if value != "" {
			was := out[part][value]
			out[part][value] = counts{was.Findings + c.Findings, was.Objects + c.Objects}
		}
	}
	fleet := counts{} // what names no cluster is told of each
	for _, f := range r.Findings {
		one := counts{Findings: 1}
		if len(f.Clusters) == 0 {
			fleet.Findings++
		}
		add("component", f.Component, one)
		add("kind", f.Object.Kind, one)
		add("severity", string(f.Severity), one)
		add("class", string(f.Class), one)
		for _, name := range f.Clusters {
			add("cluster", name, one)
		}
	}
	for _, g := range r.Change.Objects {
		one := counts{Objects: 1}
		add("component", g.Component, one)
		add("kind", g.Object.Kind, one)
		for _, name := range g.Clusters {
			add("cluster", name, one)
		}
		severities, classes := map[string]bool{}, map[string]bool{}
		for _, f := range r.Findings {
			if f.Object == g.Object && slices.ContainsFunc(f.Clusters, func(name string) bool { return slices.Contains(g.Clusters, name) }) {
				severities[string(f.Severity)], classes[string(f.Class)] = true, true
			}
		}
		for name := range severities {
			add("severity", name, one)
		}
		for name := range classes {
			add("class", name, one)
		}
	}
	for name := range out["cluster"] {
		add("cluster", name, fleet)
	}
	return out
}

// TestAddress: a link shows the filter it was copied with, and an object.
func TestAddress(t *testing.T) {
	t.Parallel()
	content, r := changed(t)
	browser := browse(t)
	p := open(t, browser, content).ready()
	p.choose("cluster", "hub")
	filtered := p.counts()
	p.address += js[string](p, "location.hash")
	if !strings.HasSuffix(p.address, "#cluster=hub") {
		t.Fatalf("address %s", p.address)
	}
	p.again()
	if diff := cmp.Diff(filtered, p.counts()); diff != "" || filtered.Objects == len(r.Change.Objects) {
		t.Errorf("by the link (-filtered +got):\n%s", diff)
	}
	p.key("x")
	js[bool](p, `(document.querySelector("#consequences button.link").click(), `+settle+`)`)
	at := js[string](p, `document.activeElement.dataset.id ?? ""`)
	if !strings.HasPrefix(at, "o") {
		t.Fatalf("a link in what follows leads to %q", at)
	}
	p.address, _, _ = strings.Cut(p.address, "#")
	p.address += "#at=" + at
	p.again()
	if got := js[string](p, `document.activeElement.dataset.id + " " + document.activeElement.querySelector(".heading").getAttribute("aria-expanded")`); got != at+" true" {
		t.Errorf("by the link %s the page is at %q", p.address, got)
	}
}

// TestKeyboard reads the page without a mouse.
func TestKeyboard(t *testing.T) {
	t.Parallel()
	content, _ := changed(t)
	p := open(t, browse(t), content).ready()
	active := func() string {
		return js[string](p, `(() => { const a = document.activeElement; return a.className + "|" + (a.id || a.dataset.id || "") })()`)
	}
	is := func(what, want string) {
		t.Helper()
		if got := active(); got != want {
			t.Errorf("%s: at %q, want %q", what, got, want)
		}
	}
	count := func(selector string) int {
		return js[int](p, fmt.Sprintf("document.querySelectorAll(%q).length", selector))
	}
	p.key("\t")
	is("Tab", "skip|")
	if left := js[float64](p, `document.activeElement.getBoundingClientRect().left`); left < 0 {
		t.Error("the skip link is not seen when it has the focus")
	}
	p.key("\r")
	is("Enter on the skip link", "|results")
	p.key("j")
	first := active()
	p.key("j", "j", "k", "k")
	is("j j k k", first)
	if !strings.HasPrefix(first, "entry finding|") {
		t.Errorf("j leads to %q", first)
	}
	if style := js[string](p, `getComputedStyle(document.activeElement).outlineStyle`); style != "solid" {
		t.Errorf("the entry that has the focus has outline %s", style)
	}
	for range 40 {
		if p.key("j"); strings.HasPrefix(active(), "entry object") {
			break
		}
	}
	open := func() string {
		return js[string](p, `document.activeElement.querySelector(".heading").getAttribute("aria-expanded")`)
	}
	was := open()
	p.key("\r")
	if open() == was {
		t.Error("Enter does not open or close the entry")
	}
	all := count(".entry.object")
	p.key("e")
	if n := count(`.entry.object .heading[aria-expanded="true"]`); n != all {
		t.Errorf("e opens %d of %d", n, all)
	}
	p.key("c")
	if n := count(`.entry.object .heading[aria-expanded="true"]`); n != 0 {
		t.Errorf("c leaves %d open", n)
	}
	p.key("e")
	split := count("table.split")
	p.key("u")
	if split == 0 || count("table.split") != 0 {
		t.Errorf("u: %d tables side by side, then %d", split, count("table.split"))
	}
	p.key("/")
	is("/", "|f-text")
	p.key("j", "e", "?")
	is("keys in the search", "|f-text")
	// The protocol types the slash apart from its key, which a reader's keyboard does not.
	if text := js[string](p, `document.getElementById("f-text").value`); strings.TrimPrefix(text, "/") != "je?" {
		t.Errorf("the search holds %q", text)
	}
	p.key("\u001b")
	is("Esc", "|results")
	p.key("x", "?")
	if !js[bool](p, `document.getElementById("help").open`) {
		t.Error("? does not open the help")
	}
	js[bool](p, `(document.getElementById("keys-on").click(), document.getElementById("help").close(), true)`)
	p.key("?", "t", "/")
	if js[bool](p, `document.getElementById("help").open || document.documentElement.dataset.theme !== "system"`) {
		t.Error("single keys work though they are off")
	}
	for _, unnamed := range js[[]string](p, `[...document.querySelectorAll("button, select, input, [role], table")].filter(n => n.offsetParent &&
		!(n.textContent.trim() || n.getAttribute("aria-label") || n.labels?.length)).map(n => n.outerHTML.slice(0, 100))`) {
		t.Errorf("without a name for those who hear the page: %s", unnamed)
	}
	p.quiet()
}
