package policy

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
)

// GateOptions says what is gated and against what.
type GateOptions struct {
	Clusters    []string  // empty means every cluster
	KubeVersion string    // empty means the baseline's
	Workers     int       // 0 means 4
	Now         time.Time // decides whether an exception has expired
	Provider    string    // is asked for instead of the declared ones; "" for none
	// Shared lets several trees share renderings; nil shares none.
	Shared *render.Shared
	// like was rendered from a tree that is nearly the same: what its components hold
	// is a guess at what this one's do.
	like *render.Result
}

// Gated is a tree that was rendered, validated and judged.
type Gated struct {
	Rendered *render.Result
	Findings []finding.Finding // merged over clusters, sorted
	Version  string            // Kubernetes version that was judged against
	Objects  int
	Passed   int
	Unknown  int
	Waived   int
	Rules    int
	// Described are the rules that judged.
	Described []Rule
}

// Denied says that nothing of this tree may reach a cluster.
func (g *Gated) Denied() bool { return slices.ContainsFunc(g.Findings, finding.Finding.Denies) }

// Gate renders the catalog, validates every object against the Kubernetes
// OpenAPI and judges it with the engine. Findings carry source positions; a
// component that does not render is a finding, and the others are judged.
func Gate(ctx context.Context, engine *Engine, cat *catalog.Catalog, o GateOptions) (*Gated, error) {
	g := &Gated{Version: o.KubeVersion, Rules: len(engine.Rules()), Described: engine.Rules()}
	if g.Version == "" {
		g.Version = cat.Baseline.Spec.Kubernetes
	}
	opened := sync.OnceValues(func() (*schema.Validator, error) { return schema.Open(g.Version) })
	ahead, aheadCtx := errgroup.WithContext(ctx)
	making := func(components []string) {
		ahead.Go(func() error { return engine.prepare(aheadCtx, o.like, components) })
	}
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		g.Rendered, err = render.All(groupCtx, cat, render.Options{Clusters: o.Clusters, Workers: o.Workers, Shared: o.Shared, Making: making})
		return err
	})
	if engine.store == nil || o.KubeVersion != "" { // reading the OpenAPI document takes as long as rendering
		group.Go(func() error {
			_, err := opened()
			return err
		})
	}
	err := group.Wait()
	if err == nil {
		err = g.judge(ctx, engine, cat, opened, o)
	}
	if failed := ahead.Wait(); err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Gated) judge(ctx context.Context, engine *Engine, cat *catalog.Catalog, opened func() (*schema.Validator, error), o GateOptions) error {
	if o.Workers == 0 {
		o.Workers = 4
	}
	muted, err := engine.JudgeSilences(ctx, cat, o.Now)
	if err != nil {
		return err
	}
	production, err := cat.Production()
	if err != nil {
		return err
	}
	parts := make([][]finding.Finding, len(g.Rendered.Bundles))
	results := make([]*Result, len(g.Rendered.Bundles))
	settled := newSettler(engine, cat, g.Version, o.Now)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(o.Workers)
	for i, b := range g.Rendered.Bundles {
		group.Go(func() (err error) {
			in := Input{
				Cluster: cat.Cluster(b.Cluster), Fleet: cat.Fleet, Baseline: cat.Baseline, Objects: b.Objects,
				Exceptions: cat.Exceptions, Now: o.Now, Locate: g.Rendered.Locate, KubeVersion: g.Version,
				Partial: partial(cat, b), RealNodes: realNodes(cat.Cluster(b.Cluster), o.Provider),
				Production: slices.Contains(production, b.Cluster), Parts: b.Parts, NoSettings: isPlain(cat, b.Cluster),
			}
			parts[i], results[i], err = settled.do(in, b, func() ([]finding.Finding, *Result, error) {
				return g.judgeBundle(ctx, engine, opened, in, b)
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	all := slices.Clone(g.Rendered.Findings)
	g.Unknown += unknowns(all)
	if len(o.Clusters) == 0 { // an exception may be of use to a cluster that was left out
		all = append(all, engine.Review(cat.Exceptions, o.Now, results...)...)
	}
	all = append(append(all, muted...), engine.paramMistakes(cat.Fleet)...)
	for i, b := range g.Rendered.Bundles {
		for _, f := range append(parts[i], results[i].Findings...) {
			f.Clusters = []string{b.Cluster}
			all = append(all, f)
		}
		g.Objects += len(b.Objects)
		g.Passed += results[i].Passed
		g.Unknown += results[i].Unknown + unknowns(parts[i])
		g.Waived += results[i].Waived
	}
	g.Findings = finding.Merge(all)
	return nil
}

// judgeBundle gives what the schema and the rules say of one cluster.
func (g *Gated) judgeBundle(ctx context.Context, engine *Engine, opened func() (*schema.Validator, error), in Input, b *render.Bundle) ([]finding.Finding, *Result, error) {
	validator, err := opened()
	if err != nil {
		return nil, nil, err
	}
	in.APIs = retired(validator)
	valid := g.validate(ctx, validator, b)
	if in.NoSettings {
		mayBeElsewhere(validator.Extend(b.Objects), b.Objects, valid)
	}
	result, err := engine.Judge(ctx, in)
	if err == nil && in.NoSettings {
		withoutCatalog(result.Findings)
	}
	return valid, result, err
}

// validate gives the schema's findings their source positions.
func (g *Gated) validate(ctx context.Context, validator *schema.Validator, b *render.Bundle) []finding.Finding {
	byRef := make(map[finding.Object]render.Object, len(b.Objects))
	for _, o := range b.Objects {
		byRef[o.Ref()] = o
	}
	found := validator.Check(ctx, b.Objects)
	for i, f := range found {
		if o, ok := byRef[f.Object]; ok {
			found[i].Position, found[i].Component = g.Rendered.Locate(o, f.Pointer), o.Component
		}
	}
	return found
}

// realNodes says that the cluster's containers all really run, and so pull what
// they name. provider is asked for instead of the declared one, "" for none.
func realNodes(c *catalog.Cluster, provider string) bool {
	if cmp.Or(provider, c.Spec.Provider) != catalog.ProviderEmbedded {
		return true
	}
	return len(c.Spec.Nodes) > 0 && !slices.ContainsFunc(c.Spec.Nodes, func(n catalog.Node) bool { return !n.Real })
}

// partial names what a bundle lacks. A tree without a catalog does not say that it
// is all of a cluster.
func partial(cat *catalog.Catalog, b *render.Bundle) []string {
	names := notRendered(b)
	if isPlain(cat, b.Cluster) {
		names = append(names, "what stands in other places")
	}
	return names
}

func notRendered(b *render.Bundle) []string {
	var names []string
	for _, n := range b.NotRendered {
		names = append(names, n.Component)
	}
	return names
}

func retired(v *schema.Validator) []API {
	var out []API
	for _, r := range v.Retired() {
		out = append(out, API(r))
	}
	return out
}
