package cli

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/memo"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
)

// kept are the results of earlier runs, opened when they are first asked for.
type kept struct {
	once  sync.Once
	store *memo.Store
}

// results are those of earlier runs; nil where they can't be kept, which costs time
// and nothing else.
func (e *environment) results() *memo.Store {
	e.kept.once.Do(func() {
		if e.noCache || e.needCache() != nil {
			return
		}
		store, err := memo.Open(e.cacheDir())
		if err != nil {
			if e.verbose {
				e.progressf("results are not kept: %v", err)
			}
			return
		}
		e.kept.store = store
	})
	return e.kept.store
}

// closeResults bounds what is kept.
func (e *environment) closeResults() {
	if err := e.kept.store.Close(); err != nil && e.verbose {
		e.progressf("%v", err)
	}
}

// engineFor gives the rules that a tree is judged by.
func (e *environment) engineFor(ctx context.Context, cat *catalog.Catalog) (*policy.Engine, error) {
	files, err := policy.Rules(cat, e.Distribution.Policies)
	if err != nil {
		return nil, err
	}
	return policy.Open(ctx, files, e.results())
}

// rulesHere are those of the repository around the working folder; outside of any,
// those that the program carries.
func (e *environment) rulesHere() (policy.Sources, error) {
	if _, err := catalog.FindRoot(e.dir); err != nil {
		return policy.Carried(e.Distribution.Policies)
	}
	cat, err := e.load()
	if err != nil {
		return nil, err
	}
	return policy.Library(cat, e.Distribution.Policies)
}

func (e *environment) engineHere(ctx context.Context) (*policy.Engine, error) {
	files, err := e.rulesHere()
	if err != nil {
		return nil, err
	}
	return policy.Open(ctx, files, e.results())
}

// judges gives the rules of both sides of a change: one and the same where they hold
// the same rules.
func (e *environment) judges(ctx context.Context, base, head *catalog.Catalog) (policy.Judges, error) {
	var j policy.Judges
	var before, after policy.Sources
	var group errgroup.Group
	group.Go(func() (err error) { before, err = policy.Rules(base, e.Distribution.Policies); return err })
	group.Go(func() (err error) { after, err = policy.Rules(head, e.Distribution.Policies); return err })
	err := group.Wait()
	if err != nil {
		return j, err
	}
	if j.Base, err = policy.Open(ctx, before, e.results()); err != nil {
		return j, err
	}
	j.Head = j.Base
	if !before.Same(after) {
		j.Head, err = policy.Open(ctx, after, e.results())
	}
	return j, err
}

// renderings are shared by all trees of a run, and with other runs. Under -v they are
// made anew, for what the libraries say of them.
func (e *environment) renderings() *render.Shared {
	if e.verbose {
		return render.NewShared(nil)
	}
	return render.NewShared(e.results())
}
