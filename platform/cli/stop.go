package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/report"
)

func newStop(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stop",
		Short: "Stop the clusters and keep their state",
		Args:  argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return env.end(cmd.Context(), "stop", false, cluster.Core.Stop)
		},
	}
	clusterFlag(cmd, env)
	return cmd
}

func newDown(env *environment) *cobra.Command {
	var all, purge bool
	cmd := &cobra.Command{
		Use:   "down",
		Short: "Stop the clusters and remove their state",
		Long: "down ends the clusters' processes and removes their state. Without -c it takes every cluster of\n" +
			"the catalog; --all takes clusters that left the catalog too; --purge also removes the fleet's\n" +
			"folder with its locks. Built programs stay: `platform cache prune` removes them.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if purge && len(env.clusters)+len(env.selector) > 0 {
				return usagef("--purge removes the whole fleet's state; leave out --cluster and --selector")
			}
			if err := env.end(cmd.Context(), "down", all, cluster.Core.Remove); err != nil || !purge {
				return err
			}
			cat, err := env.load()
			if err != nil {
				return err
			}
			dir := env.stateDir(cat.Fleet.Name)
			if err := os.RemoveAll(dir); err != nil {
				return fmt.Errorf("removing the fleet's state: %w", err)
			}
			_ = os.Remove(filepath.Dir(dir)) // stays while another fleet has its state there
			return nil
		},
	}
	clusterFlag(cmd, env)
	cmd.Flags().BoolVar(&all, "all", false, "also clusters that are no longer in the catalog")
	cmd.Flags().BoolVar(&purge, "purge", false, "also the fleet's folder")
	return cmd
}

// endWorkers is how many clusters end at once: ending is mostly waiting.
const endWorkers = 8

// end stops or removes clusters, several at once, under the fleet's lock. A
// cluster that was never made is no error.
func (e *environment) end(ctx context.Context, command string, all bool, act func(cluster.Core, context.Context, string) error) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	chosen, err := e.chosen(cat)
	if err != nil {
		return err
	}
	result := report.New(command, cat)
	e.result = result
	if !e.stateExists(cat) {
		return nil
	}
	r, err := e.open(cat)
	if err != nil {
		return err
	}
	defer r.close()
	release, err := r.lock(ctx, command)
	if err != nil {
		return err
	}
	defer release()
	if len(chosen) == 0 {
		if chosen, err = e.here(cat, r, all); err != nil {
			return err
		}
	}
	outcomes := cluster.ForEach(ctx, chosen, endWorkers, func(ctx context.Context, name string) error {
		r.progress.Update(name, command)
		return act(r.provider, ctx, name)
	})
	var errs []error
	for i, name := range chosen {
		if err := outcomes[i]; err != nil && !errors.Is(err, cluster.ErrNotRunning) {
			errs = append(errs, err)
			continue
		}
		c := report.Cluster{Name: name, State: report.Stopped}
		if r.provider.Provider(name) == catalog.ProviderExisting {
			c.State, c.Why = report.Running, "it was there before: it goes on, and what was applied stays"
		}
		if known := cat.Cluster(name); known != nil {
			c.Role = string(known.Spec.Role)
		}
		result.Clusters = append(result.Clusters, c)
	}
	return errors.Join(errs...)
}

// here lists the clusters that have state: of the catalog, or all.
func (e *environment) here(cat *catalog.Catalog, r *running, all bool) ([]string, error) {
	found := names(cat)
	if all {
		state := e.stateDir(cat.Fleet.Name)
		for _, dir := range []string{state, filepath.Join(state, ".kind")} {
			entries, err := os.ReadDir(dir)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, fmt.Errorf("reading the fleet's state: %w", err)
			}
			for _, entry := range entries {
				found = append(found, entry.Name())
			}
		}
	}
	slices.Sort(found)
	return slices.DeleteFunc(slices.Compact(found), func(name string) bool { return !r.provider.Knows(name) }), nil
}
