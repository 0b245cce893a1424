package render

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// The rules of this package's findings.
const (
	Rule            = "render"
	RuleUnavailable = "render-unavailable" // a remote source can't be had: no fault of the repository's
)

// Options choose what is rendered. The zero value renders every cluster.
type Options struct {
	Clusters []string // names; empty means all
	Workers  int      // renderings at once; 0 means as many as CPUs
	Shared   *Shared  // with other calls; nil shares with none
	// Making is told once, before they are made, the components of which a rendering
	// was not found among the shared ones, sorted; not where there are none.
	Making func(components []string)
}

// All renders the clusters of a catalog. A component that fails is in
// Bundle.NotRendered and in the findings; the others go on. The error is about
// the whole: unknown cluster names, a cycle of components (finding.Problems),
// an unreadable repository, or the context's end.
func All(ctx context.Context, cat *catalog.Catalog, opt Options) (*Result, error) {
	t, err := cat.OpenTree()
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	defer t.Close()
	return renderAll(ctx, t, cat, opt)
}

func renderAll(ctx context.Context, t tree, cat *catalog.Catalog, opt Options) (*Result, error) {
	clusters, err := choose(cat, opt.Clusters)
	if err != nil {
		return nil, err
	}
	p := &plan{catalog: cat, scopes: scopes{}, workers: opt.Workers, shared: opt.Shared, making: opt.Making, jobs: map[string]*job{}, leads: map[string]*job{}, made: map[string]*made{}}
	if p.workers <= 0 {
		p.workers = runtime.GOMAXPROCS(0)
	}
	if cat.Baseline != nil {
		p.kubernetes = cat.Baseline.Spec.Kubernetes
	}
	if p.stages, err = stages(cat); err != nil {
		return nil, err
	}
	if err := p.read(ctx, t); err != nil {
		return nil, err
	}
	for _, cl := range clusters {
		p.add(cl)
	}
	if err := p.run(ctx); err != nil {
		return nil, err
	}
	return p.result(), nil
}

func choose(cat *catalog.Catalog, names []string) ([]*catalog.Cluster, error) {
	if len(names) == 0 {
		return cat.Clusters, nil
	}
	var known []string
	var chosen []*catalog.Cluster
	for _, cl := range cat.Clusters {
		known = append(known, cl.Name)
		if slices.Contains(names, cl.Name) {
			chosen = append(chosen, cl)
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, &finding.Problem{Position: finding.Position{File: "clusters"}, What: "no cluster is called " + name,
				Mend: "the clusters are " + strings.Join(known, ", ")}
		}
	}
	return chosen, nil
}

// stages gives each component's depth in dependsOn.
func stages(cat *catalog.Catalog) (map[string]int, error) {
	const visiting = -1
	depth := map[string]int{}
	var visit func(name string) error
	visit = func(name string) error {
		c := cat.Components[name]
		if d, seen := depth[name]; c == nil || seen && d != visiting {
			return nil
		} else if seen {
			return &finding.Problem{Position: c.At("spec.dependsOn"), Field: "spec.dependsOn",
				What: name + " depends on itself", Mend: "break the cycle"}
		}
		depth[name] = visiting
		stage := 0
		for _, on := range c.Spec.DependsOn {
			if err := visit(on); err != nil {
				return err
			}
			stage = max(stage, depth[on]+1)
		}
		depth[name] = stage
		return nil
	}
	for _, name := range sortedKeys(cat.Components) {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return depth, nil
}

// plan is one call of All.
type plan struct {
	catalog    *catalog.Catalog
	kubernetes string
	stages     map[string]int
	workers    int
	inputs     map[string]*input // by component
	scopes     scopes            // of the catalog's own kinds
	known      string            // sum of the scopes
	shared     *Shared
	making     func([]string)
	jobs       map[string]*job // by key
	order      []*job
	leads      map[string]*job  // by key without places
	made       map[string]*made // by key
	origins    []*made
	clusters   []clusterJobs
}

// input is what all renderings of a component share.
type input struct {
	folder      *folder
	images      map[string]string
	definitions []definition
	asksAPIs    bool
	err         error
}

// clusterJobs are the jobs of a cluster in the order of its components.
type clusterJobs struct {
	cluster *catalog.Cluster
	jobs    []*job
}

// read loads every component's files. Definitions count wherever they stand in
// the catalog, so that the choice of clusters changes no bundle.
func (p *plan) read(ctx context.Context, t tree) error {
	names := sortedKeys(p.catalog.Components)
	inputs := make([]*input, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.workers + 1)
	group.Go(func() error {
		// Kustomize's schema is global: parsed before it is used in parallel.
		openapi.SchemaForResourceType(yaml.TypeMeta{})
		return nil
	})
	for i, name := range names {
		group.Go(func() error {
			inputs[i] = readInput(ctx, t, name, p.catalog)
			return ctx.Err()
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	p.inputs = make(map[string]*input, len(names))
	for i, name := range names {
		p.inputs[name] = inputs[i]
		p.scopes.learn(inputs[i].definitions)
	}
	p.known = p.scopes.sum()
	return nil
}

func readInput(ctx context.Context, t tree, key string, cat *catalog.Catalog) *input {
	in, c := &input{}, cat.Components[key]
	if c.Plain != nil {
		return plainInput(key, c)
	}
	if in.images, in.err = imagesOf(c, cat.Baseline); in.err != nil {
		return in
	}
	if c.Spec.Source.Remote() {
		in.folder, in.err = fetchFolder(ctx, t, cat, c)
	} else {
		in.folder, in.err = readFolder(t, c.Dir)
		if chart := c.Spec.Source.Helm; in.err == nil && chart != nil {
			in.err = in.folder.readIgnore(t, chart.Path)
		}
	}
	if in.err != nil {
		return in
	}
	in.definitions = in.folder.definitions()
	in.asksAPIs = in.folder.asksAPIs()
	return in
}

// add plans a cluster: a job for each component, shared where a job of equal
// inputs is there.
func (p *plan) add(cl *catalog.Cluster) {
	jobs := make([]*job, len(cl.Spec.Components))
	for i, entry := range cl.Spec.Components {
		j := p.newJob(cl, entry)
		j.name(p.kubernetes)
		if shared, ok := p.jobs[j.ownKey]; ok {
			jobs[i] = shared
			continue
		}
		p.jobs[j.ownKey] = j
		p.order = append(p.order, j)
		jobs[i] = j
		if j.err != nil {
			continue
		}
		p.share(j)
		if j.lead = p.leads[j.bareKey]; j.lead == nil {
			p.leads[j.bareKey] = j
		}
	}
	p.clusters = append(p.clusters, clusterJobs{cl, jobs})
}

// share gives a job its origin, one for all jobs that differ only in patches.
func (p *plan) share(j *job) {
	key := j.origin.key(p.kubernetes)
	m, ok := p.made[key]
	if !ok {
		m = &made{origin: j.origin}
		p.made[key] = m
		p.origins = append(p.origins, m)
	}
	j.made = m
}

func (p *plan) run(ctx context.Context) error {
	leads := slices.DeleteFunc(slices.Clone(p.order), func(j *job) bool { return j.lead != nil })
	err := each(ctx, p.workers, p.order, p.find)
	if err == nil {
		p.announce(leads)
		err = each(ctx, p.workers, p.needed(leads), func(ctx context.Context, m *made) error { return m.run(ctx, p.kubernetes) })
	}
	if err == nil {
		err = each(ctx, p.workers, leads, p.make)
	}
	if err == nil { // what is wrong with a patch is said of each place
		failed := slices.DeleteFunc(slices.Clone(p.order), func(j *job) bool { return j.lead == nil || j.lead.result.err == nil })
		err = each(ctx, p.workers, failed, p.make)
	}
	if err != nil {
		return fmt.Errorf("render: %w", err)
	}
	return nil
}

// each runs do for every item, so many at once, and waits for all.
func each[T any](ctx context.Context, workers int, items []T, do func(context.Context, T) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, item := range items {
		group.Go(func() error { return do(ctx, item) })
	}
	return group.Wait()
}

// find takes over a job's rendering if it was made before.
func (p *plan) find(ctx context.Context, j *job) error {
	if j.err != nil || p.shared == nil {
		return ctx.Err()
	}
	j.sharedKey = p.sharedKey(j, j.ownKey)
	if j.lead != nil {
		return ctx.Err()
	}
	if known := p.shared.find(j, p.sharedKey(j, j.bareKey)); known != nil {
		j.result, j.found = *known, true
	}
	return ctx.Err()
}

// announce names the components that are to be made.
func (p *plan) announce(leads []*job) {
	var names []string
	for _, j := range leads {
		if !j.found {
			names = append(names, j.component.Name)
		}
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > 0 && p.making != nil {
		p.making(names)
	}
}

// needed are the origins of the jobs that were not found.
func (p *plan) needed(leads []*job) []*made {
	want := map[*made]bool{}
	for _, j := range leads {
		if !j.found && j.made != nil {
			want[j.made] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(p.origins), func(m *made) bool { return !want[m] })
}

// make renders a job that was not found.
func (p *plan) make(ctx context.Context, j *job) error {
	if j.found {
		return ctx.Err()
	}
	err := j.run(ctx, p.scopes)
	if err == nil {
		p.shared.keep(j, p.sharedKey(j, j.bareKey))
	}
	return err
}
