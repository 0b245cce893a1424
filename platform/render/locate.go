package render

import (
	"fmt"
	"path"
	"strings"
	"sync"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// sources are what Locate needs of a result: the components' files and where
// each object came from. Safe for use by several goroutines.
type sources struct {
	folders map[string]*folder // by the component's folder
	plain   []*folder          // of one tree: what two of them hold by one path is the same
	known   *sync.Map          // field → finding.Position, of all results that share renderings

	mu   sync.Mutex
	docs map[string][]place.Doc // overlays, parsed when first asked for
}

// field is a field of a rendered object: all that its place depends on.
type field struct {
	trace   *trace
	pointer string
}

func newSources(p *plan) *sources {
	s := &sources{folders: map[string]*folder{}, docs: map[string][]place.Doc{}, known: &sync.Map{}}
	if p.shared != nil {
		s.known = &p.shared.places
	}
	for _, in := range p.inputs {
		switch {
		case in.folder == nil:
		case in.folder.plain != nil:
			s.plain = append(s.plain, in.folder)
		default:
			s.folders[in.folder.dir] = in.folder
		}
	}
	return s
}

// Locate finds where a field of an object is written: the patch that set it,
// else its line and column in the YAML source, else the nearest field around
// it that is written there. In a chart's template it is the nearest line with
// the field's key. The pointer is an RFC 6901 one into the object. Objects that
// were not rendered have only their Source.
func (r *Result) Locate(o Object, pointer string) finding.Position {
	if r == nil || r.sources == nil || o.Unstructured == nil {
		return o.Source
	}
	t := o.trace
	if t == nil || t.of != o.Unstructured {
		return o.Source
	}
	f := field{t, pointer}
	if at, ok := r.sources.known.Load(f); ok {
		return at.(finding.Position)
	}
	at := r.sources.locate(o, pointer)
	r.sources.known.Store(f, at)
	return at
}

// Place tells Locate what it said of a field in an earlier run, of an object of a
// bundle with the same Sum.
func (r *Result) Place(o Object, pointer string, at finding.Position) {
	if r != nil && r.sources != nil && o.Unstructured != nil && o.trace != nil && o.trace.of == o.Unstructured {
		r.sources.known.Store(field{o.trace, pointer}, at)
	}
}

func (s *sources) locate(o Object, pointer string) finding.Position {
	t, tokens := o.trace, place.Tokens(pointer)
	for i := len(t.patches) - 1; i >= 0; i-- {
		if where, ok := t.patches[i].place(o.Object, tokens); ok {
			return where
		}
	}
	switch {
	case o.Exact:
		return s.inDocuments(o, t, tokens)
	case t.template != "" && o.Source.Line > 0:
		where := o.Source
		where.Line = place.InTemplate(s.data(t.template), o.Source.Line, tokens)
		return where
	}
	return o.Source
}

func (s *sources) data(file string) []byte {
	for dir := path.Dir(file); dir != "." && dir != "/"; dir = path.Dir(dir) {
		if f := s.folders[dir]; f != nil {
			return f.data[file]
		}
	}
	for _, f := range s.plain {
		if data, ok := f.data[file]; ok {
			return data
		}
	}
	return nil
}

// inDocuments looks in the object's own document, and for a value that it does
// not hold in the documents of the same kind and name that took part.
func (s *sources) inDocuments(o Object, t *trace, tokens []string) finding.Position {
	own := s.document(o)
	if own == nil {
		return o.Source
	}
	key, value, found := place.Walk(own.Root, o.Object, tokens)
	if found && place.Same(value, valueAt(o.Object, tokens)) {
		return place.At(o.Source.File, key)
	}
	for _, file := range t.overlays {
		if file == o.Source.File || !isYAML(file) {
			continue
		}
		for _, d := range s.overlay(file) {
			if d.Kind != o.GetKind() || d.Name == "" || !strings.Contains(o.GetName(), d.Name) {
				continue
			}
			if k, v, ok := place.Walk(d.Root, o.Object, tokens); ok && place.Same(v, valueAt(o.Object, tokens)) {
				return place.At(file, k)
			}
		}
	}
	return place.At(o.Source.File, key)
}

// document is the object as its author wrote it.
func (s *sources) document(o Object) *place.Doc {
	docs := s.overlay(o.Source.File)
	for i, d := range docs {
		if d.Line == o.Source.Line && d.Kind == o.GetKind() {
			return &docs[i]
		}
	}
	return nil
}

func (s *sources) overlay(file string) []place.Doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs, seen := s.docs[file]
	if !seen {
		docs, _ = place.Scan(file, s.data(file))
		s.docs[file] = docs
	}
	return docs
}

// place is where a patch sets the field.
func (p appliedPatch) place(object map[string]any, tokens []string) (finding.Position, bool) {
	for i := len(p.JSON6902) - 1; i >= 0; i-- {
		op := p.JSON6902[i]
		target, _ := op.Map["path"].(string)
		pointer := "/" + strings.Join(place.Escaped(tokens), "/")
		if op.Map["op"] != "remove" && target != "" && (pointer == target || strings.HasPrefix(pointer, target+"/")) {
			return firstPlace(op.Position, p.Position), true
		}
	}
	if p.Merge.Map == nil || len(tokens) == 0 {
		return finding.Position{}, false
	}
	dotted, ok := mergedPath(p.Merge.Map, object, tokens)
	if !ok {
		return finding.Position{}, false
	}
	return nearestLine(p.Patch, dotted), true
}

// mergedPath follows a pointer through a merge patch to a value that is no map,
// and gives the path that the catalog knows its line by.
func mergedPath(patch, object any, tokens []string) (string, bool) {
	dotted := ""
	for _, token := range tokens {
		item := place.Child(object, token)
		switch v := patch.(type) {
		case map[string]any:
			next, ok := v[token]
			if !ok {
				return "", false
			}
			patch = next
			dotted = strings.TrimPrefix(dotted+"."+token, ".")
		case []any:
			i := itemIndex(v, item, token)
			if i < 0 {
				return "", false
			}
			patch = v[i]
			dotted += fmt.Sprintf("[%d]", i)
		default:
			return "", false
		}
		object = item
	}
	_, isMap := patch.(map[string]any)
	return dotted, !isMap
}

func itemIndex(list []any, item any, token string) int {
	if fields, ok := item.(map[string]any); ok {
		if name, ok := fields["name"].(string); ok {
			for i, candidate := range list {
				if c, ok := candidate.(map[string]any); ok && c["name"] == name {
					return i
				}
			}
			return -1
		}
	}
	if i, ok := place.ListIndex(token); ok && i < len(list) {
		return i
	}
	return -1
}

func nearestLine(p catalog.Patch, dotted string) finding.Position {
	for dotted != "" {
		if where, ok := p.Merge.Lines[dotted]; ok {
			return where
		}
		dotted = dotted[:max(0, strings.LastIndexAny(dotted, ".["))]
	}
	return firstPlace(p.Merge.Position, p.Position)
}

func valueAt(value any, tokens []string) any {
	for _, token := range tokens {
		value = place.Child(value, token)
	}
	return value
}
