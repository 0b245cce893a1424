package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	kube "k8s.io/apimachinery/pkg/runtime/schema"
)

// definition is what a custom resource definition brings, and what is wrong
// with it beyond its own schema.
type definition struct {
	kinds    []*kind
	problems []issue
}

type issue struct{ pointer, message, mend string }

func (d *definition) problem(pointer, message, mend string) {
	d.problems = append(d.problems, issue{pointer, message, mend})
}

// readDefinition reads an apiextensions.k8s.io/v1 CustomResourceDefinition of
// any shape; what does not fit its schema is left to the walk.
func readDefinition(obj map[string]any) *definition {
	d := &definition{}
	spec, _ := obj["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	meta, _ := obj["metadata"].(map[string]any)
	if want := text(names["plural"]) + "." + text(spec["group"]); text(meta["name"]) != want && len(want) > 1 {
		d.problem("/metadata/name", "metadata.name must be plural and group of the definition, "+want, "write name: "+want)
	}
	versions, _ := spec["versions"].([]any)
	stored := 0
	for i, v := range versions {
		version, _ := v.(map[string]any)
		if version["storage"] == true {
			stored++
		}
		k := &kind{
			GroupVersionKind: kube.GroupVersionKind{Group: text(spec["group"]), Version: text(version["name"]), Kind: text(names["kind"])},
			custom:           true, namespaced: spec["scope"] == "Namespaced",
			deprecated: version["deprecated"] == true, warning: text(version["deprecationWarning"]),
		}
		k.root = d.schema(version, fmt.Sprintf("/spec/versions/%d", i))
		k.broken = k.root == nil
		if version["served"] == true {
			d.kinds = append(d.kinds, k)
		}
	}
	if len(versions) > 0 && stored != 1 {
		d.problem("/spec/versions", fmt.Sprintf("%d versions of the definition are stored, exactly one must be", stored), "set storage: true on one version")
	}
	return d
}

// schema reads a version's schema; nil when it can't be used.
func (d *definition) schema(version map[string]any, at string) *node {
	holder, _ := version["schema"].(map[string]any)
	raw, ok := holder["openAPIV3Schema"].(map[string]any)
	if !ok {
		d.problem(at+"/schema", "the version has no schema", "add schema.openAPIV3Schema")
		return nil
	}
	at += "/schema/openAPIV3Schema"
	var root *node
	b, err := json.Marshal(raw)
	if err == nil {
		err = json.Unmarshal(b, &root)
	}
	if err != nil {
		d.problem(at, "the schema can't be read: "+err.Error(), "correct the schema")
		return nil
	}
	before := len(d.problems)
	if root.Type != "object" {
		d.problem(at+"/type", "a definition's schema describes an object", "write type: object")
	}
	d.compile(root, at, false)
	root.Embedded = true
	if len(d.problems) > before {
		return nil
	}
	return root
}

// compile makes a schema ready for use and judges whether it is structural, as
// the API server asks of definitions. Inside allOf, anyOf, oneOf and not a
// schema only narrows.
func (d *definition) compile(n *node, at string, narrow bool) {
	n.dropEmpty(func(rest string) { d.problem(at+rest, "the schema is empty", "write a schema or remove it") })
	if err := n.prepare(); err != nil {
		d.problem(at+"/pattern", "the pattern is not a regular expression: "+err.Error(), "correct the pattern")
	}
	if n.Ref != "" {
		d.problem(at+"/$ref", "a definition's schema can't refer to another", "write the schema out")
	}
	if !narrow {
		d.structural(n, at)
	}
	n.Object = nil
	n.children(func(rest string, c *node, inner bool) { d.compile(c, at+rest, narrow || inner) })
}

func (d *definition) structural(n *node, at string) {
	switch {
	case n.Type == "" && !n.IntOrString && !n.Preserve:
		d.problem(at, "the schema has no type", "add type")
	case n.Type == "array" && n.Items == nil:
		d.problem(at, "the list has no schema for its items", "add items")
	case n.Additional != nil && !n.Additional.allow:
		d.problem(at+"/additionalProperties", "additionalProperties: false has no place in a definition", "remove it: unknown fields are dropped anyhow")
	case n.Additional != nil && len(n.Properties) > 0:
		d.problem(at+"/additionalProperties", "properties and additionalProperties exclude each other", "keep one of the two")
	}
}

// dropEmpty removes schemas written as null.
func (n *node) dropEmpty(found func(at string)) {
	for _, name := range slices.Sorted(maps.Keys(n.Properties)) {
		if n.Properties[name] == nil {
			delete(n.Properties, name)
			found("/properties/" + escape(name))
		}
	}
	for _, list := range []*[]*node{&n.AllOf, &n.AnyOf, &n.OneOf} {
		if i := slices.Index(*list, nil); i >= 0 {
			*list = slices.DeleteFunc(*list, func(c *node) bool { return c == nil })
			found("")
		}
	}
}
