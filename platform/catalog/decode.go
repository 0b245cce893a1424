package catalog

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"dualtrack.internal/platform/finding"
)

// decoder fills one value from one file, noting every mistake and going on.
type decoder struct {
	file     string
	model    model
	problems finding.Problems
	at       places
}

// spot is a node on its way into a field.
type spot struct {
	path string           // "spec.nodes[0].name"
	node *yaml.Node       // aliases resolved
	at   finding.Position // where the field stands: its key, or its item in a list
}

// envelope is what every file carries around its spec.
type envelope struct {
	name   string
	labels Labels
}

// decode reads a file of one kind into out, a pointer to a struct with a Spec.
func decode(m model, file, kindName string, data []byte, out any) (envelope, places, finding.Problems) {
	root, problems := parse(file, data)
	d := &decoder{file: file, model: m, problems: problems, at: places{}}
	if root == nil {
		return envelope{}, d.at, d.problems
	}
	var env envelope
	if root.Kind != yaml.MappingNode {
		d.fail(place(file, root), "", "expected a mapping, got "+describe(root), "write apiVersion, kind, metadata and spec")
		return env, d.at, d.problems
	}
	v := reflect.ValueOf(out).Elem()
	spec := m[v.Type()][0]
	var seen []string
	for _, p := range pairs(root) {
		seen = append(seen, p.key.Value)
		s := d.spot("", p)
		switch p.key.Value {
		case "apiVersion":
			d.constant(s, APIVersion)
		case "kind":
			d.constant(s, kindName)
		case "metadata":
			env = d.metadata(s)
		case spec.name:
			d.value(s, v.Field(spec.index), spec)
		default:
			d.unknown(s, p.key, []string{"apiVersion", "kind", "metadata", spec.name})
		}
	}
	for _, name := range []string{"apiVersion", "kind", "metadata", spec.name} {
		if !slices.Contains(seen, name) {
			d.fail(place(file, root), name, "is missing", "add it")
		}
	}
	return env, d.at, d.problems
}

func (d *decoder) fail(at finding.Position, path, what, mend string) {
	d.problems = append(d.problems, problem(at, path, what, mend))
}

// wrong says that a node is not what its field takes.
func (d *decoder) wrong(s spot, expected string) {
	d.fail(d.where(s), s.path, fmt.Sprintf("expected %s, got %s", expected, describe(s.node)), mendType(expected, s.node))
}

// mendType says how to write a value of the expected type.
func mendType(expected string, got *yaml.Node) string {
	text := got.Kind == yaml.ScalarNode
	switch {
	case got.ShortTag() == nullTag:
		return "write a value or remove the line"
	case expected == "string" && text:
		return fmt.Sprintf("put it in quotes: %q", got.Value)
	case expected == "list" && text:
		return fmt.Sprintf("write [%s]", got.Value)
	case expected == "integer":
		return "write a whole number without quotes"
	case expected == "boolean":
		return "write true or false without quotes"
	case expected == "duration":
		return durationMend
	case expected == "quantity":
		return quantityMend
	case expected == "mapping":
		return "write fields with their values"
	case expected == "list":
		return "begin each entry with -"
	}
	return "write one " + expected
}

const (
	durationMend = "write it like 90s, 5m or 1h30m"
	quantityMend = "write it like 500m, 4 or 512Mi"
)

// where is the place a person looks at for a field: a scalar's own, else that
// of the key.
func (d *decoder) where(s spot) finding.Position {
	if s.node.Kind == yaml.ScalarNode && s.node.Value != "" {
		return place(d.file, s.node)
	}
	return s.at
}

// spot makes the spot of a mapping's entry and remembers its place.
func (d *decoder) spot(parent string, p pair) spot {
	s := spot{path: join(parent, p.key.Value), node: p.value, at: place(d.file, p.key)}
	d.at[s.path] = d.where(s)
	return s
}

func join(parent, name string) string {
	if parent == "" {
		return name
	}
	return parent + "." + name
}

// constant checks a field that has one allowed value.
func (d *decoder) constant(s spot, want string) {
	if s.node.Kind != yaml.ScalarNode || s.node.Value != want {
		d.fail(d.where(s), s.path, fmt.Sprintf("expected %s, got %s", want, describe(s.node)), "write "+want)
	}
}

// metadata is read by the same rules as everything else, through a type of its own.
type metadata struct {
	Name   string `yaml:"name" required:"true" format:"name" doc:"name, the same as the folder's"`
	Labels Labels `yaml:"labels" doc:"labels"`
}

func (d *decoder) metadata(s spot) envelope {
	var md metadata
	d.value(s, reflect.ValueOf(&md).Elem(), field{typ: reflect.TypeFor[metadata](), required: true})
	return envelope{name: md.Name, labels: md.Labels}
}

func (d *decoder) unknown(s spot, key *yaml.Node, known []string) {
	d.fail(place(d.file, key), s.path, "unknown field", suggest("field", key.Value, known))
}

// value reads one node into v by f's rules.
func (d *decoder) value(s spot, v reflect.Value, f field) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	if s.node.Kind == yaml.ScalarNode && s.node.ShortTag() == nullTag {
		d.wrong(s, typeName(v.Type()))
		return
	}
	switch {
	case v.Type() == reflect.TypeFor[Values]():
		if s.node.Kind != yaml.MappingNode {
			d.wrong(s, "mapping")
			return
		}
		v.Set(reflect.ValueOf(d.values(s)))
	case v.Kind() == reflect.Struct:
		d.structure(s, v)
	case v.Kind() == reflect.Slice:
		d.list(s, v, f)
	case v.Kind() == reflect.Map:
		d.mapping(s, v, f)
	default:
		d.scalar(s, v, f)
	}
}

func (d *decoder) structure(s spot, v reflect.Value) {
	if s.node.Kind != yaml.MappingNode {
		d.wrong(s, "mapping")
		return
	}
	fields := d.model[v.Type()]
	seen := map[string]bool{}
	for _, p := range pairs(s.node) {
		child := d.spot(s.path, p)
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == p.key.Value })
		if i < 0 {
			d.unknown(child, p.key, names(fields))
			continue
		}
		seen[p.key.Value] = true
		d.value(child, v.Field(fields[i].index), fields[i])
	}
	for _, f := range fields {
		switch {
		case seen[f.name]:
		case f.required:
			d.fail(s.at, join(s.path, f.name), "is missing", "add it"+hint(f))
		default:
			d.fill(v.Field(f.index), f)
		}
	}
	if at := v.FieldByName("Position"); at.IsValid() && at.Type() == reflect.TypeFor[finding.Position]() {
		at.Set(reflect.ValueOf(s.at))
	}
}

// hint names the allowed values of a field, if they are few.
func hint(f field) string {
	if len(f.enum) == 0 {
		return ""
	}
	return ": " + strings.Join(f.enum, ", ")
}

func names(fields []field) []string {
	out := make([]string, len(fields))
	for i, f := range fields {
		out[i] = f.name
	}
	return out
}

// fill gives an absent field its default, and those of the fields inside it.
func (d *decoder) fill(v reflect.Value, f field) {
	if f.def != "" {
		// A default that its own field refuses is found by a test over every tag.
		_ = setText(v, f.def)
		return
	}
	if v.Kind() == reflect.Struct && !opaque(v.Type()) {
		for _, inner := range d.model[v.Type()] {
			d.fill(v.Field(inner.index), inner)
		}
	}
}

func (d *decoder) list(s spot, v reflect.Value, f field) {
	if s.node.Kind != yaml.SequenceNode {
		d.wrong(s, "list")
		return
	}
	if f.required && len(s.node.Content) == 0 {
		d.fail(s.at, s.path, "is empty", "add an entry")
	}
	v.Set(reflect.MakeSlice(v.Type(), len(s.node.Content), len(s.node.Content)))
	for i, item := range s.node.Content {
		child := spot{path: fmt.Sprintf("%s[%d]", s.path, i), node: resolve(item), at: place(d.file, item)}
		d.at[child.path] = child.at
		d.value(child, v.Index(i), f)
	}
}

func (d *decoder) mapping(s spot, v reflect.Value, f field) {
	if s.node.Kind != yaml.MappingNode {
		d.wrong(s, "mapping")
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for _, p := range pairs(s.node) {
		child := d.spot(s.path, p)
		if f.keys != nil && !slices.Contains(f.keys, p.key.Value) {
			d.fail(place(d.file, p.key), child.path, "unknown key", suggest("key", p.key.Value, f.keys))
			continue
		}
		inner := field{typ: v.Type().Elem(), enum: f.values, pattern: f.pattern}
		item := reflect.New(v.Type().Elem()).Elem()
		d.value(child, item, inner)
		v.SetMapIndex(reflect.ValueOf(p.key.Value).Convert(v.Type().Key()), item)
	}
}
