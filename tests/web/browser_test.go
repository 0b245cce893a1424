//go:build web

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"dualtrack.internal/platform/report"
)

// tab is a page that is open, and what it did that a report may not do.
type tab struct {
	t       *testing.T
	ctx     context.Context
	file    string // its address
	address string // with a fragment

	mu    sync.Mutex
	noted []string
}

// browse starts a browser of the test's own, with nothing to reach: a report
// needs no network, and what asked for it would be seen.
func browse(t *testing.T) context.Context {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; `task web` installs Debian's chromium", err)
	}
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-gpu", true),
		chromedp.Flag("no-proxy-server", true), chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND"), chromedp.WindowSize(1400, 900))
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	return ctx
}

// step is something that a reader does with a tab.
type step = chromedp.Action[chromedp.Void]

// command is a step of the browser's protocol.
func command[P, R any](c cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, c, params)
		return err
	})
}

// before runs a script ahead of the page's own.
func before(script string) step {
	return command(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
}

// open loads a page into a new tab of a browser.
func open(t *testing.T, browser context.Context, content []byte, first ...step) *tab {
	t.Helper()
	path := filepath.Join(t.TempDir(), "report.html")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	address := (&url.URL{Scheme: "file", Path: path}).String()
	p := &tab{t: t, file: address, address: address}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithListener(p.heard))
	t.Cleanup(cancel)
	p.ctx = ctx
	p.do(command(network.Enable, network.EnableParams{}), command(log.Enable, cdp.Empty{}))
	p.do(first...)
	p.do(chromedp.Navigate(p.address))
	return p
}

// again loads the page at its address, which may have a fragment.
func (p *tab) again() {
	p.t.Helper()
	address := p.address
	p.do(chromedp.Navigate("about:blank"), chromedp.Navigate(address))
	p.ready()
}

// heard notes what happens in the tab. It is called by one goroutine of the
// browser's, one event after another.
func (p *tab) heard(event any) {
	said := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		said = "exception: " + e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			said += " " + e.ExceptionDetails.Exception.Description
		}
	case *runtime.EventConsoleAPICalled:
		said = fmt.Sprintf("console.%s", e.Type)
	case *log.EventEntryAdded:
		said = "log: " + e.Entry.Text
	case *page.EventJavascriptDialogOpening:
		said = "dialog: " + e.Message
	case *network.EventRequestWillBeSent:
		if at, _, _ := strings.Cut(e.Request.URL, "#"); at != p.file && at != "about:blank" {
			said = "request: " + e.Request.URL
		}
	}
	if said != "" {
		p.mu.Lock()
		p.noted = append(p.noted, said)
		p.mu.Unlock()
	}
}

// quiet fails for everything that the page did and may not do.
func (p *tab) quiet() {
	p.t.Helper()
	for _, said := range p.heardAll() {
		p.t.Errorf("the page is not quiet: %s", said)
	}
}

func (p *tab) heardAll() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.noted)
}

func (p *tab) do(steps ...step) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatal(err)
	}
}

// js is what an expression gives.
func js[T any](p *tab, expression string) T {
	p.t.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%v\n%s", err, expression)
	}
	return out
}

// ready waits until the page's script is done.
func (p *tab) ready() *tab {
	p.t.Helper()
	p.do(chromedp.WaitReady(chromedp.CSS(`html[data-ready="yes"]`)))
	return p
}

// settle waits for two frames: what was asked for is drawn then.
const settle = `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`

// key presses a key as a reader does.
func (p *tab) key(keys ...string) {
	p.t.Helper()
	for _, k := range keys {
		p.do(chromedp.KeyEvent(k))
	}
	js[bool](p, settle)
}

// choose sets a part of the filter as a reader does.
func (p *tab) choose(part, value string) {
	p.t.Helper()
	if !js[bool](p, fmt.Sprintf(`(() => { const s = document.getElementById("f-%s"); s.value = %q; s.dispatchEvent(new Event("change", { bubbles: true })); return s.value === %[2]q; })()`, part, value)) {
		p.t.Fatalf("%s %q can't be chosen", part, value)
	}
	js[bool](p, settle)
}

// search writes into the text of the filter and waits for the answer.
func (p *tab) search(text string) {
	p.t.Helper()
	data, err := json.Marshal(text)
	if err != nil {
		p.t.Fatal(err)
	}
	js[bool](p, fmt.Sprintf(`(async () => {
		const box = document.getElementById("f-text"), was = document.getElementById("results").firstChild;
		box.value = %s;
		box.dispatchEvent(new Event("input", { bubbles: true }));
		while (document.getElementById("results").firstChild === was) await new Promise(requestAnimationFrame);
		return true;
	})()`, data))
}

// openAll opens whatever is closed, and lets lazy parts be made. The window is high
// meanwhile: what is seen is made.
func (p *tab) openAll(width int64) {
	p.t.Helper()
	p.do(size(width, 6000))
	js[bool](p, `(async () => {
		for (const b of document.querySelectorAll("main .heading[aria-expanded=false]")) b.click();
		for (let y = 0; y < document.documentElement.scrollHeight; y += innerHeight) { scrollTo(0, y); await `+settle+`; }
		for (const d of document.querySelectorAll("main details")) d.open = true;
		for (let i = 0; i < 20; i++) for (const b of document.querySelectorAll("main .fold, main .more")) b.click();
		scrollTo(0, 0); await `+settle+`;
		return true;
	})()`)
}

// size sets the size of the window in CSS pixels.
func size(width, height int64) step { return chromedp.EmulateViewport(width, height) }

func write(t *testing.T, r *report.Result) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.Write(&b, report.HTMLFormat, r, report.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
