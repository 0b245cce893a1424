//go:build web

package web

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/report"
)

// attack is what every text of a result holds in the test: whatever of it were
// read as markup, script or address would set window.taken.
const attack = `<script>window.taken=1</script>"><img src=x onerror=window.taken=2>` +
	`</script></noscript></title></style></textarea><svg onload=window.taken=3><!--` +
	`<a href="javascript:window.taken=4">' onfocus='window.taken=5' autofocus ${window.taken=6} {{.}}` + "\u2028window.taken=7\u2029\u202e\u0000&lt;b&gt;"

// seen is how a reader sees the attack.
const seen = `<script>window.taken=1</script>"><img src=x onerror=window.taken=2></script></noscript></title></style></textarea>` +
	`<svg onload=window.taken=3><!--<a href="javascript:window.taken=4">' onfocus='window.taken=5' autofocus ${window.taken=6} {{.}}` +
	"⟨U+2028⟩window.taken=7⟨U+2029⟩⟨U+202E⟩⟨U+0000⟩&lt;b&gt;"

// fill puts a mark and the attack into every text that a value can hold, and
// gives the marks. Every list gets one item.
func fill(v reflect.Value, at string, marks *[]string) {
	text := func() string {
		mark := "«" + at + "»"
		*marks = append(*marks, mark)
		return mark + attack
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text())
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), at, marks)
	case reflect.Interface:
		v.Set(reflect.ValueOf(text()))
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for i, f := range reflect.VisibleFields(v.Type()) {
			if f.IsExported() && f.Tag.Get("json") != "-" {
				fill(v.Field(i), at+"."+f.Name, marks)
			}
		}
	case reflect.Slice:
		if v.Type() == reflect.TypeFor[json.RawMessage]() {
			data, _ := json.Marshal([]string{text()}) // a list of texts is JSON
			v.SetBytes(data)
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), at, marks)
	}
}

// unshown are the texts of a result that no reader needs on the page, with the
// reason.
func unshown() map[string]string {
	const drift = `^\.Clusters\.Drift\.Policy\.`
	return map[string]string{
		`\.APIVersion$`:             "objects are named by kind",
		`Fingerprint$`:              "for programs; the search finds it",
		`^\.Command$`:               "the test's own",
		`\.NotCompared$`:            "the test's own: a change is shown",
		`(Commit|Revision|Digest)$`: "shortened",
		`^\.Change\.Lifted$`:        "a fingerprint, told with the finding that has it",
		`\.Fields\.Pointer$`:        "of a change, whose path is told",
		`\.Bundle$`:                 "a digest",
		`\.Consequences\.Level$`:    "the colour of the effect",
		`\.Cause$`:                  "the short name of the reason",
		`\.Subresource$`:            "of a writer",
		`^\.Clusters\.Drift\.(Component|Writer\..*)$`:                                           "its fields tell their writers",
		drift + `(Class|Clusters|Component|Object\..*|Pointer|Position.*|Places.*|Patch|Mend)$`: "the drifted object's own",
		`^\.Clusters\.Survey\.(Lacks|Owner|Server|Version)$`:                                    "what is missing and foreign is told",
		`\.Against\.(Component|Track|Health)$`:                                                  "told by the track; of an object that is not in sync",
		`^\.Validation\.(Accepted|Skipped|Nothing|Object.*|Position.*|Problems.*)$`:             "problems are findings, with object and place",
	}
}

// hostile is a result in which every text is an attack, on a change that is one.
func hostile(t *testing.T) (*report.Result, []string) {
	t.Helper()
	r := &report.Result{}
	var marks []string
	fill(reflect.ValueOf(r).Elem(), "", &marks)
	r.Command, r.Change.NotCompared, r.Upgrade.NotCompared = "check", "", ""
	r.Validation[0].Skipped, r.Validation[0].Nothing = "", ""
	object := func(value string) *render.Bundle {
		mark := func(at string) string {
			marks = append(marks, "«"+at+"»")
			return "«" + at + "»" + attack
		}
		return &render.Bundle{Cluster: r.Change.Objects[0].Clusters[0], Objects: []render.Object{{
			Component: mark("component"), Source: finding.Position{File: mark("file")},
			Unstructured: &unstructured.Unstructured{Object: map[string]any{
				"apiVersion": "v1", "kind": mark("kind"),
				"metadata": map[string]any{"name": mark("name"), "namespace": mark("namespace"),
					"labels": map[string]any{mark("label"): mark("label-value")}},
				"data": map[string]any{mark("key"): mark(value) + "\nsecond line " + attack, "document": "a: |\n  " + value},
			}},
		}}}
	}
	s := r.Change
	s.Before, s.After = []*render.Bundle{object("before")}, []*render.Bundle{object("after")}
	s.Objects = append(s.Objects, change.Grouped(change.Between(s.Before, s.After))...)
	slices.Sort(marks)
	return r, slices.Compact(marks)
}

// TestHostileTexts: nothing of what a result says is read as anything but text,
// wherever it stands, and a reader sees it.
func TestHostileTexts(t *testing.T) {
	t.Parallel()
	r, marks := hostile(t)
	p := open(t, browse(t), write(t, r)).ready()
	p.openAll(1400)
	p.quiet()
	p.untouched()
	shown := js[string](p, "document.body.innerText")
	used := map[string]bool{}
	for _, mark := range marks {
		why := notShown(shown, mark)
		for pattern := range unshown() {
			if why != "" && regexp.MustCompile(pattern).MatchString(strings.Trim(mark, "«»")) {
				why, used[pattern] = "", true
			}
		}
		if why != "" {
			t.Errorf("%s is not shown%s", mark, why)
		}
	}
	for pattern := range unshown() {
		if !used[pattern] {
			t.Errorf("%s is shown, and the list says that it is not", pattern)
		}
	}
	if title := js[string](p, "document.title"); !strings.Contains(title, "<script>window.taken=1</script>") {
		t.Errorf("title %q", title)
	}
	for _, part := range []string{"cluster", "component", "kind", "severity", "class"} {
		for _, value := range js[[]string](p, fmt.Sprintf(`[...document.getElementById("f-%s").options].map(o => o.value)`, part)) {
			p.choose(part, value)
		}
		p.choose(part, "")
	}
	p.search(attack[:60])
	if n := js[int](p, `document.querySelectorAll(".entry").length`); n == 0 {
		t.Error("a search for the attack finds nothing")
	}
	p.openAll(1400)
	p.quiet()
	p.untouched()
}

// notShown says how a text that begins with the mark is shown otherwise than as it
// is, or quoted where JSON or YAML stands, cut at the end if it is long.
func notShown(shown, mark string) string {
	at := strings.Index(shown, mark)
	if at < 0 {
		return " at all"
	}
	// JSON and YAML quote in their own ways.
	said, quoted := shown[at+len(mark):], strings.NewReplacer(`"`, `\"`, "⟨U+0000⟩", `\u0000`).Replace(seen)
	written := strings.NewReplacer(`"`, `\"`, "⟨U+0000⟩", `\0`, "⟨U+2028⟩", `\L`, "⟨U+2029⟩", `\P`).Replace(seen)
	cut, _, long := strings.Cut(said, "…")
	switch {
	case strings.Contains(shown, mark+seen), strings.HasPrefix(said, quoted), strings.HasPrefix(said, written), long && len(cut) > 200 && strings.HasPrefix(quoted, cut):
		return ""
	}
	return fmt.Sprintf(" as it is: %.600q", said)
}

// untouched fails where something was executed, or text became markup.
func (p *tab) untouched() {
	p.t.Helper()
	if taken := js[any](p, "window.taken ?? null"); taken != nil {
		p.t.Errorf("executed: window.taken is %v", taken)
	}
	found := js[[]string](p, `[...document.querySelectorAll("*")].flatMap((node) => [
		...(["IMG", "SVG", "svg", "IFRAME", "OBJECT", "EMBED", "LINK", "BASE", "TEXTAREA", "B"].includes(node.tagName) ? [node.outerHTML.slice(0, 200)] : []),
		...[...node.attributes].filter((a) => /^on|^srcdoc$|^style$/i.test(a.name) && !(a.name === "style" && /^(min-height: [0-9.]+em;)?$/.test(a.value)) || a.name === "href" && a.value !== "#results").map((a) => node.tagName + " " + a.name + "=" + a.value.slice(0, 200))])
		.concat(document.scripts.length === 2 ? [] : [document.scripts.length + " scripts"])`)
	for _, what := range found {
		p.t.Errorf("text became markup: %s", what)
	}
}

// TestControl: the same browser executes the attack where nothing stands against
// it, and the page's policy keeps it off even where it became markup.
func TestControl(t *testing.T) {
	t.Parallel()
	browser := browse(t)
	p := open(t, browser, []byte("<!doctype html><title>x</title><body>"+attack))
	if taken := js[any](p, `new Promise(done => setTimeout(() => done(window.taken ?? null), 200))`); taken == nil {
		t.Error("the attack does nothing in a page that is open to it: the other tests prove nothing")
	}
	content := write(t, &report.Result{Command: "check"})
	const body = "<body>"
	if strings.Count(string(content), body) != 1 {
		t.Fatal("the page has no body of its own")
	}
	p = open(t, browser, []byte(strings.Replace(string(content), body, body+strings.ReplaceAll(attack, "<!--", "")+"<svg onload=window.taken=8></svg><style>h1{color:rgb(1,2,3)}</style>", 1)))
	js[bool](p, `new Promise(done => setTimeout(() => done(true), 200))`)
	if taken := js[any](p, "window.taken ?? null"); taken != nil {
		t.Errorf("in spite of the policy window.taken is %v", taken)
	}
	if color := js[string](p, `getComputedStyle(document.querySelector("h1")).color`); color == "rgb(1, 2, 3)" {
		t.Error("a style that is not the page's own works")
	}
	if !slices.ContainsFunc(p.heardAll(), func(said string) bool { return strings.Contains(said, "Content Security Policy") }) {
		t.Errorf("the browser does not say that the policy forbids it: %q", p.heardAll())
	}
	for _, sink := range []string{`document.body.innerHTML = "x"`, `document.body.appendChild(document.createElement("script")).text = "1"`} {
		if said := js[string](p, `(() => { try { `+sink+`; return "done"; } catch (e) { return e.name; } })()`); said == "done" {
			t.Errorf("%s is allowed", sink)
		}
	}
}
