package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/report"
	"dualtrack.internal/platform/source"
)

func newUpgrade(env *environment) *cobra.Command {
	var o upgradeOptions
	cmd := &cobra.Command{
		Use:   "upgrade",
		Short: "Move platform.lock to this program's distribution",
		Long: "upgrade renders the tree with the distribution that platform.lock names and with the one this\n" +
			"program carries, shows what differs for each cluster and what check says of the new one, and\n" +
			"moves the lock unless policy denies. No cluster is touched.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return env.upgrade(cmd.Context(), o) },
	}
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "show what would change; leave the lock")
	cmd.Flags().BoolVar(&o.back, "back", false, "allow an older distribution than the lock's")
	return cmd
}

type upgradeOptions struct{ dryRun, back bool }

func (e *environment) upgrade(ctx context.Context, o upgradeOptions) error {
	root, err := catalog.FindRoot(e.dir)
	if err != nil {
		return err
	}
	lock, err := catalog.ReadLock(root)
	if err != nil {
		return err
	}
	if !lock.OverDistribution() {
		return usagef("%s has no %s that names a distribution: it holds its components itself, and there is nothing to move", root, catalog.LockFile)
	}
	base, err := e.distribution()
	if err != nil {
		return err
	}
	from, to := lock.Spec.Distribution, base.Locked()
	if from == to {
		return e.writeDocument(upToDate{to})
	}
	if from.NewerThan(to) && !o.back {
		return usagef("%s names distribution %s, newer than this program's %s; use the program of %s, or go back with --back",
			catalog.LockFile, from, to, from.Version)
	}
	moved, err := e.compare(ctx, root, from, base)
	if err != nil {
		return err
	}
	if moved.DryRun = o.dryRun; o.dryRun || e.result.Denials() > 0 {
		return nil
	}
	if err := e.keep(base); err != nil {
		return err
	}
	if err := source.MoveLock(root, to); err != nil {
		e.result = nil
		return err
	}
	moved.Moved = true
	return nil
}

// upToDate is the word where the lock names the program's distribution already.
type upToDate struct{ distribution catalog.LockedDistribution }

// Text implements document.
func (u upToDate) Text(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s names distribution %s, which this program carries; nothing to do\n", catalog.LockFile, u.distribution)
	return err
}

// JSON implements document: a report in which nothing was moved.
func (u upToDate) JSON(w io.Writer) error {
	r := &report.Result{APIVersion: report.Version, Command: "upgrade"}
	r.AddUpgrade(u.distribution, u.distribution)
	return report.Write(w, report.JSONFormat, r, report.TextOptions{})
}

// compare makes the result: what the new distribution changes, and what policy
// says of it.
func (e *environment) compare(ctx context.Context, root string, from catalog.LockedDistribution, base *catalog.Base) (*report.Upgrade, error) {
	after, err := e.withRemotes(catalog.LoadOver(root, base))
	if err != nil {
		return nil, err
	}
	gated, result, err := e.gate(ctx, after, "upgrade", policy.GateOptions{})
	if err != nil {
		return nil, err
	}
	result.AddBundles(gated, after, report.NotChanged)
	result.Awaited = true // differences are what it is for
	upgrade := result.AddUpgrade(from, base.Locked())
	before, bundles, err := e.renderKept(ctx, root, from)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, source.ErrNotKept):
		upgrade.NotCompared = fmt.Sprintf("distribution %s: %v", from, err)
	case err != nil:
		upgrade.NotCompared = fmt.Sprintf("the tree on distribution %s: %v", from, err)
	default:
		result.AddDifferences(change.Between(bundles, gated.Rendered.Bundles))
		upgrade.Versions = change.Versions(before, after)
	}
	e.result = result
	return upgrade, nil
}

// renderKept renders the tree on the distribution that the lock names, if the
// cache still has it.
func (e *environment) renderKept(ctx context.Context, root string, locked catalog.LockedDistribution) (*catalog.Catalog, []*render.Bundle, error) {
	base, err := source.Kept(e.cacheDir(), locked.Digest)
	if err != nil {
		return nil, nil, err
	}
	cat, err := e.withRemotes(catalog.LoadOver(root, base))
	if err != nil {
		return nil, nil, err
	}
	rendered, err := render.All(ctx, cat, render.Options{})
	if err != nil {
		return nil, nil, err
	}
	return cat, rendered.Bundles, nil
}
