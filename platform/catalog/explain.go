package catalog

import (
	"fmt"
	"reflect"
	"strings"

	"dualtrack.internal/platform/finding"
)

// Explain describes a field of a kind and the fields inside it, for people:
// "cluster" or "cluster.spec.etcd". List indexes and map keys may stand in the
// path. A path that leads nowhere is a *finding.Problem with the nearest one.
func Explain(path string) (string, error) {
	m, err := newModel()
	if err != nil {
		return "", err
	}
	first, rest, _ := strings.Cut(strings.TrimSpace(path), ".")
	var known []string
	for _, k := range kinds() {
		if strings.EqualFold(k.name, first) {
			root := field{name: strings.ToLower(k.name), doc: k.doc, typ: k.typ}
			return m.explain(root, rest)
		}
		known = append(known, strings.ToLower(k.name))
	}
	return "", problem(finding.Position{}, path, "there is no kind "+first, suggest("kind", strings.ToLower(first), known))
}

// explain follows a path from a kind to the field it names.
func (m model) explain(at field, rest string) (string, error) {
	path := at.name
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, ".")
		name, _, _ = strings.Cut(name, "[")
		if elem := container(at.typ); elem.Kind() == reflect.Map { // any key leads to the same type
			path += "." + name
			at = field{name: name, doc: at.doc, typ: elem.Elem(), enum: at.values, pattern: at.pattern}
			continue
		}
		inner := m.inside(at)
		next, found := field{}, false
		for _, f := range inner {
			if f.name == name {
				next, found = f, true
			}
		}
		if !found {
			return "", problem(finding.Position{}, path+"."+name, "unknown field", suggest("field", name, names(inner)))
		}
		path += "." + name
		at = next
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s <%s>\n    %s\n", path, typeText(at.typ), at.doc)
	if rules := at.rules(); rules != "" {
		fmt.Fprintf(&b, "    %s\n", rules)
	}
	m.list(&b, at)
	return b.String(), nil
}

// container strips pointers and lists from a type.
func container(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// inside lists the fields of a field's type; the type of a kind has the
// envelope's too.
func (m model) inside(f field) []field {
	t := container(f.typ)
	if t.Kind() == reflect.Map {
		t = container(t.Elem())
	}
	fields := m[t]
	for _, k := range kinds() {
		if k.typ != t {
			continue
		}
		text := reflect.TypeFor[string]()
		return append([]field{
			{name: "apiVersion", typ: text, required: true, enum: []string{APIVersion}, doc: "version of the format"},
			{name: "kind", typ: text, required: true, enum: []string{k.name}, doc: "kind of the file"},
			{name: "metadata", typ: reflect.TypeFor[metadata](), required: true, doc: "name and labels"},
		}, fields...)
	}
	return fields
}

func (m model) list(b *strings.Builder, at field) {
	fields := m.inside(at)
	if len(fields) == 0 {
		return
	}
	b.WriteString("\nFIELDS\n")
	for _, f := range fields {
		fmt.Fprintf(b, "  %s <%s>\n      %s\n", f.name, typeText(f.typ), f.doc)
		if rules := f.rules(); rules != "" {
			fmt.Fprintf(b, "      %s\n", rules)
		}
	}
}

// typeText names a type with what it holds.
func typeText(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[Values]():
		return "values"
	case t.Kind() == reflect.Pointer:
		return typeText(t.Elem())
	case t.Kind() == reflect.Slice:
		return "list of " + typeText(t.Elem())
	case t.Kind() == reflect.Map:
		return "map of " + typeText(t.Elem())
	}
	return typeName(t)
}

// rules says in one line what a field demands.
func (f field) rules() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if f.required {
		add("required")
	}
	if f.def != "" {
		add("default %s", f.def)
	}
	if f.enum != nil {
		add("one of %s", strings.Join(f.enum, ", "))
	}
	if f.min != "" {
		add("at least %s", f.min)
	}
	if f.max != "" {
		add("at most %s", f.max)
	}
	if f.pattern != nil {
		add("matches %s", f.pattern)
	}
	switch f.format {
	case "name":
		add("up to 63 of a-z, 0-9 and -")
	case "timezone":
		add("an IANA time zone")
	case "date":
		add("YYYY-MM-DD")
	case "date-time":
		add("an RFC 3339 time")
	}
	if f.keys != nil {
		add("keys: %s", strings.Join(f.keys, ", "))
	}
	if f.values != nil {
		add("values: %s", strings.Join(f.values, ", "))
	}
	return strings.Join(parts, "; ")
}
