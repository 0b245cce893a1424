//go:build web

package web

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/track"
)

// media shows the page as a reader's settings ask for.
func media(kind, scheme string) step {
	return command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: kind,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// overflowing are elements that stand out of the page to the right.
const overflowing = `[...document.querySelectorAll("body *")].filter(n => n.offsetParent && !n.closest(".scroll, .skip") &&
	n.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(n => n.tagName + "." + n.className + " " + n.textContent.slice(0, 60)).slice(0, 5)`

// faint are texts whose contrast is below 4.5, WCAG's level AA, with their ratio.
const faint = `(() => {
	const parse = (c) => { const m = c.match(/[0-9.]+/g).map(Number); return { rgb: m.slice(0, 3), a: m.length > 3 ? m[3] : 1 }; };
	const light = ({ rgb }) => rgb.map(v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
	const behind = (n) => { for (; n; n = n.parentElement) { const c = parse(getComputedStyle(n).backgroundColor); if (c.a > 0) return c; } return parse("rgb(255, 255, 255)"); };
	const out = {};
	for (const n of document.querySelectorAll("body *")) {
		if (!n.offsetParent || ![...n.childNodes].some(c => c.nodeType === 3 && c.textContent.trim())) continue;
		const a = light(parse(getComputedStyle(n).color)), b = light(behind(n)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
		if (ratio < 4.5) out[n.tagName + "." + n.className] = ratio.toFixed(2);
	}
	return Object.entries(out).map(e => e.join(" "));
})()`

// TestLooks opens everything of a change on a telephone and a wide screen, light
// and dark: nothing stands out of the page, and every text can be read. With
// DUALTRACK_SCREENSHOTS=FOLDER the pictures are kept.
func TestLooks(t *testing.T) {
	t.Parallel()
	content, _ := changed(t)
	p := open(t, browse(t), content).ready()
	for _, width := range []int64{1400, 400, 360} {
		for _, scheme := range []string{"light", "dark"} {
			name := fmt.Sprintf("%s-%d", scheme, width)
			p.do(size(width, 900), media("screen", scheme))
			if width == 1400 {
				p.keep(name)
				p.openAll(width)
			}
			for _, what := range js[[]string](p, overflowing) {
				t.Errorf("%s: out of the page: %s", name, what)
			}
			for _, what := range js[[]string](p, faint) {
				t.Errorf("%s: hard to read: %s", name, what)
			}
			p.keep(name + "-open")
		}
	}
	back := func() string { return js[string](p, `getComputedStyle(document.body).backgroundColor`) }
	dark := back()
	p.key("t") // light
	light := back()
	p.do(media("screen", "light"))
	p.key("t") // dark
	if got := back(); got != dark || light == dark {
		t.Errorf("the theme that is chosen gives %s and %s, the reader's settings %s", light, got, dark)
	}
	p.do(media("print", "dark"), size(800, 1100))
	if js[bool](p, `[...document.querySelectorAll("#filter, #tools, #sections, .more, .skip")].some(n => n.offsetParent)`) {
		t.Error("what only a screen can use is printed")
	}
	if got := back(); got != "rgb(255, 255, 255)" {
		t.Errorf("paper is %s", got)
	}
	p.keep("print")
	data, err := chromedp.Run(p.ctx, chromedp.PrintToPDF())
	if err != nil || len(data) < 10_000 {
		t.Errorf("printed: %d bytes, %v", len(data), err)
	}
	p.quiet()
}

// keep keeps a picture of the page for a person to look at.
func (p *tab) keep(name string) {
	p.t.Helper()
	folder := os.Getenv("DUALTRACK_SCREENSHOTS")
	if folder == "" {
		return
	}
	data, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, name+".png"), data, 0o600)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// TestWithoutScript: whoever allows no script reads the verdict and the text form.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	content, _ := changed(t)
	p := open(t, browse(t), content, command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	shown := js[string](p, `document.body.innerText`)
	for _, want := range []string{"Denied", "2 new errors", "This page needs its own script", "new error: DT-SEC-001", "scales: 2 → 3 pods"} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q without a script in\n%.2000s", want, shown)
		}
	}
	if js[bool](p, `[...document.querySelectorAll("#filter, #tools, #sections")].some(n => n.offsetParent)`) {
		t.Error("what only the script makes work is shown")
	}
}

// TestClusters shows a result that is no change: how clusters stand, and why.
func TestClusters(t *testing.T) {
	t.Parallel()
	api := finding.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "api"}
	r := &report.Result{
		Command: "up", Fleet: "shop", Awaited: true, Findings: []finding.Finding{{Rule: "DT-IMG-002", Severity: finding.Warning, Message: "image without digest", Object: api}},
		Clusters: []report.Cluster{
			{Name: "hub", Role: "hub", State: report.Converged, HealthEvidence: report.Simulated, Objects: 2,
				Tracks: []report.Track{{Name: track.Flux, InSync: 2, Objects: 2, Healthy: 2, OK: true}, {Name: track.Argo, InSync: 2, Objects: 2, Healthy: 2, OK: true}}},
			{Name: "edge-1", Role: "edge", State: report.NotConverged, Why: "2 objects were refused", Objects: 2,
				Tracks:        []report.Track{{Name: track.Flux, InSync: 1, Objects: 2, Against: []track.Verdict{{Object: api, Sync: track.Differs, Fields: []track.Field{{Pointer: "/spec/replicas", Want: 2, Have: 3}}}}}},
				Disagreements: []report.Disagreement{{Object: api, Flux: "differs", Argo: "in sync", Field: "/spec/replicas", Why: "an autoscaler writes it"}},
				Changes:       []report.Change{{Object: api, Action: "configured"}}, Waiting: []report.Note{{Object: api, Why: "1 of 2 replicas ready"}}},
			{Name: "edge-2", Role: "edge", State: report.Unreachable, Why: "edge-2 does not answer"},
		},
	}
	p := open(t, browse(t), write(t, r)).ready()
	shown := js[string](p, `document.body.innerText`)
	for _, want := range []string{
		"Incomplete", "1/3 in sync by both tracks", "SIMULATED", "flux 2/2 in sync", "edge-2 does not answer", "wants 2, has 3",
		"an autoscaler writes it", "1 of 2 replicas ready", "configured Deployment shop/api", "image without digest",
	} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
	p.choose("cluster", "edge-2")
	if got := js[[]string](p, `[...document.querySelectorAll(".entry.cluster .name")].map(n => n.textContent)`); len(got) != 1 || got[0] != "edge-2" {
		t.Errorf("of edge-2 are shown %q", got)
	}
	p.choose("cluster", "")
	p.do(size(400, 900))
	for _, what := range js[[]string](p, overflowing) {
		t.Errorf("out of the page: %s", what)
	}
	p.keep("clusters")
	p.quiet()
}
