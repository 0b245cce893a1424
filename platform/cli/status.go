package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/policy"
)

func newStatus(env *environment) *cobra.Command {
	var programs bool
	var record string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Judge the running clusters once; change nothing",
		Args:  argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			recorder, err := openRecorder(record)
			if err != nil {
				return err
			}
			r, _, err := env.onRunning(ctx, "status", fleetOptions{}, func(_ *running, d *fleet.Driver, g *policy.Gated) ([]fleet.Outcome, error) {
				return d.Judge(ctx, g.Rendered.Bundles)
			})
			if err != nil {
				return err
			}
			env.result.Awaited = true
			if err := recorder.record(env.result, env.Now()); err != nil {
				return err
			}
			if programs {
				return env.addPrograms(ctx, r)
			}
			return nil
		},
	}
	clusterFlag(cmd, env)
	recordFlag(cmd, &record)
	cmd.Flags().BoolVar(&programs, "programs", false, "also list each cluster's processes")
	return cmd
}

// addPrograms lists the processes of every cluster of the result that has state.
func (e *environment) addPrograms(ctx context.Context, r *running) error {
	for _, c := range e.result.Clusters {
		list, err := r.provider.Status(ctx, c.Name)
		if errors.Is(err, cluster.ErrNotRunning) || errors.Is(err, cluster.ErrUnsupported) {
			continue
		}
		if err != nil {
			return err
		}
		e.result.AddPrograms(c.Name, list)
	}
	return nil
}

func newWait(env *environment) *cobra.Command {
	var o fleetOptions
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Judge until every running cluster has converged; change nothing",
		Args:  argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			_, _, err := env.onRunning(ctx, "wait", o, func(_ *running, d *fleet.Driver, g *policy.Gated) ([]fleet.Outcome, error) {
				return d.Wait(ctx, g.Rendered.Bundles)
			})
			if err == nil {
				env.result.Awaited = true
			}
			return err
		},
	}
	clusterFlag(cmd, env)
	timeoutFlag(cmd, &o)
	return cmd
}
