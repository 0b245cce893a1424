package report

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// pageText is an object before and after, on the clusters where both read the same.
type pageText struct {
	On []string `json:"on"`
	// Rows are the lines of both sides in one order: three times the place of the
	// line in Lines, and what becomes of it, 0 that it stays, 1 that it goes, 2
	// that it comes.
	Rows  []int `json:"rows,omitempty"`
	Gone  int   `json:"gone"`            // how many lines go
	Come  int   `json:"come"`            // how many come
	Large int   `json:"large,omitempty"` // how many lines it has, where the page has no room for them
}

// textsOf finds the objects of one side by cluster and name.
type textsOf map[string]map[finding.Object]*unstructured.Unstructured

func newTextsOf(bundles []*render.Bundle) textsOf {
	out := textsOf{}
	for _, b := range bundles {
		out[b.Cluster] = make(map[finding.Object]*unstructured.Unstructured, len(b.Objects))
		for _, o := range b.Objects {
			out[b.Cluster][anyVersion(o.Ref())] = o.Unstructured
		}
	}
	return out
}

// anyVersion names an object whatever version of its API it is written in.
func anyVersion(o finding.Object) finding.Object {
	o.APIVersion = o.Group()
	return o
}

// earlier is an object's name on the earlier side: another one where it was
// renamed.
func earlier(g change.Group) finding.Object {
	for _, f := range g.Fields {
		if was, ok := f.Before.(string); ok && f.Pointer == "/metadata/name" {
			g.Object.Name = was
		}
	}
	return anyVersion(g.Object)
}

// texts are the lines of the objects that change. Each text of an object stands
// once, with the clusters where it is so.
func (s *ChangeSet) texts() ([]string, [][]pageText) {
	before, after := newTextsOf(s.Before), newTextsOf(s.After)
	table := &lineTable{at: map[string]int{}}
	out := make([][]pageText, len(s.Objects))
	for i, g := range s.Objects {
		type sides struct{ before, after *unstructured.Unstructured }
		same := map[sides]int{}      // objects may be shared between clusters
		alike := map[[2]string]int{} // and say the same where they are not
		for _, name := range g.Clusters {
			pair := sides{before[name][earlier(g)], after[name][anyVersion(g.Object)]}
			if pair.before == nil && pair.after == nil {
				continue
			}
			at, seen := same[pair]
			if !seen {
				texts := [2]string{objectText(pair.before, nil), objectText(pair.after, pair.before)}
				if at, seen = alike[texts]; !seen {
					at = len(out[i])
					out[i] = append(out[i], table.compare(texts[0], texts[1]))
					alike[texts] = at
				}
				same[pair] = at
			}
			out[i][at].On = append(out[i][at].On, name)
		}
	}
	return table.lines, out
}

// lineTable holds each line once.
type lineTable struct {
	at    map[string]int
	lines []string
	rows  int // handed out so far
}

func (t *lineTable) compare(before, after string) pageText {
	a, b := splitLines(before), splitLines(after)
	if t.rows+len(a)+len(b) > pageRows {
		return pageText{Large: len(a) + len(b)}
	}
	var p pageText
	row := func(line string, becomes int) {
		at, seen := t.at[line]
		if !seen {
			at = len(t.lines)
			t.at[line] = at
			t.lines = append(t.lines, line)
		}
		p.Rows = append(p.Rows, 3*at+becomes)
	}
	i, j := 0, 0
	for _, m := range append(matches(a, b), match{len(a), len(b)}) {
		for ; i < m.before; i++ {
			row(a[i], 1)
			p.Gone++
		}
		for ; j < m.after; j++ {
			row(b[j], 2)
			p.Come++
		}
		if i < len(a) {
			row(a[i], 0)
			i, j = i+1, j+1
		}
	}
	t.rows += len(p.Rows)
	return p
}

func splitLines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// objectText is an object as YAML, "" for none. A text of several lines stands as
// such even where YAML would need quotes: this is to be read, not to be applied.
// was is the earlier side of a later one.
func objectText(u, was *unstructured.Unstructured) string {
	if u == nil {
		return ""
	}
	shown := concealed(u)
	if was != nil {
		shown = told(shown, u.Object, was.Object)
	}
	text := asYAML(shown)
	if strings.Contains(text, `\n`) && !strings.ContainsFunc(text, isNote) {
		text = strings.Map(unnoted, asYAML(noted(shown)))
	}
	return text
}

// asYAML lays a value out like a bundle's files, but folds no long line: another
// word in it would move all that follow.
func asYAML(v any) string {
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := errors.Join(enc.Encode(v), enc.Close()); err != nil { // what was rendered from YAML can be written as YAML
		return fmt.Sprintf("# can't be shown: %v\n", err)
	}
	return b.String()
}

// The words in place of a value that is not shown.
const (
	secretValue   = finding.Hidden
	anotherSecret = "(secret, another value)"
)

// concealed is an object without what must not be shown: the values of a Secret,
// whose keys stay, and what looks like one elsewhere.
func concealed(u *unstructured.Unstructured) any {
	if u.GetKind() != "Secret" {
		return finding.Hide("", u.Object)
	}
	out := make(map[string]any, len(u.Object))
	for key, value := range u.Object {
		out[key] = value
		if key == "data" || key == "stringData" {
			out[key] = hideValues(value)
		}
	}
	if meta, ok := u.Object["metadata"].(map[string]any); ok {
		out["metadata"] = withoutLastApplied(meta)
	}
	return finding.Hide("", out)
}

func hideValues(v any) any {
	values, ok := v.(map[string]any)
	if !ok {
		return secretValue
	}
	out := make(map[string]any, len(values))
	for key := range values {
		out[key] = secretValue
	}
	return out
}

// told is what is shown of a later side, where a value that is not shown differs
// from the earlier one's: else the two sides would read the same.
func told(shown, now, was any) any {
	switch v := shown.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		was, _ := was.(map[string]any)
		if !ok || was == nil {
			return v
		}
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = value
			if old, there := was[key]; there {
				out[key] = told(value, now[key], old)
			}
		}
		return out
	case []any:
		now, _ := now.([]any)
		was, _ := was.([]any)
		out := slices.Clone(v)
		for i := range out[:min(len(out), len(now), len(was))] {
			out[i] = told(out[i], now[i], was[i])
		}
		return out
	case string:
		if v == secretValue && !reflect.DeepEqual(now, was) {
			return anotherSecret
		}
	}
	return shown
}

// withoutLastApplied hides the annotation in which kubectl keeps a whole object.
func withoutLastApplied(meta map[string]any) map[string]any {
	const key = "kubectl.kubernetes.io/last-applied-configuration"
	annotations, ok := meta["annotations"].(map[string]any)
	if _, there := annotations[key]; !ok || !there {
		return meta
	}
	return replaced(meta, "annotations", replaced(annotations, key, secretValue))
}

// replaced is a map with another value at one key.
func replaced(m map[string]any, key string, value any) map[string]any {
	out := make(map[string]any, len(m))
	for k, v := range m {
		out[k] = v
	}
	out[key] = value
	return out
}

// note is the first of the private characters that stand for those which make
// YAML write a text of several lines as one quoted line. An object that holds any
// of them itself is written as it is.
const note, lastNote = '\uE000', '\uE07F'

// noted is a value with such characters noted, in texts of several lines.
func noted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = noted(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = noted(value)
		}
		return out
	case string:
		if strings.Contains(v, "\n") {
			return notedText(v)
		}
	}
	return v
}

func notedText(s string) string {
	runes := []rune(s)
	for i, c := range runes {
		last := i+1 == len(runes) || runes[i+1] == '\n'
		if c < ' ' && c != '\n' || c == 0x7F || c == ' ' && last {
			runes[i] = note + c
		}
	}
	return string(runes)
}

func isNote(c rune) bool { return c >= note && c <= lastNote }

func unnoted(c rune) rune {
	if isNote(c) {
		return c - note
	}
	return c
}
