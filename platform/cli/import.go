package cli

import (
	"context"
	"errors"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/adopt"
	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source"
)

// importOptions are the flags of import.
type importOptions struct{ to, fleet, hub string }

func newImport(env *environment) *cobra.Command {
	cmd := &cobra.Command{
		Use: "import", Short: "Take over a repository of Flux or Argo CD, and prove that the objects are equal", Args: argsUsage(cobra.NoArgs),
		Long: "import makes components and clusters of a tree that Flux or Argo CD deliver. It renders both what\n" +
			"the engine would and what the new catalog gives, compares them object by object, and lists what\n" +
			"differs and what could not be taken over, each with its place. Without --to it writes nothing;\n" +
			"nothing is ever overwritten. Exit code 1 if not everything is equal and taken over.\n" +
			"Silences of an Alertmanager are taken over by `silence import`.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, engine := range []struct{ name, short, example string }{
		{adopt.Flux, "Take over Flux's Kustomizations and HelmReleases", "clusters"},
		{adopt.ArgoCD, "Take over Argo CD's Applications and ApplicationSets", "bootstrap"},
	} {
		var o importOptions
		c := &cobra.Command{
			Use: engine.name + " PATH", Short: engine.short, Args: argsUsage(cobra.ExactArgs(1)),
			Long: engine.short + ". PATH is the folder whose folders are the clusters, one cluster's\n" +
				"folder, the repository's root with a folder clusters, or a pattern such as 'clusters/*'.",
			Example: "  platform import " + engine.name + " " + engine.example + "\n  platform import " + engine.name + " " + engine.example + " --to ../fleet",
			RunE: func(cmd *cobra.Command, args []string) error {
				return env.importTree(cmd.Context(), engine.name, args[0], o)
			},
		}
		c.Flags().StringVar(&o.to, "to", "", "write the catalog into this folder")
		c.Flags().StringVar(&o.fleet, "fleet", "", "name of the fleet (default: the folder's, as far as it is a name)")
		c.Flags().StringVar(&o.hub, "hub", "", "cluster that is the hub (default: the first by name)")
		cmd.AddCommand(c)
	}
	return cmd
}

// importTree takes a tree over and says how it compares.
func (e *environment) importTree(ctx context.Context, engine, at string, o importOptions) error {
	root, within, err := source.Root(e.dir)
	if err != nil {
		return err
	}
	options := adopt.Options{Engine: engine, Path: path.Join(within, filepath.ToSlash(at)), Hub: o.hub, Fleet: o.fleet}
	if options.Fleet == "" {
		options.Fleet = nameOf(filepath.Base(root))
	}
	if options.Baseline, err = e.baseline(); err != nil {
		return err
	}
	if options.Base, err = e.distribution(); err != nil {
		return err
	}
	if options.Remotes, err = source.Remotes(root); err != nil {
		return err
	}
	tree, err := catalog.OpenTree(root)
	if err != nil {
		return err
	}
	defer tree.Close()
	outcome, err := adopt.Run(ctx, tree, options)
	if err != nil {
		return err
	}
	if o.to != "" {
		if err := outcome.Write(o.to); errors.Is(err, adopt.ErrTaken) {
			return &UsageError{Err: err}
		} else if err != nil {
			return err
		}
	}
	if err := e.writeDocument(outcome); err != nil {
		return err
	}
	if outcome.Differs() {
		return &StatusError{Code: exitDiffers}
	}
	return nil
}
