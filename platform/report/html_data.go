package report

import (
	"dualtrack.internal/platform/change"
)

// The bounds of a page, so that a browser opens it.
const (
	// pageRows is how many lines of objects a page holds; what is beyond is named.
	pageRows = 400_000
	// pageValue is how many characters of one value the list of fields shows; the
	// lines show all.
	pageValue = 400
)

// pageData is what the page's script shows: the JSON form, and the lines of the
// objects that change.
type pageData struct {
	Report *Result `json:"report"`
	// Lines are all lines, each once: objects of many clusters and both sides say
	// nearly the same.
	Lines []string `json:"lines,omitempty"`
	// Texts are those of the change's objects, in their order.
	Texts [][]pageText `json:"texts,omitempty"`
}

func newPageData(r *Result) pageData {
	shown := *r
	shown.APIVersion = Version
	d := pageData{Report: &shown}
	if r.Change == nil {
		return d
	}
	set := *r.Change
	set.Objects = make([]change.Group, len(r.Change.Objects))
	for i, g := range r.Change.Objects {
		fields := make([]change.Field, len(g.Fields))
		for j, f := range g.Fields {
			f.Before, f.After = cut(f.Before), cut(f.After)
			fields[j] = f
		}
		g.Fields = fields
		set.Objects[i] = g
	}
	shown.Change = &set
	d.Lines, d.Texts = r.Change.texts()
	return d
}

// cut shortens the long texts of a value: they stand in the lines anyway.
func cut(v any) any {
	switch v := v.(type) {
	case string:
		if len(v) <= pageValue {
			return v
		}
		return string([]rune(v)[:min(pageValue, len([]rune(v)))]) + "…"
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[key] = cut(value)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, value := range v {
			out[i] = cut(value)
		}
		return out
	}
	return v
}
