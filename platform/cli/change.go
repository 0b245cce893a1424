package cli

import (
	"context"
	"errors"
	"fmt"

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
	root, err := catalog.FindRoot(e.dir)
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

// loadSide reads one side of a change: the working tree, or a commit.
func (e *environment) loadSide(p source.Point) (*catalog.Catalog, error) {
	if p.Files == nil {
		return e.load()
	}
	tree := catalog.TreeOf(p.Files, nil)
	lock, err := tree.ReadLock()
	if err != nil || lock == nil {
		if err == nil {
			return catalog.LoadTree(tree)
		}
		return nil, err
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
	return catalog.LoadTree(catalog.TreeOf(p.Files, under))
}

// checkChange judges what a change brings.
func (e *environment) checkChange(ctx context.Context, c *source.Change, head *catalog.Catalog, o policy.GateOptions, all bool) (*report.Result, error) {
	base, err := e.loadSide(*c.Base)
	if err != nil {
		if problems, _ := finding.Gather(err); len(problems) == 0 && !errors.Is(err, source.ErrNotKept) {
			return nil, err
		}
		_, result, err2 := e.gate(ctx, head, "check", o)
		if err2 != nil {
			return nil, err2
		}
		result.AddChange(c, all).NotCompared = err.Error()
		return result, nil
	}
	engine, err := policy.Compile(ctx, e.Distribution.Policies)
	if err != nil {
		return nil, err
	}
	o.Now, o.Provider = e.Now(), e.override
	gated, err := policy.GateChange(ctx, engine, base, head, o)
	if err != nil {
		return nil, err
	}
	before, after := change.Side{Tree: base, Rendered: gated.Base.Rendered}, change.Side{Tree: head, Rendered: gated.Head.Rendered}
	judged, err := change.Judge(ctx, engine, before, after, change.Judging{Now: o.Now, Author: c.Head.Author})
	if err != nil {
		return nil, err
	}
	result := report.New("check", head)
	result.AddChange(c, all)
	result.AddGatedChange(gated, judged)
	result.Commit = c.Head.Commit
	return result, nil
}
