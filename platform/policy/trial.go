package policy

import (
	"context"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/schema"
)

// mostSaid bounds the findings of a cluster that are settled, and placed before they
// are merged. Reading more takes as long as judging, and holding them takes memory.
const mostSaid = 500

// trial is the judgement of a tree's clusters, one by one in outcomes.
type trial struct {
	gated    *Gated
	engine   *Engine
	opened   func() (*schema.Validator, error) // reading it takes time, and is seldom needed
	settled  *settler
	inputs   []Input // by bundle
	keys     []string
	outcomes []outcome
}

// outcome is what was said of a cluster: with a result, all of it has its place.
type outcome struct {
	valid  []finding.Finding // the schema's
	result *Result
	said   statements
	at     map[finding.Object]int // of the objects that valid means
}

// run judges all clusters: those that are alike once.
func (t *trial) run(ctx context.Context, workers int) error {
	bundles := t.gated.Rendered.Bundles
	t.keys, t.outcomes = make([]string, len(bundles)), make([]outcome, len(bundles))
	likenesses := make([]string, len(bundles))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i, b := range bundles {
		group.Go(func() (err error) {
			if t.keys[i], err = t.settled.key(t.inputs[i], b); err != nil {
				return err
			}
			if known := t.settled.recall(t.keys[i]); known != nil {
				t.outcomes[i] = *known
				t.placed(i)
				return nil
			}
			likenesses[i], err = likeness(t.inputs[i], b)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	group, groupCtx = errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for _, like := range t.alike(likenesses) {
		group.Go(func() error { return t.judge(groupCtx, like) })
	}
	return group.Wait()
}

// placed tells where the findings of a settled cluster stand: the other side of a
// change, and clusters that are not settled, mostly have the same objects.
func (t *trial) placed(i int) {
	o, objects := t.outcomes[i], t.inputs[i].Objects
	byRef := make(map[finding.Object]int, len(objects))
	for n := range objects {
		byRef[objects[n].Ref()] = n
	}
	for _, list := range [][]finding.Finding{o.valid, o.result.Findings} {
		for _, f := range list {
			if n, there := byRef[f.Object]; there && f.Component == objects[n].Component {
				t.gated.Rendered.Place(objects[n], f.Pointer, f.Position)
			}
		}
	}
}

// alike sorts the clusters that are not settled into those that are alike.
func (t *trial) alike(likenesses []string) [][]int {
	var out [][]int
	at := map[string]int{}
	for i, likeness := range likenesses {
		if t.outcomes[i].result != nil {
			continue
		}
		n, seen := at[likeness]
		if !seen || likeness == "" {
			n = len(out)
			at[likeness] = n
			out = append(out, nil)
		}
		out[n] = append(out[n], i)
	}
	return out
}

// judge judges clusters that are alike.
func (t *trial) judge(ctx context.Context, like []int) error {
	validator, err := t.opened()
	if err != nil {
		return err
	}
	apis := retired(validator)
	var inputs []Input
	for _, i := range like {
		in := t.inputs[i]
		in.APIs = apis
		inputs = append(inputs, in)
	}
	first := inputs[0]
	valid := validator.Check(ctx, first.Objects)
	at := indexesOf(first.Objects, valid)
	if first.NoSettings {
		mayBeElsewhere(validator.Extend(first.Objects), first.Objects, valid)
	}
	said, err := t.engine.judgeAlike(ctx, inputs)
	if err != nil {
		return err
	}
	for n, i := range like {
		o := &t.outcomes[i]
		*o = outcome{valid: valid, said: said[n], at: at}
		if few := len(valid)+said[n].count() <= mostSaid; !few && !first.NoSettings {
			continue
		}
		o.place(t.engine, inputs[n])
		if first.NoSettings {
			withoutCatalog(o.result.Findings)
		}
		if err := t.settled.keep(t.keys[i], inputs[n].Cluster.Name, o); err != nil {
			return err
		}
	}
	return nil
}

// place gives all of an outcome its places.
func (o *outcome) place(engine *Engine, in Input) {
	var valid []finding.Finding
	o.tellValid(in, func(f finding.Finding, place func() finding.Position) {
		if place != nil {
			f.Position = place()
		}
		valid = append(valid, f)
	})
	o.valid, o.result = valid, engine.collect(in, o.said)
}

// tellValid tells the schema's findings.
func (o *outcome) tellValid(in Input, take func(f finding.Finding, place func() finding.Position)) {
	for _, f := range o.valid {
		i, known := o.at[f.Object]
		if !known {
			take(f, nil)
			continue
		}
		from := &in.Objects[i]
		f.Component = from.Component
		take(f, func() finding.Position { return in.Locate(*from, f.Pointer) })
	}
}

// indexesOf gives the indexes of the objects that findings mean.
func indexesOf(objects []render.Object, found []finding.Finding) map[finding.Object]int {
	at := map[finding.Object]int{}
	if len(found) == 0 {
		return at
	}
	meant := map[finding.Object]bool{}
	for _, f := range found {
		meant[f.Object] = true
	}
	for i, o := range objects {
		if ref := o.Ref(); meant[ref] {
			at[ref] = i
		}
	}
	return at
}

// fold adds up what was said of all clusters, in their order, and gives their
// results.
func (t *trial) fold(all *finding.Merger) []*Result {
	g, results := t.gated, make([]*Result, len(t.inputs))
	for i := range t.inputs {
		o, clusters := &t.outcomes[i], []string{g.Rendered.Bundles[i].Cluster}
		take := func(f finding.Finding, place func() finding.Position) {
			f.Clusters = clusters
			if place != nil {
				f.Position = place()
			}
			all.Add(f)
		}
		r := o.result
		if r == nil {
			o.tellValid(t.inputs[i], take)
			r = t.engine.tell(t.inputs[i], o.said, take)
		} else {
			for _, list := range [][]finding.Finding{o.valid, r.Findings} {
				for _, f := range list {
					take(f, nil)
				}
			}
		}
		results[i] = r
		g.Objects, g.Passed, g.Waived = g.Objects+r.Objects, g.Passed+r.Passed, g.Waived+r.Waived
		g.Unknown += r.Unknown + unknowns(o.valid)
	}
	return results
}
