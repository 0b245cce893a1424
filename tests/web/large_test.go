//go:build web

package web

import (
	"fmt"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/report"
)

// large is a change of 50,000 lines: 2,000 objects of 60 components with 20 changed
// lines each on 8 clusters, one object of which 5,000 lines go and 5,000 come, and
// 3,000 findings.
func large() *report.Result {
	text := func(lines int, word string) string {
		var b strings.Builder
		for i := range lines {
			fmt.Fprintf(&b, "setting_%d: %s\n", i, word)
			if lines < 100 { // what stays between
				fmt.Fprintf(&b, "  note: stays %d\n", i)
			}
		}
		return b.String()
	}
	object := func(i, lines int, word string) render.Object {
		return render.Object{Component: fmt.Sprintf("component-%02d", i%60), Source: finding.Position{File: "components/all.yaml", Line: i + 1},
			Unstructured: &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
				"metadata": map[string]any{"name": fmt.Sprintf("settings-%04d", i), "namespace": "shop"}, "data": map[string]any{"settings": text(lines, word)}}}}
	}
	side := func(word string) []*render.Bundle {
		var objects []render.Object
		for i := range 2000 {
			objects = append(objects, object(i, 10, fmt.Sprintf("%s-%d", word, i)))
		}
		objects = append(objects, object(2000, 5000, word))
		var out []*render.Bundle
		for i := range 8 {
			out = append(out, &render.Bundle{Cluster: fmt.Sprintf("edge-%d", i), Objects: objects})
		}
		return out
	}
	r := &report.Result{Command: "check", Counts: report.Counts{Clusters: 8, Components: 60, Objects: 16_008}}
	r.Change = &report.ChangeSet{Base: report.Side{Name: "main"}, Head: report.Side{Name: "work"}, Before: side("old"), After: side("new")}
	r.Change.Objects = change.Grouped(change.Between(r.Change.Before, r.Change.After))
	for i := range 3000 {
		g := r.Change.Objects[i%2000]
		r.Findings = append(r.Findings, finding.Finding{Rule: fmt.Sprintf("DT-TST-%03d", i%40), Severity: []finding.Severity{finding.Error, finding.Warning}[i%2],
			Class: []finding.Class{finding.New, finding.PreExisting, finding.Fixed}[i%3], Message: fmt.Sprintf("finding %d", i), Mend: "mend it",
			Object: g.Object, Component: g.Component, Position: g.Position, Clusters: g.Clusters}.WithFingerprint())
	}
	return r
}

// TestLarge: a change of 50,000 lines opens, filters and scrolls without the page
// standing still. The figures are printed; the marks are loose, for the machine
// may be busy.
func TestLarge(t *testing.T) {
	content := write(t, large())
	p := open(t, browse(t), content, before(`window.longest = 0;
		new PerformanceObserver((list) => { for (const e of list.getEntries()) window.longest = Math.max(window.longest, e.duration); }).observe({ type: "longtask", buffered: true });`)).ready()
	js[bool](p, settle)
	figure := func(name string, most, got float64) {
		t.Helper()
		t.Logf("%-48s %8.0f ms", name, got)
		if got > most {
			t.Errorf("%s took %.0f ms, the mark is %.0f", name, got, most)
		}
	}
	t.Logf("%-48s %8d kB", "page", len(content)/1000)
	if rows := js[int](p, `JSON.parse(document.getElementById("data").textContent).texts.flat().reduce((n, t) => n + t.gone + t.come, 0)`); rows != 50_000 {
		t.Errorf("%d lines change", rows)
	}
	figure("first paint after the address is asked for", 6000, js[float64](p, `performance.getEntriesByName("first-contentful-paint")[0].startTime`))
	figure("all is there", 6000, js[float64](p, `performance.getEntriesByType("navigation")[0].domContentLoadedEventEnd`))
	timed := func(name string, most float64, action string) {
		t.Helper()
		figure(name, most, js[float64](p, `(async () => { const began = performance.now(); `+action+`; await `+settle+`; return performance.now() - began; })()`))
	}
	set := func(part, value string) string {
		return fmt.Sprintf(`{ const s = document.getElementById("f-%s"); s.value = %q; s.dispatchEvent(new Event("change", { bubbles: true })); }`, part, value)
	}
	timed("filter by component", 2000, set("component", "component-07"))
	timed("filter by class besides", 2000, set("class", "new"))
	timed("search in all lines", 3000, set("component", "")+set("class", "")+set("text", "new-1999"))
	if got := p.counts(); got.Objects != 1 {
		t.Errorf("a line of one object is found in %d", got.Objects)
	}
	timed("no filter", 3000, set("text", ""))
	p.key("c")
	timed("open all that is listed", 3000, `document.dispatchEvent(new KeyboardEvent("keydown", { key: "e", bubbles: true }))`)
	timed("search for the largest object", 3000, set("text", "settings-2000"))
	timed("open it, 10,000 lines", 3000, `document.dispatchEvent(new KeyboardEvent("keydown", { key: "e", bubbles: true }))`)
	timed("scroll through it", 30_000, `for (let more; more = document.querySelector(".rest");) { more.scrollIntoView(); await `+settle+`; }`)
	if rows := js[int](p, `document.querySelectorAll(".diff tr").length`); rows < 5000 {
		t.Errorf("scrolled to its end, the largest object shows %d rows", rows)
	}
	figure("longest time without an answer", 3000, js[float64](p, `window.longest`))
	p.quiet()
}
