package report

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
)

//go:embed page
var pageFiles embed.FS

// scripts are the page's scripts, in the order in which they are joined to one:
// each uses only what stands before it, or runs after all.
func scripts() []string {
	return []string{"dom", "model", "filter", "diff", "findings", "change", "clusters", "keys", "main"}
}

// HTML writes the result as one page that needs nothing else: no file, no network,
// no rights. It holds the JSON form, the lines of the objects that change, and a
// script that shows them; the text form stands in it for readers without scripts.
// The page's own policy lets exactly this script and this style work, and nothing
// of what the result says is ever read as markup.
func HTML(w io.Writer, r *Result) error {
	shell, err := pageFiles.ReadFile("page/page.html")
	if err != nil {
		return fmt.Errorf("page of the report: %w", err)
	}
	t, err := template.New("page").Parse(string(shell))
	if err != nil {
		return fmt.Errorf("page of the report: %w", err)
	}
	p, err := newPage(r)
	if err != nil {
		return err
	}
	if err := t.Execute(w, p); err != nil {
		return fmt.Errorf("writing the result as a page: %w", err)
	}
	return nil
}

// page is what the shell is filled with. Text from the result is of plain types,
// which the template escapes.
type page struct {
	Policy   string // of content security, for a meta tag
	Title    string
	About    string // command and fleet
	Verdict  pageVerdict
	Headline []string
	Facts    []fact
	Remarks  []string // what a reader must know before believing the rest
	Plain    string   // the text form
	Style    template.CSS
	Script   template.JS
	Data     template.JS // JSON, in which <, > and & are escaped
}

// fact is a line of the page's head.
type fact struct{ Name, Value string }

func newPage(r *Result) (*page, error) {
	style, script, err := pageAssets()
	if err != nil {
		return nil, err
	}
	data, err := json.Marshal(newPageData(r))
	if err != nil {
		return nil, fmt.Errorf("writing the result as a page: %w", err)
	}
	var text bytes.Buffer
	if err := Text(&text, r, TextOptions{}); err != nil {
		return nil, err
	}
	p := &page{
		Policy: pagePolicy(style, script), Verdict: r.pageVerdict(), About: "platform " + r.Command,
		Facts: r.facts(), Plain: visible(text.String()),
		// The only texts that the template takes as they are: our own files, and JSON.
		Style: template.CSS(style), Script: template.JS(script), Data: template.JS(data),
	}
	if r.Fleet != "" {
		p.About += " · fleet " + visible(r.Fleet)
	}
	p.Headline = strings.Split(strings.TrimSpace(visible(Headline(r))), "\n")
	slices.Reverse(p.Headline) // the text form ends with what matters most
	if c := r.Change; c != nil && c.NotCompared != "" {
		p.Remarks = append(p.Remarks, visible("Not compared, so every finding counts: "+c.NotCompared))
	}
	if u := r.Upgrade; u != nil && u.NotCompared != "" {
		p.Remarks = append(p.Remarks, visible("What changes is not known: "+u.NotCompared))
	}
	p.Title = p.Verdict.Word + " · " + p.About
	return p, nil
}

// pageAssets are the page's style and script.
func pageAssets() (style, script string, err error) {
	data, err := pageFiles.ReadFile("page/style.css")
	if err != nil {
		return "", "", fmt.Errorf("page of the report: %w", err)
	}
	style = string(data)
	var all strings.Builder
	for _, name := range scripts() {
		data, err := pageFiles.ReadFile("page/" + name + ".js")
		if err != nil {
			return "", "", fmt.Errorf("page of the report: %w", err)
		}
		all.Write(data)
	}
	return style, all.String(), nil
}

// pagePolicy forbids everything but the one style and the one script, named by
// their digests. Trusted types keep that script from making markup of text.
func pagePolicy(style, script string) string {
	digest := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return strings.Join([]string{
		"default-src 'none'", "script-src " + digest(script), "style-src " + digest(style),
		"base-uri 'none'", "form-action 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
	}, "; ")
}

// facts say what was looked at.
func (r *Result) facts() []fact {
	var out []fact
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, visible(value)})
		}
	}
	if c := r.Change; c != nil {
		add("head", side(c.Head))
		add("base", side(c.Base))
		add("base found by", c.Why)
	}
	if u := r.Upgrade; u != nil {
		add("from", u.From.Version+" "+short(u.From.Digest))
		add("to", u.To.Version+" "+short(u.To.Digest))
	}
	if r.Revision != "" {
		add("fleet revision", short(r.Revision))
	}
	if r.Commit != "" {
		commit := fmt.Sprintf("%.12s", r.Commit)
		if r.Dirty {
			commit += ", and the tree differs from it"
		}
		add("commit", commit)
	}
	for _, note := range r.Notes {
		add("not judged", note)
	}
	if r.Folder != "" {
		add("folder", r.Folder)
	}
	if r.Counts.Rules > 0 {
		add("judged", fmt.Sprintf("%d pairs of rule and object passed, %d unknown, %d waived", r.Counts.Passed, r.Counts.Unknown, r.Counts.Waived))
	}
	return out
}
