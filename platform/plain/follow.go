package plain

import (
	"bytes"
	"net/url"
	"path"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// object is an object that was found in a cluster's own parts.
type object struct {
	*unstructured.Unstructured
	at    finding.Position
	place func(pointer string) finding.Position
}

func (o object) text(fields ...string) string {
	s, _, _ := unstructured.NestedString(o.Object, fields...)
	return s
}

func (o object) mapping(fields ...string) map[string]any {
	m, _, _ := unstructured.NestedMap(o.Object, fields...)
	return m
}

func (o object) list(fields ...string) []any {
	l, _, _ := unstructured.NestedSlice(o.Object, fields...)
	return l
}

func (o object) texts(fields ...string) []string {
	l, _, _ := unstructured.NestedStringSlice(o.Object, fields...)
	return l
}

func (o object) flag(fields ...string) bool {
	b, _, _ := unstructured.NestedBool(o.Object, fields...)
	return b
}

// pairs is a map of texts.
func (o object) pairs(fields ...string) map[string]string {
	m, _, _ := unstructured.NestedStringMap(o.Object, fields...)
	return m
}

func (o object) id() string {
	return o.GetKind() + " " + strings.TrimPrefix(o.GetNamespace()+"/"+o.GetName(), "/")
}

// delivers says that a file may hold objects that point to further sources, or
// what those read.
func delivers(data []byte) bool {
	for _, mark := range []string{"toolkit.fluxcd.io/", "argoproj.io/"} {
		if bytes.Contains(data, []byte(mark)) {
			return true
		}
	}
	return false
}

// follow renders a component that may hold objects of Flux or Argo CD, and gives
// what they point to. What can't be followed is noted with the component.
func (b *builder) follow(c *catalog.Component, key string) ([]part, error) {
	may := len(b.found) > 0 // an engine is at work here: a ConfigMap may hold its values
	for _, data := range c.Plain.Files {
		may = may || delivers(data)
	}
	if !may || c.Plain.Err != nil {
		return nil, nil
	}
	objects, err := b.objects(c, key)
	if err != nil {
		return nil, err
	}
	b.found = append(b.found, objects...)
	var out []part
	for _, o := range objects {
		group, _, _ := strings.Cut(o.GetAPIVersion(), "/")
		if b.seen[group+o.id()] {
			continue
		}
		var parts []part
		var notes []finding.Finding
		switch group + " " + o.GetKind() {
		case "kustomize.toolkit.fluxcd.io Kustomization":
			parts, notes = b.fluxKustomization(o)
		case "helm.toolkit.fluxcd.io HelmRelease":
			parts, notes = b.fluxRelease(o)
		case "argoproj.io Application":
			parts, notes = b.application(o)
		case "argoproj.io ApplicationSet":
			parts, notes = b.applicationSet(o)
		default:
			continue
		}
		b.seen[group+o.id()] = true
		out = append(out, parts...)
		c.Plain.Notes = append(c.Plain.Notes, notes...)
	}
	return out, nil
}

// objects renders one component by itself. One that does not render has none:
// the check itself says why.
func (b *builder) objects(c *catalog.Component, key string) ([]object, error) {
	alone := catalog.Made(b.tree, catalog.Catalog{
		Baseline: b.options.Baseline, Components: map[string]*catalog.Component{key: c}, Fleet: &catalog.Fleet{},
		Clusters: []*catalog.Cluster{{Name: b.cluster.Name, Spec: catalog.ClusterSpec{Components: []catalog.ClusterComponent{{Name: key}}}}},
	})
	result, err := render.All(b.ctx, alone, render.Options{Workers: 1})
	if err != nil {
		return nil, err
	}
	var out []object
	for _, o := range result.Bundles[0].Objects {
		out = append(out, object{o.Unstructured, o.Source, func(pointer string) finding.Position { return result.Locate(o, pointer) }})
	}
	return out, nil
}

// find looks for an object among those of the cluster.
func (b *builder) find(kind, namespace, name string) (object, bool) {
	for _, o := range b.found {
		if o.GetKind() == kind && o.GetName() == name && (o.GetNamespace() == namespace || o.GetNamespace() == "" || namespace == "") {
			return o, true
		}
	}
	return object{}, false
}

// ours says that a URL is this repository's, as far as can be known: without a
// known remote any may be.
func (l *loader) ours(address string) bool {
	if len(l.options.Remotes) == 0 {
		return true
	}
	for _, remote := range l.options.Remotes {
		if repository(remote) == repository(address) {
			return true
		}
	}
	return false
}

// repository is host and path of a Git URL in any of its forms.
func repository(address string) string {
	text := strings.TrimSpace(address)
	if at, rest, ok := strings.Cut(text, "@"); ok && !strings.Contains(at, "/") && !strings.Contains(text, "://") {
		text = "ssh://" + strings.Replace(rest, ":", "/", 1)
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return strings.TrimSuffix(path.Clean(text), ".git")
	}
	return strings.ToLower(u.Hostname() + "/" + strings.Trim(strings.TrimSuffix(strings.TrimSuffix(u.Path, "/"), ".git"), "/"))
}

// folderAt is a folder of the repository that an engine's object names.
func (l *loader) folderAt(name string) (string, bool) {
	dir, inside := within(".", strings.TrimPrefix(name, "/"))
	return dir, inside && l.tree.IsDir(dir)
}
