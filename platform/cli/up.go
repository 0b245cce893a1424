package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/report"
)

func newUp(env *environment) *cobra.Command {
	o := fleetOptions{sites: -1}
	var dry bool
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Bring the fleet up and to its bundles, proved by both tracks",
		Long: "up renders and judges the tree, builds the programs that clusters run if they are not built yet,\n" +
			"starts every cluster, brings each to its bundle, and waits until both tracks say that it holds.\n" +
			"It goes on from wherever an earlier run stopped, and changes nothing that is right already.\n" +
			"With --provider kind the nodes are real: containers of an engine, in which pods really run.",
		Example: "  platform up\n  platform up --sites 1\n  platform up --sites 1 --provider kind",
		Args:    argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := env.checkProvider(); err != nil {
				return err
			}
			if dry {
				if err := env.narrow(o.sites); err != nil {
					return err
				}
				return env.plan(cmd.Context(), "up", o)
			}
			return env.up(cmd.Context(), o)
		},
	}
	clusterFlag(cmd, env)
	timeoutFlag(cmd, &o)
	evidenceFlag(cmd, env)
	approvalFlags(cmd, env, &o)
	providerFlags(cmd, env)
	dryRunFlag(cmd, &dry)
	cmd.Flags().IntVar(&o.sites, "sites", -1, "the hub and this many sites (default: all)")
	cmd.Flags().BoolVar(&o.pruneData, "prune-data", false, "also delete namespaces and volumes that left the bundle")
	return cmd
}

// narrow turns --sites into names.
func (e *environment) narrow(sites int) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	e.clusters, err = e.choose(cat, sites)
	e.selector = ""
	return err
}

func timeoutFlag(cmd *cobra.Command, o *fleetOptions) {
	cmd.Flags().DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long one running cluster may take to converge")
}

func (e *environment) up(ctx context.Context, o fleetOptions) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	chosen, err := e.choose(cat, o.sites)
	if err != nil {
		return err
	}
	r, err := e.open(cat)
	if err != nil {
		return err
	}
	defer r.close()
	gated, result, err := r.gateAndBuild(ctx, "up", chosen)
	if err != nil {
		return err
	}
	e.result = result
	result.Findings = append(result.Findings, outsideMatrix(cat, chosen)...)
	if gated.Denied() {
		result.AddBundles(gated, cat, report.NotChanged)
		return nil
	}
	release, err := r.lock(ctx, "up")
	if err != nil {
		return err
	}
	defer release()
	outcomes, err := r.driver(o).Up(ctx, gated.Rendered.Bundles)
	if err != nil {
		e.result = nil
		return err
	}
	result.Awaited = true
	result.AddOutcomes(outcomes, cat)
	result.Next = next(result)
	r.sayDead(ctx, result)
	return nil
}

// next are a few commands that make sense after an up.
func next(r *report.Result) []string {
	if planned, adopt := r.ToApprove(); planned {
		flags := "--yes"
		if adopt {
			flags = "--adopt --yes"
		}
		return []string{fmt.Sprintf("platform up %-27s # apply the plan above", flags)}
	}
	if r.Count(report.Converged) == len(r.Clusters) {
		return []string{
			"platform status                          # judge again, change nothing",
			"platform kubectl " + r.Clusters[0].Name + " -- get pods -A",
			"platform down --all                      # remove the clusters",
		}
	}
	return []string{
		"platform status -v                       # every verdict",
		"platform logs CLUSTER PROGRAM            # what a program said",
		"platform up                              # go on from here",
	}
}
