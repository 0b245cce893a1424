package adopt

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// writer makes the files of a catalog out of one that was followed.
type writer struct {
	tree         *catalog.Tree
	options      Options
	from         *catalog.Catalog
	files        map[string][]byte
	left         []finding.Finding
	hub          string
	clusterNames map[string]string // as it was found → as it is written
	components   map[string]bool   // taken names
	written      map[string]string // key of a component that was found → name
	entries      map[string][]map[string]any
	own          map[string]bool // keys of what the engine itself is made of
}

func newWriter(t *catalog.Tree, o Options, from *catalog.Catalog) *writer {
	return &writer{tree: t, options: o, from: from, files: map[string][]byte{}, clusterNames: map[string]string{},
		components: map[string]bool{}, written: map[string]string{}, entries: map[string][]map[string]any{}, own: map[string]bool{}}
}

func (w *writer) write() error {
	if err := w.names(); err != nil {
		return err
	}
	groups, order := w.groups()
	for _, name := range order {
		w.component(name, groups[name])
	}
	for _, name := range order { // when every name is known
		w.dependencies(groups[name])
	}
	if err := w.chooseHub(); err != nil {
		return err
	}
	for _, c := range w.from.Clusters {
		if w.holds(c.Name) {
			w.cluster(c)
		}
	}
	w.yaml("clusters/fleet.yaml", document("Fleet", w.options.Fleet, map[string]any{"settle": "3s"}))
	w.files[catalog.LockFile] = w.options.Base.Locked().Write()
	return nil
}

// names gives clusters names that can be folders.
func (w *writer) names() error {
	taken := map[string]bool{}
	for _, c := range w.from.Clusters {
		w.clusterNames[c.Name] = unique(label(c.Name), taken)
	}
	if len(w.from.Clusters) == 0 {
		return &finding.Problem{Position: finding.Position{File: w.options.Path}, What: "no cluster was found", Mend: "name the folder of the clusters"}
	}
	return nil
}

// holds says that a cluster is left with something: one may have held nothing but
// the engine's own objects.
func (w *writer) holds(cluster string) bool { return len(w.entries[cluster]) > 0 }

// chooseHub takes the cluster that was asked for, or the first that holds something.
func (w *writer) chooseHub() error {
	var all []string
	for found, name := range w.clusterNames {
		if w.holds(found) {
			all = append(all, name)
		}
	}
	if slices.Sort(all); len(all) == 0 {
		return &finding.Problem{Position: finding.Position{File: w.options.Path}, What: "nothing could be taken over: what is delivered from there stands in other places, or does not render",
			Mend: "see what `platform check --tree " + w.options.Path + "` says"}
	}
	if w.hub = w.options.Hub; w.hub == "" {
		w.hub = all[0]
	}
	if !slices.Contains(all, w.hub) {
		return &finding.Problem{What: "no cluster is called " + w.hub, Mend: "the clusters are " + strings.Join(all, ", ")}
	}
	return nil
}

func unique(name string, taken map[string]bool) string {
	out := name
	for n := 2; taken[out]; n++ {
		out = fmt.Sprintf("%s-%d", name, n)
	}
	taken[out] = true
	return out
}

// label makes a name of a folder's or an object's.
func label(text string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, text)
	if name = strings.Trim(name[:min(len(name), 50)], "-"); name == "" {
		return "x"
	}
	return name
}

// copyOf is a component as one cluster has it.
type copyOf struct {
	cluster string
	key     string
	*catalog.Component
	files map[string][]byte // by path from the root of the repository
	dir   string
}

// groups gathers the components of all clusters by name.
func (w *writer) groups() (map[string][]copyOf, []string) {
	groups, order := map[string][]copyOf{}, []string(nil)
	for _, c := range w.from.Clusters {
		for _, entry := range c.Spec.Components {
			component := w.from.Components[entry.Name]
			one := copyOf{cluster: c.Name, key: entry.Name, Component: component}
			if w.engineItself(one) {
				w.own[entry.Name] = true
				continue
			}
			name := label(component.Name)
			if component.Plain.Declared == nil && component.Plain.Manifests != nil {
				name = "own-" + name
			}
			w.prepare(&one)
			if len(one.files) == 0 {
				w.own[entry.Name] = component.Plain.Err == nil
				continue
			}
			if _, known := groups[name]; !known {
				order = append(order, name)
			}
			groups[name] = append(groups[name], one)
		}
	}
	slices.Sort(order)
	return groups, order
}

// engineItself says that a component is Flux, as its bootstrap leaves it.
func (w *writer) engineItself(c copyOf) bool {
	return w.options.Engine == Flux && c.Component.Name == "flux-system" && c.Plain.Declared == nil
}

// component writes what clusters have in common once, with a folder of its own
// for each where a kustomization has several; where that can't be, a component for
// each cluster.
func (w *writer) component(name string, copies []copyOf) {
	if !alike(copies) {
		for _, c := range copies {
			w.one(unique(label(name+"-"+w.clusterNames[c.cluster]), w.components), []copyOf{c})
		}
		return
	}
	w.one(unique(name, w.components), copies)
}

// alike says that copies differ in nothing but the kustomization that is built and
// in values.
func alike(copies []copyOf) bool {
	first := copies[0]
	all := map[string][]byte{}
	for _, c := range copies {
		if (c.Spec.Source.Helm == nil) != (first.Spec.Source.Helm == nil) || c.Spec.Namespace != first.Spec.Namespace {
			return false
		}
		if h := c.Spec.Source.Helm; h != nil && (c.dir != first.dir || h.ReleaseName != first.Spec.Source.Helm.ReleaseName) {
			return false
		}
		for file, data := range c.files {
			if other, known := all[file]; known && string(other) != string(data) {
				return false
			}
			all[file] = data
		}
	}
	return true
}

// one writes a component and its entry in each of its clusters.
func (w *writer) one(name string, copies []copyOf) {
	all := map[string][]byte{}
	for _, c := range copies {
		maps.Copy(all, c.files)
	}
	root := ancestor(slices.Collect(maps.Keys(all)), copies)
	prefix := ""
	if _, clash := all[path.Join(root, "component.yaml")]; clash {
		prefix = "source"
	}
	relative := func(file string) string {
		if root != "." {
			file = strings.TrimPrefix(strings.TrimPrefix(file, root), "/")
		}
		if file = path.Join(prefix, file); file == "" {
			return "."
		}
		return file
	}
	for file, data := range all {
		w.files[path.Join("components", name, relative(file))] = data
	}
	first := copies[0]
	spec := map[string]any{"description": "taken over from " + where(first)}
	if first.Spec.Namespace != "" {
		spec["namespace"] = first.Spec.Namespace
	}
	if h := first.Spec.Source.Helm; h != nil {
		spec["source"] = map[string]any{"helm": map[string]any{"path": relative(first.dir), "releaseName": h.ReleaseName}}
		spec["settable"] = []string{"*"}
	} else {
		spec["source"] = map[string]any{"kustomize": map[string]any{"path": relative(first.dir)}}
	}
	w.yaml(path.Join("components", name, "component.yaml"), document("Component", name, spec))
	for _, c := range copies {
		entry := map[string]any{"name": name}
		if h := c.Spec.Source.Helm; h != nil && len(h.Values.Map) > 0 {
			entry["values"] = h.Values.Map
		}
		if c.Spec.Source.Helm == nil && c.dir != first.dir {
			entry["path"] = relative(c.dir)
		}
		w.entries[c.cluster] = append(w.entries[c.cluster], entry)
		w.written[c.key] = name
	}
}

// where says which object, or folder, asked for a component.
func where(c copyOf) string {
	if at := c.File; at != "" && at != c.dir {
		return c.dir + ", as " + at + " says"
	}
	return c.dir
}

// ancestor is the innermost folder that holds all files and folders.
func ancestor(files []string, copies []copyOf) string {
	for _, c := range copies {
		files = append(files, path.Join(c.dir, "x"))
	}
	root := path.Dir(files[0])
	for _, file := range files {
		for root != "." && !strings.HasPrefix(file, root+"/") {
			root = path.Dir(root)
		}
	}
	return root
}

// dependencies writes what every cluster of a component has that it depends on.
func (w *writer) dependencies(copies []copyOf) {
	byName := map[string][]copyOf{}
	for _, c := range copies {
		byName[w.written[c.key]] = append(byName[w.written[c.key]], c)
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		count := map[string]int{}
		for _, c := range byName[name] {
			for _, on := range c.Spec.DependsOn {
				if other := w.written[on]; other != "" && other != name {
					count[other]++
				}
			}
		}
		var all []string
		for other, n := range count {
			if n == len(byName[name]) {
				all = append(all, other)
			}
		}
		if len(all) == 0 {
			continue
		}
		slices.Sort(all)
		file := path.Join("components", name, "component.yaml")
		var doc map[string]any
		if k8syaml.Unmarshal(w.files[file], &doc) == nil {
			doc["spec"].(map[string]any)["dependsOn"] = all
			w.yaml(file, doc)
		}
	}
}

func (w *writer) cluster(c *catalog.Cluster) {
	name := w.clusterNames[c.Name]
	role := "edge"
	if name == w.hub {
		role = "hub"
	}
	entries := w.entries[c.Name]
	slices.SortFunc(entries, func(a, b map[string]any) int { return strings.Compare(a["name"].(string), b["name"].(string)) })
	list := make([]any, len(entries))
	for i, e := range entries {
		list[i] = e
	}
	w.yaml(path.Join("clusters", name, "cluster.yaml"), document("Cluster", name, map[string]any{
		"role": role, "components": list, "nodes": []any{map[string]any{"name": "node"}},
	}))
}

func document(kind, name string, spec map[string]any) map[string]any {
	return map[string]any{"apiVersion": catalog.APIVersion, "kind": kind, "metadata": map[string]any{"name": name}, "spec": spec}
}

func (w *writer) yaml(file string, doc map[string]any) {
	data, err := k8syaml.Marshal(doc)
	if err != nil { // maps of texts and numbers have a form
		data, _ = json.Marshal(doc)
	}
	w.files[file] = data
}
