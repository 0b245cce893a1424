package adopt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/fluxcd/pkg/envsubst"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// prepare makes the files of one copy: what is written in kustomizations by the
// engine, without the engine's own objects, and with its variables replaced.
func (w *writer) prepare(c *copyOf) {
	p := c.Plain
	c.files = map[string][]byte{}
	switch {
	case p.Err != nil:
		return
	case c.Spec.Source.Helm != nil:
		c.dir = c.Spec.Source.Helm.Path
		w.chart(c)
		return
	case p.Manifests != nil:
		c.dir = path.Clean(folderOf(c))
		w.manifests(c)
	default:
		c.dir = c.Spec.Source.Kustomize.Path
		for file, data := range p.Files {
			c.files[file] = withoutOldPatches(file, asWritten(data, p.Edited[file]))
		}
		w.withoutEngine(c)
	}
	if len(c.files) > 0 {
		w.metadata(c)
		w.variables(c)
	}
}

// asWritten is a file in the form that people read.
func asWritten(data, edited []byte) []byte {
	if edited == nil {
		return data
	}
	if text, err := k8syaml.JSONToYAML(edited); err == nil {
		return text
	}
	return edited
}

// withoutOldPatches writes a kustomization's patchesJson6902, which the catalog does
// not take, as patches. They are applied earlier then: the comparison tells where
// that matters.
func withoutOldPatches(file string, data []byte) []byte {
	var content map[string]any
	if !isKustomization(file) || !bytes.Contains(data, []byte("patchesJson6902")) || k8syaml.Unmarshal(data, &content) != nil {
		return data
	}
	old, _ := content["patchesJson6902"].([]any)
	patches, _ := content["patches"].([]any)
	content["patches"] = append(patches, old...)
	delete(content, "patchesJson6902")
	if text, err := k8syaml.Marshal(content); err == nil {
		return text
	}
	return data
}

// chart takes a chart with the charts that it names by path.
func (w *writer) chart(c *copyOf) {
	for file, data := range c.Plain.Files {
		if c.dir == "." || strings.HasPrefix(file, c.dir+"/") {
			if edited, ok := c.Plain.Edited[file]; ok {
				data = edited
			}
			c.files[file] = data
		}
	}
	for file, data := range c.Plain.Edited {
		c.files[file] = data
	}
	if c.Plain.Delivery.Labels != nil || c.Plain.Delivery.Annotations != nil {
		w.leave(c, "commonMetadata of a chart's objects")
	}
}

func (w *writer) leave(c *copyOf, what string) {
	w.left = append(w.left, finding.Finding{Rule: "import", Severity: finding.Warning, Class: finding.Unknown,
		Message: "not taken over: " + what + " of " + c.Component.Name, Position: finding.Position{File: c.File}, Clusters: []string{c.cluster}})
}

// folderOf is the folder that holds a copy's manifests.
func folderOf(c *copyOf) string {
	if dir, ok := c.Plain.Declared["path"].(string); ok {
		return strings.TrimPrefix(dir, "/")
	}
	if len(c.Plain.Manifests) == 0 {
		return c.File
	}
	dir := path.Dir(c.Plain.Manifests[0])
	for _, file := range c.Plain.Manifests {
		for dir != "." && !strings.HasPrefix(file, dir+"/") {
			dir = path.Dir(dir)
		}
	}
	return dir
}

// manifests makes a kustomization of YAML files, without the engine's objects.
func (w *writer) manifests(c *copyOf) {
	var resources []string
	for _, file := range c.Plain.Manifests {
		data := withoutDelivery(c.Plain.Files[file])
		if len(data) == 0 {
			continue
		}
		c.files[file] = data
		rel := file
		if c.dir != "." {
			rel = strings.TrimPrefix(file, c.dir+"/")
		}
		resources = append(resources, rel)
	}
	if len(resources) == 0 {
		c.files = nil
		return
	}
	content, err := k8syaml.Marshal(map[string]any{"resources": resources})
	if err == nil {
		c.files[path.Join(c.dir, "kustomization.yaml")] = content
	}
}

// withoutEngine takes the engine's objects out of a kustomization.
func (w *writer) withoutEngine(c *copyOf) {
	gone := map[string]bool{}
	for file, data := range c.files {
		if isKustomization(file) || !isYAML(file) {
			continue
		}
		kept := withoutDelivery(data)
		if len(kept) == 0 && len(data) > 0 {
			gone[file] = true
			delete(c.files, file)
			continue
		}
		c.files[file] = kept
	}
	if len(gone) == 0 {
		return
	}
	for file, data := range c.files {
		var content map[string]any
		if !isKustomization(file) || k8syaml.Unmarshal(data, &content) != nil {
			continue
		}
		list, _ := content["resources"].([]any)
		content["resources"] = slices.DeleteFunc(slices.Clone(list), func(entry any) bool {
			name, _ := entry.(string)
			return gone[path.Join(path.Dir(file), name)]
		})
		if text, err := k8syaml.Marshal(content); err == nil {
			c.files[file] = text
		}
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(c.files)), func(file string) bool { return !isKustomization(file) }) {
		c.files = nil
	}
}

func isKustomization(file string) bool {
	return slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, path.Base(file))
}

func isYAML(file string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(file))
}

// withoutDelivery leaves the engine's own objects out of a file, and everything
// else as it is written.
func withoutDelivery(data []byte) []byte {
	var out [][]byte
	dropped := false
	for _, piece := range place.Split(data) {
		var head struct {
			APIVersion string `json:"apiVersion"`
			Kind       string `json:"kind"`
		}
		if k8syaml.Unmarshal(piece.Text, &head) == nil && delivers(head.APIVersion, head.Kind) {
			dropped = true
			continue
		}
		out = append(out, piece.Text)
	}
	if !dropped {
		return data
	}
	return bytes.Join(out, []byte("---\n"))
}

// delivers says that a kind tells an engine what to deliver: in the catalog
// components and clusters take its place.
func delivers(apiVersion, kind string) bool {
	group, _, _ := strings.Cut(apiVersion, "/")
	switch group {
	case "kustomize.toolkit.fluxcd.io", "source.toolkit.fluxcd.io", "helm.toolkit.fluxcd.io":
		return true
	case "argoproj.io":
		return slices.Contains([]string{"Application", "ApplicationSet", "AppProject"}, kind)
	}
	return false
}

// metadata writes Flux's commonMetadata into the kustomization.
func (w *writer) metadata(c *copyOf) {
	d := c.Plain.Delivery
	if len(d.Labels)+len(d.Annotations) == 0 {
		return
	}
	w.edit(c, func(content map[string]any) {
		meta := map[string]any{"name": "any"}
		if len(d.Labels) > 0 {
			meta["labels"] = d.Labels
		}
		if len(d.Annotations) > 0 {
			meta["annotations"] = d.Annotations
		}
		patch, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "any", "metadata": meta})
		if err != nil {
			return
		}
		list, _ := content["patches"].([]any)
		content["patches"] = append(list, map[string]any{"target": map[string]any{"name": ".*"}, "patch": string(patch)})
	})
}

// edit changes the kustomization that is built.
func (w *writer) edit(c *copyOf, change func(map[string]any)) {
	for file, data := range c.files {
		var content map[string]any
		if isKustomization(file) && path.Dir(file) == c.dir && k8syaml.Unmarshal(data, &content) == nil {
			change(content)
			if text, err := k8syaml.Marshal(content); err == nil {
				c.files[file] = text
			}
		}
	}
}

// variables replaces Flux's variables where they are written: in manifests,
// patches and kustomizations.
func (w *writer) variables(c *copyOf) {
	d := c.Plain.Delivery
	if d.Substitute == nil {
		return
	}
	for _, file := range slices.Sorted(maps.Keys(c.files)) {
		data := c.files[file]
		docs, _ := place.Scan(file, data)
		isObject := slices.ContainsFunc(docs, func(doc place.Doc) bool { return doc.Kind != "" })
		if !isYAML(file) || !isObject && !isKustomization(file) || !bytes.Contains(data, []byte("$")) || excluded(docs) {
			continue
		}
		text, err := envsubst.Eval(string(data), func(name string) (string, bool) {
			value, known := d.Substitute[name]
			if !known && d.Open {
				value = "${" + name + "}"
			}
			return value, true
		})
		if err != nil {
			w.leave(c, fmt.Sprintf("variables in %s (%v)", file, err))
			continue
		}
		c.files[file] = []byte(text)
	}
}

// excluded says that a file's objects are kept out of the replacing of variables.
func excluded(docs []place.Doc) bool {
	const key = "kustomize.toolkit.fluxcd.io/substitute"
	return slices.ContainsFunc(docs, func(d place.Doc) bool {
		meta := place.Value(d.Root, "metadata")
		return place.Scalar(place.Value(place.Value(meta, "annotations"), key)) == "disabled" ||
			place.Scalar(place.Value(place.Value(meta, "labels"), key)) == "disabled"
	})
}
