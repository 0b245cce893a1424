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
	Workers     int       // 0 means 8: those that wait for rules to be compiled get ready
	Now         time.Time // decides whether an exception has expired
	Provider    string    // is asked for instead of the declared ones; "" for none
	// Evidence is what was seen beforehand, nil when none was handed over.
	Evidence *catalog.Evidence
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
		o.Workers = 8
	}
	muted, err := engine.JudgeSilences(ctx, cat, o.Now)
	if err != nil {
		return err
	}
	production, err := cat.Production()
	if err != nil {
		return err
	}
	t := &trial{gated: g, engine: engine, opened: opened, settled: newSettler(engine, cat, g.Version, o.Now)}
	for _, b := range g.Rendered.Bundles {
		t.inputs = append(t.inputs, Input{
			Cluster: cat.Cluster(b.Cluster), Fleet: cat.Fleet, Baseline: cat.Baseline, Objects: b.Objects,
			Exceptions: cat.Exceptions, Evidence: o.Evidence, Now: o.Now, Locate: g.Rendered.Locate, KubeVersion: g.Version,
			Partial: partial(cat, b), RealNodes: realNodes(cat.Cluster(b.Cluster), o.Provider), SomeReal: slices.ContainsFunc(cat.Cluster(b.Cluster).Spec.Nodes, real),
			Production: slices.Contains(production, b.Cluster), Parts: b.Parts, NoSettings: isPlain(cat, b.Cluster),
		})
	}
	if err := t.run(ctx, o.Workers); err != nil {
		return err
	}
	all := finding.NewMerger()
	g.Unknown += unknowns(g.Rendered.Findings)
	for _, f := range slices.Concat(g.Rendered.Findings, muted, engine.paramMistakes(cat.Fleet)) {
		all.Add(f)
	}
	results := t.fold(all)
	if len(o.Clusters) == 0 { // an exception may be of use to a cluster that was left out
		for _, f := range engine.Review(cat.Exceptions, o.Now, results...) {
			all.Add(f)
		}
	}
	g.Findings = all.Merged()
	return nil
}

// realNodes says that the cluster's containers all really run, and so pull what
// they name. provider is asked for instead of the declared one, "" for none.
func realNodes(c *catalog.Cluster, provider string) bool {
	if cmp.Or(provider, c.Spec.Provider) != catalog.ProviderEmbedded {
		return true
	}
	return len(c.Spec.Nodes) > 0 && !slices.ContainsFunc(c.Spec.Nodes, func(n catalog.Node) bool { return !real(n) })
}

func real(n catalog.Node) bool { return n.Real }

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
