package plain

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// maxParts bounds the components of all clusters.
const maxParts = 20_000

// clusters makes a cluster of each unit: its own parts, and what Flux's and Argo
// CD's objects in them point to. An Application for another cluster makes that one.
func (l *loader) clusters() ([]*catalog.Cluster, error) {
	builders := map[string]*builder{}
	at := func(name, file string) *builder {
		b := builders[name]
		if b == nil {
			b = newBuilder(l, name, file)
			builders[name] = b
		}
		return b
	}
	type task struct {
		*builder
		part
	}
	var queue []task
	for _, u := range l.units {
		b := at(u.name, u.path)
		b.roots = append(b.roots, u.path)
		for _, p := range u.parts {
			queue = append(queue, task{b, p})
		}
	}
	for n := 0; len(queue) > 0; n++ {
		next := queue[0]
		queue = queue[1:]
		if err := l.ctx.Err(); err != nil {
			return nil, err
		}
		if n > maxParts {
			return nil, &finding.Problem{Position: next.at, What: fmt.Sprintf("more than %d components are followed", maxParts), Mend: "name fewer clusters"}
		}
		more, err := next.builder.add(next.part)
		if err != nil {
			return nil, err
		}
		for _, p := range more {
			b := next.builder
			if p.cluster != "" {
				b = at(p.cluster, p.at.File)
			}
			queue = append(queue, task{b, p})
		}
	}
	var out []*catalog.Cluster
	for _, name := range slices.Sorted(maps.Keys(builders)) {
		builders[name].depend()
		if c := builders[name].cluster; len(c.Spec.Components) > 0 {
			out = append(out, c)
		}
	}
	return out, nil
}

// builder makes one cluster.
type builder struct {
	*loader
	cluster *catalog.Cluster
	roots   []string // folders that are this cluster
	names   map[string]int
	seen    map[string]bool // what was followed, against cycles
	found   []object        // what its parts hold, as far as it was looked at
	keys    map[string]string
	needs   map[string][]string // component → keys of what it depends on
}

func newBuilder(l *loader, name, file string) *builder {
	return &builder{loader: l, names: map[string]int{}, seen: map[string]bool{}, keys: map[string]string{}, needs: map[string][]string{},
		cluster: &catalog.Cluster{Name: name, File: file, Spec: catalog.ClusterSpec{
			Provider: catalog.ProviderEmbedded, Engine: "library", Connectivity: "always",
		}}}
}

// add makes the component of a part, and gives what its objects point to.
func (b *builder) add(p part) ([]part, error) {
	plain, more := b.gather(&p)
	name := p.name
	if b.names[name]++; b.names[name] > 1 {
		name = fmt.Sprintf("%s-%d", name, b.names[name])
	}
	key := b.cluster.Name + "\x00" + name
	component := &catalog.Component{Name: name, Dir: ".", File: p.at.File, Plain: plain, Spec: catalog.ComponentSpec{Namespace: p.space}}
	switch p.kind {
	case kustomization:
		component.Spec.Source.Kustomize = &catalog.Kustomize{Path: p.dir}
	case helmChart:
		component.Spec.Source.Helm = &catalog.Helm{Path: p.dir, ReleaseName: p.release, Values: p.values}
		if p.space == "" {
			component.Spec.Namespace = "default"
		}
	case manifests:
	}
	plain.Delivery, plain.Declared = p.delivery, p.declared
	plain.Notes = append(plain.Notes, p.notes...)
	b.components[key] = component
	b.cluster.Spec.Components = append(b.cluster.Spec.Components, catalog.ClusterComponent{Name: key, Position: p.at})
	if p.key != "" {
		b.keys[p.key] = key
	}
	b.needs[key] = p.needs
	followed, err := b.follow(component, key)
	return append(more, followed...), err
}

// depend turns what Flux's objects say they depend on into components' own words,
// as far as it is there and makes no cycle.
func (b *builder) depend() {
	for _, entry := range b.cluster.Spec.Components {
		c := b.components[entry.Name]
		for _, key := range b.needs[entry.Name] {
			if on, ok := b.keys[key]; ok && !b.reaches(on, entry.Name, 0) {
				c.Spec.DependsOn = append(c.Spec.DependsOn, on)
			} else if !ok {
				c.Plain.Notes = append(c.Plain.Notes, note(entry.Position, finding.Warning, finding.Unknown,
					"dependsOn names "+key+", which is not among what was followed", ""))
			}
		}
	}
}

// reaches says that a component depends on another already.
func (b *builder) reaches(from, to string, depth int) bool {
	if from == to {
		return true
	}
	for _, on := range b.components[from].Spec.DependsOn {
		if depth < maxParts && b.reaches(on, to, depth+1) {
			return true
		}
	}
	return false
}

// gather collects a part's files. A folder of YAML that holds kustomizations and
// charts gives those as further parts.
func (b *builder) gather(p *part) (*catalog.Plain, []part) {
	g := newGatherer(b.tree, b.once)
	var more []part
	switch p.kind {
	case kustomization:
		g.kustomization(p.dir)
		g.adapt(*p)
	case helmChart:
		g.chart(p.dir)
		maps.Copy(g.plain.Edited, p.edits)
		b.hint(g, *p)
	case manifests:
		f := lookInto(b.tree, p.dir, g, p.choose)
		g.plain.Manifests = append([]string{}, f.manifests...)
		kept, _ := delivered(b.tree, f.kustomizations)
		for _, dir := range kept {
			more = append(more, part{name: path.Base(dir), dir: dir, kind: kustomization, at: b.declared(dir, kustomization), space: p.space, delivery: p.delivery})
		}
		for _, dir := range f.charts {
			more = append(more, part{name: path.Base(dir), dir: dir, kind: helmChart, at: b.declared(dir, helmChart), space: p.space, release: path.Base(dir)})
		}
	}
	return g.done(), more
}

// hint tells of values files that lie beside a chart and were not asked for.
func (b *builder) hint(g *gatherer, p part) {
	if len(b.options.Values) > 0 || p.values.Map != nil || p.key != "" {
		return
	}
	var beside []string
	for name := range g.plain.Files {
		if match, _ := path.Match("values?*.yaml", path.Base(name)); match && path.Dir(name) == p.dir {
			beside = append(beside, name)
		}
	}
	if slices.Sort(beside); len(beside) > 0 {
		g.note(finding.Position{File: beside[0]}, finding.Info, "", "not used: "+few(beside),
			fmt.Sprintf("--values '%s' makes a cluster of each", path.Join(p.dir, "values?*.yaml")))
	}
}

func note(at finding.Position, severity finding.Severity, class finding.Class, what, mend string) finding.Finding {
	return finding.Finding{Rule: "render", Severity: severity, Class: class, Message: what, Position: at, Mend: mend}
}

// skipped says of an object that what it points to is not followed.
func skipped(at finding.Position, what string) finding.Finding {
	return note(at, finding.Warning, finding.Unknown, "not followed: "+what, "what comes from there is not judged")
}

// below says whether a path is a folder or lies in it.
func below(name, dir string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}
