package render

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// sources are what Locate needs of a result: the components' files and where
// each object came from. Safe for use by several goroutines.
type sources struct {
	folders map[string]*folder // by the component's folder
	traces  map[*unstructured.Unstructured]*trace

	mu   sync.Mutex
	docs map[string][]doc // overlays, parsed when first asked for
}

func newSources(p *plan) *sources {
	s := &sources{folders: map[string]*folder{}, traces: map[*unstructured.Unstructured]*trace{}, docs: map[string][]doc{}}
	for _, in := range p.inputs {
		if in.folder != nil {
			s.folders[in.folder.dir] = in.folder
		}
	}
	for _, j := range p.order {
		for i, o := range append(j.result.objects[:len(j.result.objects):len(j.result.objects)], j.result.hooks...) {
			s.traces[o.Unstructured] = j.result.traces[i]
		}
	}
	return s
}

// Locate finds where a field of an object is written: the patch that set it,
// else its line and column in the YAML source, else the nearest field around
// it that is written there. In a chart's template it is the nearest line with
// the field's key. The pointer is an RFC 6901 one into the object. Objects that
// this result did not make have only their Source.
func (r *Result) Locate(o Object, pointer string) finding.Position {
	if r == nil || r.sources == nil || o.Unstructured == nil {
		return o.Source
	}
	t := r.sources.traces[o.Unstructured]
	if t == nil {
		return o.Source
	}
	tokens := splitPointer(pointer)
	for i := len(t.patches) - 1; i >= 0; i-- {
		if where, ok := t.patches[i].place(o.Object, tokens); ok {
			return where
		}
	}
	switch {
	case t.doc != nil:
		return r.sources.inDocuments(o, t, tokens)
	case t.template != "" && o.Source.Line > 0:
		where := o.Source
		where.Line = locateInTemplate(r.sources.data(t.template), o.Source.Line, tokens)
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
	return nil
}

// inDocuments looks in the object's own document, and for a value that it does
// not hold in the documents of the same kind and name that took part.
func (s *sources) inDocuments(o Object, t *trace, tokens []string) finding.Position {
	key, value, found := walk(t.doc.root, o.Object, tokens)
	if found && sameScalar(value, valueAt(o.Object, tokens)) {
		return at(o.Source.File, key)
	}
	for _, file := range t.overlays {
		if file == o.Source.File || !isYAML(file) {
			continue
		}
		for _, d := range s.overlay(file) {
			if d.kind != o.GetKind() || d.name == "" || !strings.Contains(o.GetName(), d.name) {
				continue
			}
			if k, v, ok := walk(d.root, o.Object, tokens); ok && sameScalar(v, valueAt(o.Object, tokens)) {
				return at(file, k)
			}
		}
	}
	return at(o.Source.File, key)
}

func (s *sources) overlay(file string) []doc {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs, seen := s.docs[file]
	if !seen {
		docs, _ = scanDocs(file, s.data(file))
		s.docs[file] = docs
	}
	return docs
}

// sameScalar says whether a source's value is the object's; maps and lists
// always are.
func sameScalar(node *yaml.Node, value any) bool {
	if node = resolved(node); node == nil || node.Kind != yaml.ScalarNode {
		return true
	}
	switch value.(type) {
	case map[string]any, []any:
		return false
	case nil:
		return node.Tag == "!!null"
	case string:
		return node.Value == value
	}
	var have any
	return node.Decode(&have) == nil && fmt.Sprint(have) == fmt.Sprint(value)
}

// walk follows a pointer through a document as far as it goes. It gives the
// last key (or list item) and its value; found says that the whole pointer is
// there. An item of a list is found by the name it has in the object, else by
// its index.
func walk(root *yaml.Node, object any, tokens []string) (key, value *yaml.Node, found bool) {
	key, value = root, root
	for _, token := range tokens {
		node := resolved(value)
		var k, v *yaml.Node
		switch {
		case node != nil && node.Kind == yaml.MappingNode:
			k, v = mappingEntry(node, token)
		case node != nil && node.Kind == yaml.SequenceNode:
			v = sequenceItem(node, child(object, token), token)
			k = v
		}
		if k == nil || v == nil {
			return key, value, false
		}
		key, value, object = k, v, child(object, token)
	}
	return key, value, true
}

func sequenceItem(node *yaml.Node, item any, token string) *yaml.Node {
	if fields, ok := item.(map[string]any); ok {
		if name, ok := fields["name"].(string); ok {
			for _, candidate := range node.Content {
				if scalar(mappingValue(candidate, "name")) == name {
					return candidate
				}
			}
			return nil
		}
	}
	if i, ok := listIndex(token); ok && i < len(node.Content) {
		return node.Content[i]
	}
	return nil
}

// place is where a patch sets the field.
func (p appliedPatch) place(object map[string]any, tokens []string) (finding.Position, bool) {
	for i := len(p.JSON6902) - 1; i >= 0; i-- {
		op := p.JSON6902[i]
		target, _ := op.Map["path"].(string)
		pointer := "/" + strings.Join(escaped(tokens), "/")
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
		item := child(object, token)
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
	if i, ok := listIndex(token); ok && i < len(list) {
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

// child is the value below a map or list, nil when there is none.
func child(value any, token string) any {
	switch v := value.(type) {
	case map[string]any:
		return v[token]
	case []any:
		if i, ok := listIndex(token); ok && i < len(v) {
			return v[i]
		}
	}
	return nil
}

func valueAt(value any, tokens []string) any {
	for _, token := range tokens {
		value = child(value, token)
	}
	return value
}

// listIndex reads a pointer's token as a list index.
func listIndex(token string) (int, bool) {
	i, err := strconv.Atoi(token)
	return i, err == nil && i >= 0 && (token == "0" || token[0] != '0' && token[0] != '+')
}

// splitPointer reads an RFC 6901 pointer.
func splitPointer(pointer string) []string {
	if pointer == "" || pointer == "/" {
		return nil
	}
	tokens := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, t := range tokens {
		tokens[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~1", "/"), "~0", "~")
	}
	return tokens
}

func escaped(tokens []string) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = strings.ReplaceAll(strings.ReplaceAll(t, "~", "~0"), "/", "~1")
	}
	return out
}
