package cli

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/source"
)

// changeOptions are the flags that choose what is compared.
type changeOptions struct {
	base, head string
	full       bool
	failOn     string
}

func (o changeOptions) check() error {
	switch {
	case o.failOn != "new" && o.failOn != "all":
		return usagef("--fail-on %q: write new or all", o.failOn)
	case o.full && (o.base != "" || o.head != ""):
		return usagef("--full judges the working tree alone; leave out --base and --head")
	}
	return nil
}

// change finds what is to be compared, nil when the tree is to be judged alone: as
// it is asked for, and where nothing lies between the sides.
func (e *environment) change(o changeOptions) (*source.Change, error) {
	root, err := e.root()
	if err != nil || o.full {
		return nil, err
	}
	c, err := source.FindChange(root, source.ChangeOptions{Base: o.base, Head: o.head, Getenv: e.Getenv})
	switch {
	case err != nil:
		return nil, err
	case c.Base == nil && c.Head.Files == nil:
		return nil, nil
	case c.Base == nil || c.Base.Commit != c.Head.Commit || o.base != "" || o.head != "":
		return c, nil
	}
	now, err := source.Describe(root)
	if err != nil || !now.Dirty {
		return nil, err
	}
	return c, nil
}

// loadSide reads one side of a change: the working tree, or a commit. Of the base
// little is asked: it may be that only the head has a cluster.
func (e *environment) loadSide(ctx context.Context, p source.Point, base bool) (*catalog.Catalog, error) {
	if e.plain.set() {
		return e.loadPlain(ctx, p, base)
	}
	if p.Files == nil {
		return e.load()
	}
	tree := catalog.TreeOf(p.Files, nil)
	lock, err := tree.ReadLock()
	if err != nil {
		return nil, err
	}
	if !lock.OverDistribution() {
		return e.withRemotes(catalog.LoadTree(tree))
	}
	under, err := e.distribution()
	if err != nil {
		return nil, err
	}
	if lock.Names(under, e.program()) != nil { // another one, which the cache may hold
		if under, err = source.Kept(e.cacheDir(), lock.Spec.Distribution.Digest); err != nil {
			return nil, fmt.Errorf("distribution %s: %w", lock.Spec.Distribution, err)
		}
	}
	return e.withRemotes(catalog.LoadTree(catalog.TreeOf(p.Files, under)))
}

// loaded are the trees of both sides of a change, or why one can't be read.
type loaded struct {
	base, head       *catalog.Catalog
	baseErr, headErr error
}

// loadSides reads both sides of a change at once.
func (e *environment) loadSides(ctx context.Context, c *source.Change) loaded {
	var l loaded
	var group sync.WaitGroup
	group.Go(func() { l.head, l.headErr = e.loadSide(ctx, c.Head, false) })
	group.Go(func() { l.base, l.baseErr = e.loadSide(ctx, *c.Base, true) })
	group.Wait()
	return l
}

// checkChange judges what a change brings.
func (e *environment) checkChange(ctx context.Context, c *source.Change, sides loaded, o policy.GateOptions, all bool) (*report.Result, error) {
	base, head := sides.base, sides.head
	if err := sides.baseErr; err != nil {
		if problems, _ := finding.Gather(err); len(problems) == 0 && !errors.Is(err, source.ErrNotKept) {
			return nil, err
		}
		_, result, err2 := e.gate(ctx, head, "check", o)
		if err2 != nil {
			return nil, err2
		}
		result.AddChange(c, all).NotCompared = finding.Clean(err.Error())
		return result, nil
	}
	judges, err := e.judges(ctx, base, head)
	if err != nil {
		return nil, err
	}
	o.Now, o.Provider, o.Shared = e.Now(), e.override, e.renderings()
	gated, err := policy.GateChange(ctx, judges, base, head, o)
	if err != nil {
		return nil, err
	}
	before, after := change.Side{Tree: base, Rendered: gated.Base.Rendered}, change.Side{Tree: head, Rendered: gated.Head.Rendered}
	judged, err := change.Judge(ctx, judges, before, after, change.Judging{Now: o.Now, Author: c.Head.Author})
	if err != nil {
		return nil, err
	}
	result := report.New("check", head)
	result.Notes = e.plain.notes()
	result.AddChange(c, all)
	result.AddGatedChange(gated, judged)
	result.Commit = c.Head.Commit
	root, err := e.root()
	if err == nil {
		result.Folder, err = source.Folder(root)
	}
	return result, err
}
