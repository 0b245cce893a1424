package cli

import (
	"cmp"
	"path/filepath"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/embedded"
	"dualtrack.internal/platform/cluster/existing"
	"dualtrack.internal/platform/cluster/kind"
)

// providers makes every provider that a declaration may name.
func (e *environment) providers(cat *catalog.Catalog, r *running) (*cluster.Mixed, error) {
	state := e.stateDir(cat.Fleet.Name)
	own, err := embedded.New(embedded.Config{StateDir: state, Programs: r.programs, NodePrograms: r.nodePrograms})
	if err != nil {
		return nil, err
	}
	nodes, err := kind.New(kind.Config{StateDir: state, Image: r.nodeImage})
	if err != nil {
		return nil, err
	}
	found := existing.New(existing.Config{
		StateDir: state, Kubeconfigs: e.kubeconfigs(), Fleet: cat.Fleet.Name, Declared: cat.Cluster, Adopt: e.adopt,
	})
	return &cluster.Mixed{
		Providers: map[string]cluster.Core{
			catalog.ProviderEmbedded: own,
			catalog.ProviderKind:     nodes,
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

// providerFlags add --provider and --node-image.
func providerFlags(cmd *cobra.Command, env *environment) {
	cmd.Flags().StringVar(&env.override, "provider", "", "bring every cluster up by this provider, whatever it declares: embedded or kind")
	cmd.Flags().StringVar(&env.image, "node-image", "", "what nodes of kind start from, an image that the engine holds (default: ours, made if need be)")
}

// checkProvider refuses what --provider cannot be: existing clusters have to be
// declared, each with its context.
func (e *environment) checkProvider() error {
	switch e.override {
	case "", catalog.ProviderEmbedded, catalog.ProviderKind:
		return nil
	}
	return usagef("--provider %q: want %s or %s; a cluster that exists is declared with its context", e.override, catalog.ProviderEmbedded, catalog.ProviderKind)
}

// approvalFlags add --yes, for clusters that were there before.
func approvalFlags(cmd *cobra.Command, env *environment, o *fleetOptions) {
	cmd.Flags().BoolVar(&o.approved, "yes", false, "apply what the plan shows to clusters that were there before")
	cmd.Flags().BoolVar(&env.adopt, "adopt", false, "with --yes, take existing clusters that no fleet has adopted")
}
