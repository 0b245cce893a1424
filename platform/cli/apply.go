package cli

import (
	"context"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/report"
)

func newApply(env *environment) *cobra.Command {
	var o fleetOptions
	var dry bool
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Bring the bundles to clusters that run, and prove it",
		Args:  argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dry {
				return env.plan(cmd.Context(), "apply", o)
			}
			return env.bring(cmd.Context(), "apply", o)
		},
	}
	clusterFlag(cmd, env)
	timeoutFlag(cmd, &o)
	evidenceFlag(cmd, env)
	dryRunFlag(cmd, &dry)
	cmd.Flags().BoolVar(&o.approved, "yes", false, "apply what the plan shows to clusters that were there before")
	cmd.Flags().BoolVar(&o.pruneData, "prune-data", false, "also delete namespaces and volumes that left the bundle")
	return cmd
}

// bring applies to running clusters under the fleet's lock, unless policy denies.
func (e *environment) bring(ctx context.Context, command string, o fleetOptions) error {
	_, gated, err := e.onRunning(ctx, command, o, func(r *running, d *fleet.Driver, g *policy.Gated) ([]fleet.Outcome, error) {
		if g.Denied() {
			return nil, nil
		}
		release, err := r.lock(ctx, command)
		if err != nil {
			return nil, err
		}
		defer release()
		return d.Apply(ctx, g.Rendered.Bundles)
	})
	if err != nil {
		return err
	}
	e.result.Awaited = true
	if gated.Denied() {
		cat, err := e.load()
		if err != nil {
			return err
		}
		e.result.AddBundles(gated, cat, report.NotChanged)
	}
	return nil
}

func newDiff(env *environment) *cobra.Command {
	var o fleetOptions
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show what apply would change on the running clusters",
		Args:  argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.plan(cmd.Context(), "diff", o)
		},
	}
	clusterFlag(cmd, env)
	cmd.Flags().BoolVar(&o.pruneData, "prune-data", false, "show deletions of namespaces and volumes too")
	return cmd
}

// plan shows what would change on running clusters, and changes nothing.
func (e *environment) plan(ctx context.Context, command string, o fleetOptions) error {
	_, _, err := e.onRunning(ctx, command, o, func(_ *running, d *fleet.Driver, g *policy.Gated) ([]fleet.Outcome, error) {
		return d.Plan(ctx, g.Rendered.Bundles)
	})
	if err == nil {
		e.result.OnlyChanges()
	}
	return err
}

func dryRunFlag(cmd *cobra.Command, dry *bool) {
	cmd.Flags().BoolVar(dry, "dry-run", false, "show what would change on clusters that run, and change nothing")
}
