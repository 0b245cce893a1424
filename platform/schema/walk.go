package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// objectMeta is the schema of metadata, which definitions leave out.
const objectMeta = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"

// walk judges one object. It follows the object, not the schema, so that
// recursive schemas end where the object ends.
type walk struct {
	v      *Validator
	o      render.Object
	secret bool // values are not to be shown
	custom bool
	nested int // inside allOf, anyOf, oneOf or not: their schemas name no fields
	path   []step
	out    []finding.Finding
}

// step leads from a value to one inside it.
type step struct {
	key   string
	index int // of a list item, -1 for a field
}

func (w *walk) root(k *kind) {
	w.custom = k.custom
	w.value(k.root, w.o.Object)
}

func (w *walk) in(key string, n *node, v any) {
	w.path = append(w.path, step{key, -1})
	w.value(n, v)
	w.path = w.path[:len(w.path)-1]
}

// report notes a finding at the current path.
func (w *walk) report(message, mend string, fix json.RawMessage) {
	f := about(w.o, Rule, finding.Error, w.pointer(), message)
	f.Mend, f.Patch = mend, fix
	w.out = append(w.out, f)
}

// reportAt notes a finding at a field of the current value.
func (w *walk) reportAt(key, message, mend string, fix json.RawMessage) {
	w.path = append(w.path, step{key, -1})
	w.report(message, mend, fix)
	w.path = w.path[:len(w.path)-1]
}

// value judges a value by a schema.
func (w *walk) value(n *node, v any) {
	if n.target != nil {
		n = n.target
	}
	if v == nil {
		if len(w.path) > 0 && w.path[len(w.path)-1].index >= 0 && !n.Nullable {
			w.report(w.here()+" is empty", "remove the list item, or fill it in", nil)
		}
		return
	}
	if n.Object != nil {
		if _, ok := v.(map[string]any); ok {
			w.value(n.Object, v)
		}
		return
	}
	if !w.fitsType(n, v) {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		w.fields(n, v)
	case []any:
		w.items(n, v)
	case string:
		w.str(n, v)
	case int64, float64, int:
		w.number(n, v)
	}
	w.enum(n, v)
	w.combine(n, v)
}

func (w *walk) fields(n *node, m map[string]any) {
	for key, v := range m {
		prop := n.Properties[key]
		switch {
		case n.Embedded && (key == "apiVersion" || key == "kind"):
			if _, ok := v.(string); !ok {
				w.reportAt(key, key+" is not a string", "write "+key+" as a string", nil)
			}
		case n.Embedded && key == "metadata":
			w.in(key, w.v.schemas[objectMeta], v)
			if prop != nil {
				w.nested++
				w.in(key, prop, v)
				w.nested--
			}
		case prop != nil:
			if v != nil || prop.native || prop.Nullable { // elsewhere null is the same as nothing
				w.in(key, prop, v)
			}
		case n.Additional != nil && n.Additional.schema != nil:
			w.in(key, n.Additional.schema, v)
		case n.Preserve || n.Additional != nil && n.Additional.allow || w.nested > 0 || n.Type != "object":
		default:
			w.unknown(n, key, m)
		}
	}
	w.required(n, m)
	w.known(n, m)
	count := int64(len(m))
	w.bounds(count, n.MinProperties, n.MaxProperties, "fields")
}

func (w *walk) unknown(n *node, key string, m map[string]any) {
	known := slices.Collect(maps.Keys(n.Properties))
	if n.Embedded {
		known = append(known, "apiVersion", "kind", "metadata")
	}
	free := slices.DeleteFunc(known, func(s string) bool { _, used := m[s]; return used })
	w.path = append(w.path, step{key, -1})
	defer func() { w.path = w.path[:len(w.path)-1] }()
	message := "unknown field " + w.here()
	if near := nearest(key, free); near != "" {
		at := w.pointer()
		w.report(fmt.Sprintf("%s; did you mean %s?", message, near), fmt.Sprintf("rename %s to %s", cut(key), near),
			patch("move", strings.TrimSuffix(at, escape(key))+escape(near), at))
		return
	}
	mend := "remove it"
	if len(free) > 0 {
		slices.Sort(free)
		if len(free) > 12 {
			free = append(free[:12:12], "…")
		}
		mend += "; the fields that can stand here are " + strings.Join(free, ", ")
	}
	w.report(message, mend, patch("remove", w.pointer(), nil))
}

func (w *walk) required(n *node, m map[string]any) {
	if len(w.path) > 0 && w.path[0].key == "status" {
		return // the cluster writes it, what stands in the bundle is dropped
	}
	for _, key := range n.Required {
		prop := n.Properties[key]
		v, ok := m[key]
		if ok && (v != nil || prop != nil && prop.Nullable && !prop.native) || prop != nil && prop.hasDefault() {
			continue
		}
		w.path = append(w.path, step{key, -1})
		w.report(w.here()+" is missing", "add "+w.here()+hint(prop), nil)
		w.path = w.path[:len(w.path)-1]
	}
	if n.Embedded && len(w.path) > 0 {
		for _, key := range []string{"apiVersion", "kind"} {
			if _, ok := m[key]; !ok {
				w.reportAt(key, w.here()+"."+key+" is missing", "add "+w.here()+"."+key, nil)
			}
		}
	}
}

// hint says what a field holds.
func hint(n *node) string {
	if n == nil {
		return ""
	}
	if n.target != nil {
		n = n.target
	}
	if what, ok := article(n); ok {
		return ", " + what
	}
	return ""
}

func (w *walk) items(n *node, list []any) {
	if n.Items != nil {
		for i, v := range list {
			w.path = append(w.path, step{"", i})
			w.value(n.Items, v)
			w.path = w.path[:len(w.path)-1]
		}
	}
	w.bounds(int64(len(list)), n.MinItems, n.MaxItems, "items")
	if n.ListType == "set" || n.ListType == "map" || n.UniqueItems {
		w.unique(n, list)
	}
}

// unique judges a list whose items may not repeat: as a whole, or by key.
func (w *walk) unique(n *node, list []any) {
	seen := make(map[string]int, len(list))
	for i, v := range list {
		id, words := itemKey(n, v)
		first, again := seen[id]
		if !again {
			seen[id] = i
			continue
		}
		if w.secret {
			words = ""
		}
		at := w.here()
		w.path = append(w.path, step{"", i})
		w.report(fmt.Sprintf("%s[%d] repeats %s[%d]%s", at, i, at, first, words), "remove one of the two", nil)
		w.path = w.path[:len(w.path)-1]
	}
}

// itemKey is what tells an item of a list from the others, and words for it.
func itemKey(n *node, v any) (id, words string) {
	m, ok := v.(map[string]any)
	if n.ListType != "map" || !ok {
		return canonical(v), ""
	}
	item := n.Items
	if item != nil && item.target != nil {
		item = item.target
	}
	var parts []string
	for _, key := range n.ListKeys {
		value, ok := m[key]
		if !ok && item != nil && item.Properties[key] != nil {
			if p := item.Properties[key]; p.hasDefault() {
				value = p.Default
			}
		}
		parts = append(parts, key+" "+canonical(value))
	}
	id = strings.Join(parts, ", ")
	return id, " (" + id + ")"
}

// combine judges what allOf, anyOf, oneOf and not ask.
func (w *walk) combine(n *node, v any) {
	w.nested++
	defer func() { w.nested-- }()
	for _, c := range n.AllOf {
		w.value(c, v)
	}
	for _, c := range []struct {
		forms []*node
		one   bool
	}{{n.AnyOf, false}, {n.OneOf, true}} {
		if len(c.forms) == 0 {
			continue
		}
		fits, why := 0, []string(nil)
		for _, form := range c.forms {
			if bad := w.try(form, v); len(bad) == 0 {
				fits++
			} else if len(why) < 4 && !slices.Contains(why, bad[0].Message) {
				why = append(why, bad[0].Message)
			}
		}
		switch {
		case fits == 0:
			w.report(w.here()+" fits none of its allowed forms: "+strings.Join(why, "; or "), "make it fit one of them", nil)
		case fits > 1 && c.one:
			w.report(fmt.Sprintf("%s fits %d of its forms, only one is allowed", w.here(), fits), "keep the fields of one form", nil)
		}
	}
	if n.Not != nil && len(w.try(n.Not, v)) == 0 {
		w.report(w.here()+" has a form that its definition forbids", "see the definition's schema", nil)
	}
}

// try judges a value apart.
func (w *walk) try(n *node, v any) []finding.Finding {
	sub := *w
	sub.out = nil
	sub.value(n, v)
	return sorted(sub.out)
}

// pointer is the current path as RFC 6901.
func (w *walk) pointer() string {
	var b strings.Builder
	for _, s := range w.path {
		b.WriteByte('/')
		if s.index >= 0 {
			b.WriteString(strconv.Itoa(s.index))
		} else {
			b.WriteString(escape(s.key))
		}
	}
	return b.String()
}

func escape(key string) string {
	if !strings.ContainsAny(key, "~/") {
		return key
	}
	return strings.ReplaceAll(strings.ReplaceAll(key, "~", "~0"), "/", "~1")
}

// here is the current path as people write it: spec.containers[0].name.
func (w *walk) here() string {
	if len(w.path) == 0 {
		return "the object"
	}
	var b strings.Builder
	for i, s := range w.path {
		switch {
		case s.index >= 0:
			fmt.Fprintf(&b, "[%d]", s.index)
		case s.key == "" || strings.ContainsAny(s.key, "./[]\" \n"):
			fmt.Fprintf(&b, "[%q]", cut(s.key))
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(cut(s.key))
		}
	}
	return b.String()
}

// cut keeps a text of the object short enough for a message.
func cut(s string) string {
	const limit = 60
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "…"
	}
	return s
}
