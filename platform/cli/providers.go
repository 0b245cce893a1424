package cli

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/embedded"
	"dualtrack.internal/platform/cluster/existing"
)

// providers makes every provider that a declaration may name.
func (e *environment) providers(cat *catalog.Catalog, programs func(context.Context) (map[string]string, error)) (*cluster.Mixed, error) {
	state := e.stateDir(cat.Fleet.Name)
	own, err := embedded.New(embedded.Config{StateDir: state, Programs: programs})
	if err != nil {
		return nil, err
	}
	found := existing.New(existing.Config{
		StateDir: state, Kubeconfigs: e.kubeconfigs(), Fleet: cat.Fleet.Name, Declared: cat.Cluster, Adopt: e.adopt,
	})
	return &cluster.Mixed{
		Providers: map[string]cluster.Core{
			catalog.ProviderEmbedded: own,
			catalog.ProviderExisting: found,
		},
		Declared: func(name string) string {
			if c := cat.Cluster(name); c != nil {
				return c.Spec.Provider
			}
			return ""
		},
		Override: e.override,
	}, nil
}

// kubeconfigs are the files that kubectl would read.
func (e *environment) kubeconfigs() []string {
	home := e.Getenv("HOME")
	return filepath.SplitList(cmp.Or(e.Getenv("KUBECONFIG"), filepath.Join(home, ".kube", "config")))
}

// approvalFlags add --yes, for clusters that were there before.
func approvalFlags(cmd *cobra.Command, env *environment, o *fleetOptions) {
	cmd.Flags().BoolVar(&o.approved, "yes", false, "apply what the plan shows to clusters that were there before")
	cmd.Flags().BoolVar(&env.adopt, "adopt", false, "with --yes, take existing clusters that no fleet has adopted")
}
