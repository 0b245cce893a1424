package render

import (
	"bytes"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"dualtrack.internal/platform/render/place"
)

// definition is what a CustomResourceDefinition says about its kind.
type definition struct {
	kind       schema.GroupKind
	namespaced bool
	served     []string // versions
}

// definitions are the custom resource definitions in a component's files, as
// their authors wrote them. A definition that a template makes is seen only
// once it is rendered.
func (f *folder) definitions() []definition {
	var all []definition
	for _, name := range f.names {
		data := f.data[name]
		if !isYAML(name) || !bytes.Contains(data, []byte("CustomResourceDefinition")) {
			continue
		}
		docs, _ := place.Scan(name, data) // what is broken is reported when it is rendered
		for _, d := range docs {
			var content map[string]any
			if d.Kind != "CustomResourceDefinition" || d.Root.Decode(&content) != nil {
				continue
			}
			if def, ok := readDefinition(content); ok {
				all = append(all, def)
			}
		}
	}
	return all
}

func readDefinition(crd map[string]any) (definition, bool) {
	spec, _ := crd["spec"].(map[string]any)
	names, _ := spec["names"].(map[string]any)
	group, _ := spec["group"].(string)
	kind, _ := names["kind"].(string)
	scope, _ := spec["scope"].(string)
	def := definition{kind: schema.GroupKind{Group: group, Kind: kind}, namespaced: scope == "Namespaced"}
	versions, _ := spec["versions"].([]any)
	for _, v := range versions {
		version, _ := v.(map[string]any)
		name, _ := version["name"].(string)
		if served, _ := version["served"].(bool); served && name != "" {
			def.served = append(def.served, name)
		}
	}
	return def, group != "" && kind != ""
}

// scopes knows which kinds live in a namespace.
type scopes map[schema.GroupKind]bool

func (s scopes) learn(defs []definition) {
	for _, d := range defs {
		if _, known := s[d.kind]; !known {
			s[d.kind] = d.namespaced
		}
	}
}

// sum tells these scopes from others.
func (s scopes) sum() string {
	lines := make([]string, 0, len(s))
	for kind, namespaced := range s {
		lines = append(lines, fmt.Sprint(kind, namespaced))
	}
	slices.Sort(lines)
	return sumJSON(lines)
}

// namespaced says whether a kind lives in a namespace. A kind that neither
// Kubernetes nor a definition knows counts as namespaced, as in kustomize.
func (s scopes) namespaced(gvk schema.GroupVersionKind) bool {
	if namespaced, known := s[gvk.GroupKind()]; known {
		return namespaced
	}
	namespaced, known := openapi.IsNamespaceScoped(yaml.TypeMeta{
		APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind,
	})
	return namespaced || !known
}

// apiVersions lists what definitions serve, as "group/version" and
// "group/version/Kind", sorted.
func apiVersions(defs []definition) []string {
	var all []string
	for _, d := range defs {
		for _, v := range d.served {
			all = append(all, d.kind.Group+"/"+v, d.kind.Group+"/"+v+"/"+d.kind.Kind)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
