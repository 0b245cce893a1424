package adopt

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	fluxkustomize "github.com/fluxcd/pkg/kustomize"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/render/place"
)

// engines render what Flux and Argo CD would, with the libraries that those use,
// from the files as they stand in the repository.
type engines struct {
	ctx        context.Context
	tree       *catalog.Tree
	kubernetes string
	catalog    *catalog.Catalog
}

// cluster gives the objects of a cluster that are delivered to it. What can't be
// rendered, or is known to lack something, is left out of the comparison and said.
func (e *engines) cluster(c *catalog.Cluster, w *writer) ([]*unstructured.Unstructured, []finding.Finding) {
	var out []*unstructured.Unstructured
	var problems []finding.Finding
	for _, entry := range c.Spec.Components {
		component := e.catalog.Components[entry.Name]
		if w.own[entry.Name] {
			continue
		}
		objects, err := e.component(component)
		if err != nil {
			problems = append(problems, finding.Finding{Rule: "import", Severity: finding.Error, Component: component.Name, Clusters: []string{c.Name},
				Message: "not compared: the engine's own rendering of " + component.Name + " fails: " + firstLine(err), Position: finding.Position{File: component.File}})
			continue
		}
		for _, o := range objects {
			if delivers(o.GetAPIVersion(), o.GetKind()) { // components took its place
				continue
			}
			if o.GetNamespace() == "" && component.Spec.Namespace != "" && namespaced(o) {
				o.SetNamespace(component.Spec.Namespace) // as whoever applies does
			}
			out = append(out, o)
		}
	}
	return out, problems
}

func firstLine(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	return text
}

// namespaced says whether a kind lives in a namespace, as far as Kubernetes' own
// schema tells; others count as if.
func namespaced(o *unstructured.Unstructured) bool {
	in, known := openapi.IsNamespaceScoped(yaml.TypeMeta{APIVersion: o.GetAPIVersion(), Kind: o.GetKind()})
	return in || !known
}

func (e *engines) component(c *catalog.Component) ([]*unstructured.Unstructured, error) {
	switch {
	case c.Plain.Err != nil:
		return nil, c.Plain.Err
	case c.Plain.Elsewhere: // kustomize would fetch it
		return nil, errors.New("it names what stands in another place")
	}
	if c.Plain.Manifests != nil {
		return manifests(c.Plain)
	}
	dir, err := os.MkdirTemp("", "import-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, data := range c.Plain.Files {
		_, virtual := c.Plain.Alias[top(name, c.Plain.Alias)]
		if virtual || e.tree.IsFile(name) { // not what was made while following
			files[name] = data
		}
	}
	if err := writeAll(dir, files); err != nil {
		return nil, err
	}
	switch declared := (&unstructured.Unstructured{Object: c.Plain.Declared}); {
	case c.Spec.Source.Helm != nil:
		return e.helm(c, dir)
	case c.Plain.Declared != nil && declared.GetKind() == "Kustomization":
		return e.flux(c, dir, declared.DeepCopy())
	default:
		return argo(c, dir, declared)
	}
}

// top is the folder of a chart that another one names by path, of a file in it.
func top(name string, alias map[string]string) string {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := alias[dir]; ok {
			return dir
		}
	}
	return ""
}

// manifests reads YAML as `kubectl apply` does.
func manifests(p *catalog.Plain) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, name := range p.Manifests {
		objects, err := documents(p.Files[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, objects...)
	}
	return out, nil
}

func documents(text []byte) ([]*unstructured.Unstructured, error) {
	var out []*unstructured.Unstructured
	for _, piece := range place.Split(text) {
		data, err := k8syaml.YAMLToJSON(piece.Text)
		if err != nil {
			return nil, err
		}
		var content map[string]any
		if err := json.Unmarshal(data, &content); err != nil {
			return nil, err
		}
		o := &unstructured.Unstructured{Object: content}
		if !o.IsList() {
			if content != nil {
				out = append(out, o)
			}
			continue
		}
		list, err := o.ToList()
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			out = append(out, &list.Items[i])
		}
	}
	return out, nil
}

// flux runs kustomize-controller's own steps: its generator, build, variables and
// common metadata.
func (e *engines) flux(c *catalog.Component, root string, declared *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	at := filepath.Join(root, filepath.FromSlash(c.Spec.Source.Kustomize.Path))
	if _, err := fluxkustomize.NewGenerator(root, *declared).WriteFile(at); err != nil {
		return nil, err
	}
	built, err := fluxkustomize.SecureBuild(root, at, false)
	if err != nil {
		return nil, err
	}
	d := c.Plain.Delivery
	if d.Substitute != nil { // ConfigMaps were read already
		vars := map[string]any{}
		for k, v := range d.Substitute {
			vars[k] = v
		}
		if err := unstructured.SetNestedMap(declared.Object, map[string]any{"substitute": vars}, "spec", "postBuild"); err != nil {
			return nil, err
		}
		for _, res := range built.Resources() {
			done, err := fluxkustomize.SubstituteVariables(e.ctx, nil, *declared, res, fluxkustomize.SubstituteWithDryRun(true))
			if err != nil {
				return nil, err
			}
			if done != nil {
				if _, err := built.Replace(done); err != nil {
					return nil, err
				}
			}
		}
	}
	objects, err := unpacked(built)
	for _, o := range objects {
		for _, meta := range []struct {
			add map[string]string
			get func() map[string]string
			set func(map[string]string)
		}{{d.Labels, o.GetLabels, o.SetLabels}, {d.Annotations, o.GetAnnotations, o.SetAnnotations}} {
			if len(meta.add) > 0 {
				all := maps.Clone(meta.get())
				if all == nil {
					all = map[string]string{}
				}
				maps.Copy(all, meta.add)
				meta.set(all)
			}
		}
	}
	return objects, err
}

func unpacked(built resmap.ResMap) ([]*unstructured.Unstructured, error) {
	text, err := built.AsYaml()
	if err != nil {
		return nil, err
	}
	return documents(text)
}

// argo is `kustomize build`, after what Argo CD edits for an Application.
func argo(c *catalog.Component, root string, source *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	at := filepath.Join(root, filepath.FromSlash(c.Spec.Source.Kustomize.Path))
	if c.Plain.Declared != nil {
		if err := edit(at, source); err != nil {
			return nil, err
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), at)
	if err != nil {
		return nil, err
	}
	return unpacked(built)
}

// helm is `helm template`, with the APIs of the Kubernetes version.
func (e *engines) helm(c *catalog.Component, root string) ([]*unstructured.Unstructured, error) {
	source := c.Spec.Source.Helm
	for name, data := range c.Plain.Edited {
		if err := writeAll(root, map[string][]byte{name: data}); err != nil {
			return nil, err
		}
	}
	chart, err := loader.Load(filepath.Join(root, filepath.FromSlash(source.Path)))
	if err != nil {
		return nil, err
	}
	if err := render.Offline(chart, source.Path); err != nil {
		return nil, err
	}
	data, err := json.Marshal(source.Values.Map)
	if err != nil {
		return nil, err
	}
	values := map[string]any{}
	if err := k8syaml.Unmarshal(data, &values); err != nil {
		return nil, err
	}
	if err := chartutil.ProcessDependencies(chart, values); err != nil {
		return nil, err
	}
	caps, err := render.Capabilities(e.kubernetes)
	if err != nil {
		return nil, err
	}
	merged, err := chartutil.ToRenderValues(chart, values, chartutil.ReleaseOptions{
		Name: source.ReleaseName, Namespace: c.Spec.Namespace, Revision: 1, IsInstall: true}, caps)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, merged)
	if err != nil {
		return nil, err
	}
	var out []*unstructured.Unstructured
	for _, crd := range chart.CRDObjects() {
		files["crds/"+crd.Filename] = string(crd.File.Data)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Base(name) == "NOTES.txt" || strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		objects, err := documents([]byte(files[name]))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for _, o := range objects {
			if _, hook := o.GetAnnotations()["helm.sh/hook"]; !hook {
				out = append(out, o)
			}
		}
	}
	return out, nil
}
