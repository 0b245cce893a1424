package catalog

import (
	"fmt"
	"math"

	"go.yaml.in/yaml/v3"

	"dualtrack.internal/platform/finding"
)

// values reads free-form YAML into the types that encoding/json would give,
// with integers kept as int64, and notes where each value stands.
func (d *decoder) values(s spot) Values {
	r := valueReader{d: d, base: s.path, lines: map[string]finding.Position{}}
	m := r.mapping("", s.node)
	return Values{Map: m, Position: s.at, Lines: r.lines}
}

type valueReader struct {
	d     *decoder
	base  string // path of the values in the file
	lines map[string]finding.Position
}

func (r *valueReader) mapping(path string, n *yaml.Node) map[string]any {
	out := make(map[string]any, len(n.Content)/2)
	for _, p := range pairs(n) {
		s := spot{path: join(path, p.key.Value), node: p.value, at: place(r.d.file, p.key)}
		r.lines[s.path] = r.d.where(s)
		out[p.key.Value] = r.value(s)
	}
	return out
}

func (r *valueReader) value(s spot) any {
	switch s.node.Kind {
	case yaml.MappingNode:
		return r.mapping(s.path, s.node)
	case yaml.SequenceNode:
		out := make([]any, len(s.node.Content))
		for i, item := range s.node.Content {
			child := spot{path: fmt.Sprintf("%s[%d]", s.path, i), node: resolve(item), at: place(r.d.file, item)}
			r.lines[child.path] = child.at
			out[i] = r.value(child)
		}
		return out
	}
	return r.scalar(s)
}

func (r *valueReader) scalar(s spot) any {
	switch s.node.ShortTag() {
	case nullTag:
		return nil
	case strTag, timeTag:
		return s.node.Value
	case boolTag:
		var b bool
		if s.node.Decode(&b) == nil {
			return b
		}
	case intTag:
		var i int64
		if s.node.Decode(&i) == nil {
			return i
		}
	case fltTag:
		var f float64
		if s.node.Decode(&f) == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	r.d.fail(r.d.where(s), join(r.base, s.path), "cannot be written as JSON: "+describe(s.node), "put it in quotes")
	return nil
}
