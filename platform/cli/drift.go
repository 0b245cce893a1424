package cli

import (
	"context"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/policy"
)

func newDrift(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Show what was changed by hand, and by whom; change nothing",
		Args:  argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.drift(cmd.Context())
		},
	}
	clusterFlag(cmd, env)
	return cmd
}

func (e *environment) drift(ctx context.Context) error {
	var outcomes []fleet.Outcome
	_, gated, err := e.onRunning(ctx, "drift", fleetOptions{}, func(_ *running, d *fleet.Driver, g *policy.Gated) ([]fleet.Outcome, error) {
		var err error
		outcomes, err = d.Drift(ctx, g.Rendered.Bundles)
		return outcomes, err
	})
	if err != nil {
		return err
	}
	cat, err := e.load()
	if err != nil {
		return err
	}
	engine, err := e.engineFor(ctx, cat)
	if err != nil {
		return err
	}
	production, err := cat.Production()
	if err != nil {
		return err
	}
	found, err := engine.JudgeDrift(ctx, fleet.DriftInputs(outcomes, gated.Rendered), policy.DriftContext{
		Fleet: cat.Fleet, Baseline: cat.Baseline, Production: production, Now: e.Now(),
	})
	if err != nil {
		return err
	}
	e.result.AddDriftPolicy(found)
	e.result.Findings = nil // those of the tree are check's to tell
	e.result.OnlyDrift()
	return nil
}

func newRepair(env *environment) *cobra.Command {
	var yes bool
	var o fleetOptions
	cmd := &cobra.Command{
		Use:   "repair",
		Short: "Show the plan that mends drift; with --yes carry it out",
		Long: "repair brings the running clusters back to their bundles. Without --yes it shows the plan and\n" +
			"changes nothing. It mends what the bundle owns and never deletes what it does not.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if yes {
				o.approved = true
				return env.bring(ctx, "repair", o)
			}
			if err := env.plan(ctx, "repair", o); err != nil {
				return err
			}
			env.result.Findings = []finding.Finding(nil)
			if env.result.Differs() {
				env.result.Next = []string{"platform repair --yes                    # carry the plan out"}
			}
			return nil
		},
	}
	clusterFlag(cmd, env)
	timeoutFlag(cmd, &o)
	cmd.Flags().BoolVar(&yes, "yes", false, "carry the plan out")
	return cmd
}
