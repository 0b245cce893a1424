// Package plain makes a catalog of a repository that has none: folders with a
// kustomization, a chart or YAML become clusters, and what Flux's and Argo CD's
// objects in them point to within the repository is followed. What can't be
// followed is said at its line. It reads the tree that it is given and nothing
// else: no remote base, no cluster.
package plain

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// Options say what of a tree is a cluster.
type Options struct {
	// Trees are patterns of folders from the repository's root. Each folder that one
	// meets is a cluster.
	Trees []string
	// Values are patterns of values files. Each gives its environment's cluster the
	// charts that it is for: a file within a chart's folder is for that chart, one
	// elsewhere for every chart.
	Values []string
	// Exceptions is the file of exceptions; "" is policies/exceptions.yaml where the
	// tree has one.
	Exceptions string
	// Baseline tells the Kubernetes version.
	Baseline *catalog.Baseline
	// Remotes are URLs by which this repository is known: what Flux and Argo CD take
	// from there is followed. Without any, every path that the tree has is.
	Remotes []string
	// MayBeEmpty says that patterns may meet nothing, as in the base of a change
	// that adds the first cluster.
	MayBeEmpty bool
}

// DefaultExceptions is where a tree keeps its exceptions.
const DefaultExceptions = "policies/exceptions.yaml"

// Load makes the catalog. Patterns that can't be used are finding.Problems; what
// is wrong with one component is told when it is rendered.
func Load(ctx context.Context, t *catalog.Tree, o Options) (*catalog.Catalog, error) {
	l := &loader{ctx: ctx, tree: t, options: o, components: map[string]*catalog.Component{}, once: map[string][]byte{}}
	if err := l.find(); err != nil {
		return nil, err
	}
	l.name()
	cat := catalog.Catalog{
		Baseline: o.Baseline, Components: l.components,
		Fleet: &catalog.Fleet{Spec: catalog.FleetSpec{Policy: catalog.FleetPolicy{Severity: notAsked()}}},
	}
	var err error
	if cat.Clusters, err = l.clusters(); err != nil {
		return nil, err
	}
	if cat.Exceptions, err = l.exceptions(); err != nil {
		return nil, err
	}
	return catalog.Made(t, cat), nil
}

// notAsked are the rules that ask for what only a catalog says: which registries
// the fleet allows.
func notAsked() map[string]string { return map[string]string{"DT-SUP-003": "off"} }

// loader makes one catalog.
type loader struct {
	ctx        context.Context
	tree       *catalog.Tree
	options    Options
	units      []*unit
	components map[string]*catalog.Component
	once       map[string][]byte // files that were read
}

// unit is one cluster to be.
type unit struct {
	name  string
	path  string // what tells it from others of the same name
	parts []part
}

// part is one component of a cluster to be.
type part struct {
	name     string // of the component
	dir      string
	kind     kind
	at       finding.Position // where it is declared
	values   catalog.Values   // of a chart
	release  string
	space    string // namespace: of a release, or of objects that name none
	needs    []string
	adds     additions
	edits    map[string][]byte // files that stand in the place of others
	cluster  string            // the cluster it goes to; "" is the one that it was found in
	key      string            // by which others depend on it
	choose   chooser           // of a folder of YAML
	declared map[string]any
	delivery catalog.Delivery
	notes    []finding.Finding
}

// kind is what a folder holds.
type kind int

const (
	kustomization kind = iota + 1
	helmChart
	manifests
)

// find expands the patterns.
func (l *loader) find() error {
	var charts []string
	var problems finding.Problems
	for _, pattern := range l.options.Trees {
		found, err := l.folders(pattern)
		if err != nil {
			more, other := finding.Gather(err)
			if other != nil {
				return other
			}
			problems = append(problems, more...)
		}
		for _, f := range found {
			if f.kind == helmChart && len(l.options.Values) > 0 {
				charts = append(charts, f.dir)
				continue
			}
			if f.kind == helmChart {
				f.release = path.Base(f.dir)
			}
			l.units = append(l.units, &unit{name: path.Base(f.dir), path: f.dir, parts: []part{f}})
		}
	}
	if err := problems.Err(); err != nil {
		return err
	}
	if len(l.options.Values) > 0 {
		return l.environments(slices.Compact(charts))
	}
	return nil
}

// folders are the folders that a pattern meets, by what they hold.
func (l *loader) folders(pattern string) ([]part, error) {
	found, err := expand(l.tree, pattern)
	if err != nil {
		return nil, err
	}
	var out []part
	var problems finding.Problems
	for _, m := range found {
		switch {
		case m.err != nil:
			more, _ := finding.Gather(m.err)
			problems = append(problems, more...)
		case m.dir:
			kind, problem := l.kindOf(m.path)
			if problem != nil {
				problems = append(problems, problem)
			} else if kind != 0 {
				out = append(out, part{name: groupName(m.path, kind), dir: m.path, kind: kind, at: l.declared(m.path, kind)})
			}
		case path.Base(m.path) == "Chart.yaml":
			out = append(out, part{name: groupName(path.Dir(m.path), helmChart), dir: path.Dir(m.path), kind: helmChart, at: finding.Position{File: m.path}})
		case slices.Contains(kustomizationNames(), path.Base(m.path)):
			out = append(out, part{name: groupName(path.Dir(m.path), helmChart), dir: path.Dir(m.path), kind: kustomization, at: finding.Position{File: m.path}})
		}
	}
	out = slices.DeleteFunc(out, func(p part) bool {
		return slices.ContainsFunc(l.units, func(u *unit) bool { return u.path == p.dir })
	})
	if len(out) == 0 && len(problems) == 0 && !l.options.MayBeEmpty && len(l.units) == 0 {
		if len(found) > 0 {
			return nil, &finding.Problem{Position: finding.Position{File: found[0].path}, What: "--tree " + pattern + " meets nothing that holds a kustomization, a chart or YAML of Kubernetes",
				Mend: "name the folders that do"}
		}
		return nil, nothing(l.tree, "--tree", pattern)
	}
	return out, problems.Err()
}

// kindOf says what a folder holds; 0 for nothing that is meant for Kubernetes.
func (l *loader) kindOf(dir string) (kind, *finding.Problem) {
	kustomize := kustomizationOf(l.tree, dir)
	switch {
	case kustomize != "" && isChart(l.tree, dir):
		return 0, &finding.Problem{Position: finding.Position{File: dir}, What: "holds both Chart.yaml and " + path.Base(kustomize),
			Mend: fmt.Sprintf("say which one is meant: --tree %s or --tree %s", path.Join(dir, "Chart.yaml"), kustomize)}
	case kustomize != "":
		return kustomization, nil
	case isChart(l.tree, dir):
		return helmChart, nil
	}
	g := newGatherer(l.tree, l.once)
	f := lookInto(l.tree, dir, g, chooser{})
	if len(f.manifests)+len(f.kustomizations)+len(f.charts)+len(g.problems) == 0 {
		return 0, nil
	}
	_, bases := delivered(l.tree, f.kustomizations)
	return manifests, variants(dir, bases)
}

func (l *loader) declared(dir string, k kind) finding.Position {
	switch k {
	case kustomization:
		return finding.Position{File: kustomizationOf(l.tree, dir)}
	case helmChart:
		return finding.Position{File: path.Join(dir, "Chart.yaml")}
	case manifests:
	}
	return finding.Position{File: dir}
}

// groupName is what a cluster's own folder is called as a component. It is the
// same for all clusters of one pattern, so that what they share is shown once;
// folders of YAML share nothing.
func groupName(dir string, k kind) string {
	parent := path.Base(path.Dir(dir))
	switch {
	case dir == ".", parent == "." && k != manifests:
		return "tree"
	case k == manifests:
		return path.Base(dir)
	}
	return parent
}

// name tells clusters of the same name apart by their paths.
func (l *loader) name() {
	count := map[string]int{}
	for _, u := range l.units {
		if u.path == "." {
			u.name = "tree"
		}
		count[u.name]++
	}
	for _, u := range l.units {
		if count[u.name] > 1 {
			u.name = u.path
		}
	}
	slices.SortFunc(l.units, func(a, b *unit) int { return strings.Compare(a.name, b.name) })
}

func (l *loader) exceptions() ([]catalog.Exception, error) {
	file := l.options.Exceptions
	if file == "" {
		if file = DefaultExceptions; !l.tree.IsFile(file) {
			return nil, nil
		}
	}
	data, err := l.tree.Read(file)
	if err != nil {
		if catalog.Missing(err) && l.options.MayBeEmpty {
			return nil, nil // the change adds it
		}
		return nil, err
	}
	return catalog.ParseExceptions(file, data)
}
