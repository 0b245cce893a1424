package plain

import (
	"encoding/json"
	"path"
	"strings"

	k8syaml "sigs.k8s.io/yaml"
)

// additions are what Flux or Argo CD write into a kustomization before they build
// it.
type additions struct {
	namespace, prefix, suffix string
	patches                   []any
	components                []string
	images                    []image
	labels, annotations       map[string]string
	noSelectors, inTemplates  bool // of labels
	replicas                  []any
}

// image is an entry of a kustomization's images.
type image struct {
	Name    string `json:"name"`
	NewName string `json:"newName,omitempty"`
	NewTag  string `json:"newTag,omitempty"`
	Digest  string `json:"digest,omitempty"`
}

func (a additions) empty() bool {
	return a.namespace+a.prefix+a.suffix == "" && len(a.patches)+len(a.components)+len(a.images)+len(a.labels)+len(a.annotations)+len(a.replicas) == 0
}

// adapt writes a part's kustomization as its engine would: with its additions,
// and for a folder without a kustomization a new one that names all its YAML.
func (g *gatherer) adapt(p part) {
	name := kustomizationOf(g.tree, p.dir)
	content := map[string]any{}
	switch data, edited := g.plain.Edited[name]; {
	case name == "":
		name = path.Join(p.dir, kustomizationNames()[0])
		content["resources"] = g.resources(p.dir)
		g.plain.Files[name] = []byte("{}\n")
	case edited:
		_ = json.Unmarshal(data, &content) // written by this package
	case p.adds.empty():
		return
	case k8syaml.Unmarshal(g.plain.Files[name], &content) != nil:
		return // the rendering says what is wrong
	}
	for _, c := range p.adds.components {
		r := reader{g: g, name: name, dir: p.dir}
		if r.follow("components", c, true) {
			content["components"] = append(listOf(content, "components"), c)
		}
	}
	p.adds.into(content)
	if data, err := json.Marshal(content); err == nil {
		g.plain.Edited[name] = data
	}
}

// resources are what Flux names in the kustomization that it writes for a folder
// without one.
func (g *gatherer) resources(dir string) []any {
	f := lookInto(g.tree, dir, g, chooser{})
	out := []any{}
	relative := func(name string) string {
		if dir == "." {
			return name
		}
		return strings.TrimPrefix(name, dir+"/")
	}
	for _, name := range f.manifests {
		out = append(out, relative(name))
	}
	for _, name := range f.kustomizations {
		g.kustomization(name)
		out = append(out, relative(name))
	}
	return out
}

func (a additions) into(content map[string]any) {
	set := func(field, value string) {
		if value != "" {
			content[field] = value
		}
	}
	set("namespace", a.namespace)
	set("namePrefix", a.prefix)
	set("nameSuffix", a.suffix)
	if len(a.patches) > 0 {
		content["patches"] = append(listOf(content, "patches"), a.patches...)
	}
	if len(a.replicas) > 0 {
		content["replicas"] = append(listOf(content, "replicas"), a.replicas...)
	}
	if len(a.labels) > 0 {
		content["labels"] = append(listOf(content, "labels"), map[string]any{"pairs": a.labels, "includeSelectors": !a.noSelectors, "includeTemplates": a.inTemplates})
	}
	if len(a.annotations) > 0 {
		all, _ := content["commonAnnotations"].(map[string]any)
		if all == nil {
			all = map[string]any{}
		}
		for k, v := range a.annotations {
			all[k] = v
		}
		content["commonAnnotations"] = all
	}
	for _, i := range a.images {
		content["images"] = withImage(listOf(content, "images"), i)
	}
}

func listOf(content map[string]any, field string) []any {
	list, _ := content[field].([]any)
	return list
}

// withImage lays an image over the entry of the same name, field by field; tag
// and digest choose a version together.
func withImage(list []any, i image) []any {
	for _, entry := range list {
		known, ok := entry.(map[string]any)
		if !ok || known["name"] != i.Name {
			continue
		}
		if i.NewName != "" {
			known["newName"] = i.NewName
		}
		if i.NewTag != "" || i.Digest != "" {
			delete(known, "newTag")
			delete(known, "digest")
			if i.NewTag != "" {
				known["newTag"] = i.NewTag
			}
			if i.Digest != "" {
				known["digest"] = i.Digest
			}
		}
		return list
	}
	entry := map[string]any{"name": i.Name}
	for field, value := range map[string]string{"newName": i.NewName, "newTag": i.NewTag, "digest": i.Digest} {
		if value != "" {
			entry[field] = value
		}
	}
	return append(list, entry)
}
