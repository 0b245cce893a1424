package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/report"
)

func newRender(env *environment) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "render",
		Short: "Write the clusters' bundles as YAML",
		Long: "render writes every cluster's bundle: to standard output, or with --to one folder a cluster.\n" +
			"It judges too, and shows what check would show, but writes the bundles all the same.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			cat, err := env.load()
			if err != nil {
				return err
			}
			chosen, err := env.chosen(cat)
			if err != nil {
				return err
			}
			gated, result, err := env.gate(cmd.Context(), cat, "render", policy.GateOptions{Clusters: chosen})
			if err != nil {
				return err
			}
			if dir == "" {
				for _, b := range gated.Rendered.Bundles {
					if err := env.printBundle(b); err != nil {
						return err
					}
				}
				if len(env.outputs) > 0 || result.Denials() > 0 {
					env.result = result
				}
				return nil
			}
			env.result = result
			result.AddBundles(gated, cat, report.NotChanged)
			for _, b := range gated.Rendered.Bundles {
				if err := writeBundle(filepath.Join(dir, b.Cluster), b); err != nil {
					return err
				}
			}
			return nil
		},
	}
	clusterFlag(cmd, env)
	cmd.Flags().StringVar(&dir, "to", "", "write one folder a cluster into this folder")
	return cmd
}

func (e *environment) printBundle(b *render.Bundle) error {
	files, err := b.Files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if _, err := fmt.Fprintf(e.Out, "---\n# %s/%s\n%s", b.Cluster, f.Path, f.Data); err != nil {
			return err
		}
	}
	return nil
}

func writeBundle(dir string, b *render.Bundle) error {
	files, err := b.Files()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the bundle of %s: %w", b.Cluster, err)
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, f.Path), f.Data, 0o644); err != nil {
			return fmt.Errorf("writing the bundle of %s: %w", b.Cluster, err)
		}
	}
	return nil
}
