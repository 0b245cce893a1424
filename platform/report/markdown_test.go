package report_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	rendered "github.com/yuin/goldmark/renderer/html"
	"golang.org/x/net/html"

	"dualtrack.internal/platform/report"
)

const reportLink = "https://ci.invalid/report.html?a=1&b=<2>"

// comment is the comment as GitHub's dialect of Markdown renders it, HTML and all, so
// that what a sanitizer would hide is seen.
func comment(t *testing.T, text []byte) *html.Node {
	t.Helper()
	var b bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(rendered.WithUnsafe()))
	if err := md.Convert(text, &b); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// said is the text of a node, without the spaces of no width that keep a forge from
// reading mentions.
func said(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(b.String(), "\u200b", "")), " ")
}

func elements(n *html.Node, name string) []*html.Node {
	var out []*html.Node
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name {
			out = append(out, d)
		}
	}
	return out
}

// faults are what is wrong with a page, whatever it says.
func faults(doc *html.Node) []string {
	var out []string
	complain := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	allowed := strings.Fields("html head body h3 p table thead tbody tr th td details summary code ul li strong br a blockquote")
	for d := range doc.Descendants() {
		switch d.Type {
		case html.ElementNode:
			if !slices.Contains(allowed, d.Data) {
				complain("element %s: %.60s", d.Data, said(d))
			}
		case html.CommentNode:
			if text := strings.TrimSpace(d.Data); len(text) != 16 && !strings.HasPrefix(text, "dualtrack ") {
				complain("comment %q", text)
			}
		case html.TextNode:
			if at := strings.IndexAny(d.Data, "@#"); at >= 0 && (d.Parent == nil || d.Parent.Data != "code") && !strings.HasPrefix(d.Data[at+1:], "\u200b") {
				complain("a mention: %.40s", d.Data[at:])
			}
			if strings.Contains(d.Data, "| --") || strings.Contains(d.Data, "|--") {
				complain("a table is not read as one: %.60s", d.Data)
			}
		default:
		}
	}
	for _, a := range elements(doc, "a") {
		if a.Attr[0].Val != strings.NewReplacer("<", "%3C", ">", "%3E").Replace(reportLink) {
			complain("link %v", a.Attr)
		}
	}
	for _, table := range elements(doc, "table") {
		columns := len(elements(table, "th"))
		for _, row := range elements(table, "tr")[1:] {
			if n := len(elements(row, "td")); n != columns {
				complain("%d cells under %d heads: %s", n, columns, said(row))
			}
		}
	}
	for _, d := range elements(doc, "details") {
		if first := d.FirstChild; first == nil || first.Data != "summary" || said(first) == "" {
			complain("details without a summary: %.60s", said(d))
		}
		if d.Parent.Data != "body" && d.Parent.Data != "details" {
			complain("details within %s", d.Parent.Data)
		}
	}
	return out
}

func TestMarkdownOnGitHub(t *testing.T) {
	t.Parallel()
	notCompared := changed()
	notCompared.Change.NotCompared = "clusters/hub/cluster.yaml:3:1: # no\n- list\n1. " + hostile + "\n\n    code"
	for name, r := range map[string]*report.Result{
		"change": changed(), "clean": begin("check"), "tree": checked(), "many": many(60), "very many": many(600), "not compared": notCompared,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := comment(t, write(t, report.MarkdownFormat, r, report.TextOptions{Link: reportLink}))
			for _, fault := range faults(doc) {
				t.Error(fault)
			}
			if len(elements(doc, "a")) != 1 || len(elements(doc, "h3")) != 1 {
				t.Errorf("%d links, %d heads", len(elements(doc, "a")), len(elements(doc, "h3")))
			}
		})
	}
}

// TestMarkdownFaults: the test above can fail.
func TestMarkdownFaults(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"a <script>x</script>":            "element script: x",
		"www.x.invalid":                   "link [{ href http://www.x.invalid}]",
		"to @all":                         "a mention: @all",
		"| a |\n|---|\n| b | c |":         "",
		"x\n| a | b\n|--|":                "a table is not read as one: x\n| a | b\n|--|",
		"<details>\n\ntext\n\n</details>": "details without a summary: text",
		"<!-- other -->":                  `comment "other"`,
		"- <details><summary>a</summary>\n\nb\n</details>": "details within li",
	} {
		got := strings.Join(faults(comment(t, []byte(text))), "\n")
		if got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestMarkdownSaysEverything: what findings and fields say arrives as it is, however
// hostile.
func TestMarkdownSaysEverything(t *testing.T) {
	t.Parallel()
	r := changed()
	doc := comment(t, write(t, report.MarkdownFormat, r, report.TextOptions{}))
	var items []string
	for _, li := range elements(doc, "li") {
		items = append(items, said(li))
	}
	for _, f := range r.Findings {
		want := f.Rule + " " + strings.Join(strings.Fields(f.Message), " ")
		if !slices.ContainsFunc(items, func(s string) bool { return strings.HasPrefix(s, want) }) {
			t.Errorf("no item %q in\n%s", want, strings.Join(items, "\n"))
		}
	}
	var cells []string
	for _, td := range elements(doc, "td") {
		cells = append(cells, said(td))
	}
	for _, want := range []string{"spec.template.spec.containers[web].args[0]", `"<script>alert(1)</script> | ` + "`code` **bold** [a](http://x.in…"} {
		if !slices.Contains(cells, want) {
			t.Errorf("no cell %q in %q", want, cells)
		}
	}
}

// TestMarkdownMarker: a tree has its own comment.
func TestMarkdownMarker(t *testing.T) {
	t.Parallel()
	first := func(r *report.Result) string {
		line, _, _ := strings.Cut(string(write(t, report.MarkdownFormat, r, report.TextOptions{})), "\n")
		return line
	}
	other := changed()
	other.Folder, other.Fleet = "a-->b", "x y"
	if diff := cmp.Diff([]string{"<!-- dualtrack check platform.shop -->", "<!-- dualtrack check a___b.x_y -->"}, []string{first(changed()), first(other)}); diff != "" {
		t.Errorf("markers (-want +got):\n%s", diff)
	}
}

// TestCommentFromJSON: who has only the JSON writes the same comment.
func TestCommentFromJSON(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report.Result{"change": changed(), "clean": begin("check"), "many": many(60)} {
		read, err := report.Read(write(t, report.JSONFormat, r, report.TextOptions{}))
		if err != nil {
			t.Fatal(err)
		}
		o := report.TextOptions{Link: reportLink}
		if diff := cmp.Diff(string(report.Comment(r, o)), string(report.Comment(read, o))); diff != "" {
			t.Errorf("%s (-direct +from JSON):\n%s", name, diff)
		}
	}
	for _, bad := range []string{"", "[]", "{}", `{"apiVersion": "x"}`} {
		if _, err := report.Read([]byte(bad)); err == nil {
			t.Errorf("%q is read as a report", bad)
		}
	}
}
