package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// node is a schema: of the generated documents, or of a custom resource
// definition. After link it is only read.
type node struct {
	Ref        string           `json:"$ref"`
	Type       string           `json:"type"`
	Format     string           `json:"format"`
	Properties map[string]*node `json:"properties"`
	Additional *orBool          `json:"additionalProperties"`
	Items      *node            `json:"items"`
	Required   []string         `json:"required"`
	Enum       []any            `json:"enum"`
	Default    json.RawMessage  `json:"default"`
	Nullable   bool             `json:"nullable"`

	Pattern          string   `json:"pattern"`
	Minimum          *float64 `json:"minimum"`
	Maximum          *float64 `json:"maximum"`
	ExclusiveMinimum bool     `json:"exclusiveMinimum"`
	ExclusiveMaximum bool     `json:"exclusiveMaximum"`
	MultipleOf       *float64 `json:"multipleOf"`
	MinLength        *int64   `json:"minLength"`
	MaxLength        *int64   `json:"maxLength"`
	MinItems         *int64   `json:"minItems"`
	MaxItems         *int64   `json:"maxItems"`
	UniqueItems      bool     `json:"uniqueItems"`
	MinProperties    *int64   `json:"minProperties"`
	MaxProperties    *int64   `json:"maxProperties"`

	AllOf []*node `json:"allOf"`
	AnyOf []*node `json:"anyOf"`
	OneOf []*node `json:"oneOf"`
	Not   *node   `json:"not"`

	Preserve    bool     `json:"x-kubernetes-preserve-unknown-fields"`
	Embedded    bool     `json:"x-kubernetes-embedded-resource"`
	IntOrString bool     `json:"x-kubernetes-int-or-string"`
	ListType    string   `json:"x-kubernetes-list-type"`
	ListKeys    []string `json:"x-kubernetes-list-map-keys"`
	// Object is ours: an object must fit this schema, any other value will do.
	Object *node `json:"x-object"`

	// native schemas are those of the Kubernetes API, whose server reads JSON
	// into Go types: null and "" are there the same as nothing.
	native  bool
	target  *node // what Ref names
	pattern *regexp.Regexp
	values  map[string]bool // Enum in canonical JSON
}

// orBool is additionalProperties: a schema, or a word for all of them.
type orBool struct {
	allow  bool
	schema *node
}

// UnmarshalJSON reads a boolean or a schema.
func (o *orBool) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &o.allow) == nil {
		return nil
	}
	o.allow = true
	return json.Unmarshal(b, &o.schema)
}

// hasDefault says that the API server fills in a value.
func (n *node) hasDefault() bool { return len(n.Default) > 0 && string(n.Default) != "null" }

// children are the schemas inside this one, each with the pointer to it. Those
// that narrow judge the value itself once more.
func (n *node) children(visit func(at string, c *node, narrow bool)) {
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		visit("/properties/"+escape(name), n.Properties[name], false)
	}
	if n.Additional != nil && n.Additional.schema != nil {
		visit("/additionalProperties", n.Additional.schema, false)
	}
	if n.Items != nil {
		visit("/items", n.Items, false)
	}
	if n.Object != nil {
		visit("/x-object", n.Object, false)
	}
	if n.Not != nil {
		visit("/not", n.Not, true)
	}
	for at, list := range map[string][]*node{"/allOf": n.AllOf, "/anyOf": n.AnyOf, "/oneOf": n.OneOf} {
		for i, c := range list {
			visit(fmt.Sprintf("%s/%d", at, i), c, true)
		}
	}
}

// prepare reads the enumeration and the pattern.
func (n *node) prepare() error {
	if len(n.Enum) > 0 {
		n.values = make(map[string]bool, len(n.Enum))
		for _, v := range n.Enum {
			n.values[canonical(v)] = true
		}
	}
	if n.Pattern == "" {
		return nil
	}
	var err error
	n.pattern, err = regexp.Compile(n.Pattern)
	return err
}

// link makes a generated schema and what is in it ready for use.
func (n *node) link(all map[string]*node) error {
	n.native = true
	if n.Ref != "" {
		if n.target = all[n.Ref]; n.target == nil {
			return fmt.Errorf("no schema %s", n.Ref)
		}
	}
	err := n.prepare()
	n.children(func(_ string, c *node, _ bool) {
		if err == nil {
			err = c.link(all)
		}
	})
	return err
}

// canonical is a value as JSON; equal numbers give equal text.
func canonical(v any) string {
	if f, ok := v.(float64); ok && f == float64(int64(f)) {
		v = int64(f)
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	if err := e.Encode(v); err != nil {
		return fmt.Sprintf("%T", v) // not a JSON value, equal to none
	}
	return strings.TrimSuffix(b.String(), "\n")
}
