package catalog

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"dualtrack.internal/platform/finding"
)

// field is one field of a type, as its struct tags describe it. The same
// description drives the reader, the JSON Schemas and the explanations.
type field struct {
	index    int
	name     string
	doc      string
	typ      reflect.Type
	def      string // default, as written; "" when there is none
	required bool
	enum     []string
	min, max string // of numbers and durations, as written; "" when there is none
	pattern  *regexp.Regexp
	example  string   // of what matches pattern
	format   string   // "name", "timezone", "date", "date-time"
	keys     []string // allowed keys of a map; nil allows every key
	values   []string // allowed values of a map; nil allows every value
}

// kind is one kind of file.
type kind struct {
	name string       // "Cluster"
	typ  reflect.Type // of the struct with a Spec
	doc  string
}

// kinds are the kinds of the catalog, in the order of a reader's interest.
func kinds() []kind {
	return []kind{
		{"Component", reflect.TypeFor[Component](), "one deployable part of the stack: components/<name>/component.yaml"},
		{"Cluster", reflect.TypeFor[Cluster](), "one cluster's desired state: clusters/<name>/cluster.yaml"},
		{"Fleet", reflect.TypeFor[Fleet](), "all clusters and how they are rolled out: clusters/fleet.yaml"},
		{"Baseline", reflect.TypeFor[Baseline](), "every version the distribution stands on: components/baseline.yaml"},
		{"Exceptions", reflect.TypeFor[Exceptions](), "what is waived, by whom, until when: policies/exceptions.yaml"},
		{"Silences", reflect.TypeFor[Silences](), "alerts that nobody is told about, by whose word, why, until when: policies/silences/*.yaml"},
		{"Evidence", reflect.TypeFor[Evidence](), "what was seen of images and clusters, handed over beside a tree: --evidence"},
		{"Lock", reflect.TypeFor[Lock](), "the distribution that a repository of one's own stands on, and the bytes of remote sources: platform.lock"},
	}
}

// model holds the fields of every type of the catalog.
type model map[reflect.Type][]field

// newModel reads the struct tags of every kind.
func newModel() (model, error) {
	m := model{}
	if err := m.add(reflect.TypeFor[metadata]()); err != nil {
		return nil, fmt.Errorf("struct tags of metadata: %w", err)
	}
	for _, k := range kinds() {
		if err := m.add(k.typ); err != nil {
			return nil, fmt.Errorf("struct tags of %s: %w", k.name, err)
		}
	}
	return m, nil
}

// opaque says that a type is read as a whole, not field by field.
func opaque(t reflect.Type) bool {
	return t == reflect.TypeFor[Values]() || t == reflect.TypeFor[finding.Position]()
}

func (m model) add(t reflect.Type) error {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return m.add(t.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	if _, known := m[t]; known || opaque(t) {
		return nil
	}
	m[t] = nil // ends the walk at a type that holds itself
	var fields []field
	for i := range t.NumField() {
		sf := t.Field(i)
		name := sf.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		f, err := readTags(i, name, sf)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", t.Name(), sf.Name, err)
		}
		fields = append(fields, f)
		if err := m.add(sf.Type); err != nil {
			return err
		}
	}
	m[t] = fields
	return nil
}

func readTags(index int, name string, sf reflect.StructField) (field, error) {
	f := field{
		index: index, name: name, typ: sf.Type,
		doc:      sf.Tag.Get("doc"),
		def:      sf.Tag.Get("default"),
		required: sf.Tag.Get("required") == "true",
		enum:     split(sf.Tag.Get("enum")),
		min:      sf.Tag.Get("min"),
		max:      sf.Tag.Get("max"),
		format:   sf.Tag.Get("format"),
		example:  sf.Tag.Get("example"),
		keys:     split(sf.Tag.Get("keys")),
		values:   split(sf.Tag.Get("values")),
	}
	if f.doc == "" {
		return f, fmt.Errorf("has no doc")
	}
	if expr := sf.Tag.Get("pattern"); expr != "" {
		var err error
		if f.pattern, err = regexp.Compile(expr); err != nil {
			return f, fmt.Errorf("pattern: %w", err)
		}
		if !f.pattern.MatchString(f.example) {
			return f, fmt.Errorf("its example %q does not match its pattern", f.example)
		}
	}
	return f, nil
}

func split(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
