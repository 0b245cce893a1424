package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"dualtrack.internal/platform/policy"
	"dualtrack.internal/policies"
)

// objects measures all rules on one object of this repository's fleet, with nothing
// remembered, one object at a time; and conftest with the same rules and facts: as
// the loop runs it, and one process for all documents of a cluster.
func (b *bench) objects(ctx context.Context) error {
	inputs, err := b.inputs(ctx)
	if err != nil {
		return err
	}
	engine, err := policy.Compile(ctx, policies.FS)
	if err != nil {
		return err
	}
	var each []time.Duration
	for range b.runs {
		for _, in := range inputs {
			some, err := oneByOne(ctx, engine, in)
			if err != nil {
				return err
			}
			each = append(each, some...)
		}
	}
	printObjects(each)
	l, err := b.loop(ctx)
	if err != nil {
		return err
	}
	if err := l.same(ctx); err != nil {
		return err
	}
	var apart, together []time.Duration
	for range b.runs {
		for _, p := range l.pairs {
			took, err := l.timed(ctx, p.cluster, filepath.Join(p.dir(l), "out.yaml"))
			if err != nil {
				return err
			}
			files, err := documents(filepath.Join(p.dir(l), "out.yaml"))
			if err != nil {
				return err
			}
			apart = append(apart, took/time.Duration(max(1, len(files))))
		}
		for _, in := range inputs {
			took, err := l.whole(ctx, in)
			if err != nil {
				return err
			}
			together = append(together, took)
		}
	}
	perObject("conftest, an object, as in the loop", apart)
	perObject("conftest, an object, a cluster at once", together)
	ratio("conftest in the loop to all rules", apart, each)
	ratio("conftest a cluster at once to them", together, each)
	return nil
}

func oneByOne(ctx context.Context, engine *policy.Engine, in policy.Input) ([]time.Duration, error) {
	all, err := engine.Judgements(ctx, in)
	if err != nil {
		return nil, err
	}
	took := make([]time.Duration, len(all))
	for i, judge := range all {
		began := time.Now()
		if err := judge(ctx); err != nil {
			return nil, err
		}
		took[i] = time.Since(began)
	}
	return took, nil
}

func (l *loop) timed(ctx context.Context, cluster, file string) (time.Duration, error) {
	began := time.Now()
	_, err := l.conftest(ctx, cluster, file)
	return time.Since(began), err
}

// whole is the time an object in one process for all documents of a cluster.
func (l *loop) whole(ctx context.Context, in policy.Input) (time.Duration, error) {
	name := filepath.Join("clusters", in.Cluster.Name, "all.json")
	var all []any
	for _, o := range in.Objects {
		all = append(all, o.Object)
	}
	if err := l.writeJSON(name, all); err != nil {
		return 0, err
	}
	took, err := l.timed(ctx, in.Cluster.Name, filepath.Join(l.dir, name))
	return took / time.Duration(max(1, len(all))), err
}

func perObject(name string, took []time.Duration) {
	slices.Sort(took)
	fmt.Printf("%-34s median %8.3f ms [%.3f to %.3f]  n=%d\n", name, ms(took[len(took)/2]), ms(took[0]), ms(took[len(took)-1]), len(took))
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

func printObjects(each []time.Duration) {
	slices.Sort(each)
	ours := each[len(each)/2]
	verdict := "within"
	if ours > time.Millisecond {
		verdict = "OVER"
	}
	fmt.Printf("%-34s median %8.3f ms [%.3f to %.3f], 99 of 100 below %.3f  n=%d  mark 1 ms: %s\n", "all rules, an object", ms(ours), ms(each[0]), ms(each[len(each)-1]),
		ms(each[len(each)*99/100]), len(each), verdict)
}
