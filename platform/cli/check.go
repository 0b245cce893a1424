package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/source"
)

func newCheck(env *environment) *cobra.Command {
	var o policy.GateOptions
	var sides changeOptions
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Render, validate and judge a change or the whole tree; needs no cluster",
		Long: "check renders every cluster's bundle, validates each object against the Kubernetes OpenAPI\n" +
			"and the catalog's own CRDs, and judges it with policy. It needs neither cluster nor network.\n" +
			"On a branch it compares with where the branch left the default branch, shows what changes on\n" +
			"every cluster, and fails for what the change brings, not for what was there; --full judges all.\n" +
			"With --kube-version it says what breaks when the clusters are upgraded.\n\n" + plainHelp,
		Example: plainExample,
		Args:    argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := errors.Join(sides.check(), checkLink(env.link), env.plain.check()); err != nil {
				return err
			}
			env.plain.kubernetes = o.KubeVersion
			return env.check(cmd.Context(), sides, o)
		},
	}
	clusterFlag(cmd, env)
	plainFlags(cmd, &env.plain)
	cmd.Flags().StringVar(&o.KubeVersion, "kube-version", "", "judge against this Kubernetes version instead of the baseline's")
	cmd.Flags().StringVar(&sides.base, "base", "", "compare with this Git revision instead of the merge base")
	cmd.Flags().StringVar(&sides.head, "head", "", "judge this Git revision instead of the working tree")
	cmd.Flags().BoolVar(&sides.full, "full", false, "judge the whole tree, and compare it with nothing")
	cmd.Flags().StringVar(&env.link, "report-url", "", "where a form of the report that holds all will be; -o markdown and github link to it")
	cmd.Flags().StringVar(&sides.failOn, "fail-on", "new", "fail for findings that are new, or for all")
	return cmd
}

// check judges the tree, or what lies between the two sides.
func (e *environment) check(ctx context.Context, sides changeOptions, o policy.GateOptions) error {
	change, err := e.change(sides)
	if err != nil {
		return err
	}
	if change == nil || change.Base == nil {
		head := source.Point{}
		if change != nil {
			head = change.Head
		}
		cat, err := e.loadSide(ctx, head, false)
		if err != nil {
			return err
		}
		if o.Clusters, err = e.chosen(cat); err != nil {
			return err
		}
		_, e.result, err = e.gate(ctx, cat, "check", o)
		return err
	}
	both := e.loadSides(ctx, change)
	if both.headErr != nil {
		return both.headErr
	}
	if o.Clusters, err = e.chosen(both.head); err != nil {
		return err
	}
	e.result, err = e.checkChange(ctx, change, both, o, sides.failOn == "all")
	return err
}
