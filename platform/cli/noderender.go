package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/kind"
	"dualtrack.internal/platform/nodeimage"
)

func newNodeRender(env *environment) *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "render CLUSTER",
		Short: "Write what a cluster's nodes would be configured with",
		Long: "render writes kubeadm's configuration with its patches, the kubelets' configuration, what the API\n" +
			"server reads, and kind's own configuration, as the cluster's declaration asks for them: to standard\n" +
			"output, or with --to as files. The key that Secrets are encrypted with is left out, and STATE\n" +
			"stands for the cluster's folder.",
		Example: "  platform node render hub --to /tmp/hub",
		Args:    argsUsage(cobra.ExactArgs(1)),
		RunE:    func(_ *cobra.Command, args []string) error { return env.nodeRender(args[0], dir) },
	}
	cmd.Flags().StringVar(&dir, "to", "", "write files into this folder")
	return cmd
}

func (e *environment) nodeRender(name, dir string) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	c := cat.Cluster(name)
	if c == nil {
		return unknownCluster(cat, name)
	}
	spec := cluster.Spec{Fleet: cat.Fleet.Name, Cluster: c, Kubernetes: cat.Baseline.Spec.Kubernetes}
	files, err := kind.Render(spec, kind.Image{Ref: nodeimage.Repository, EtcdTag: nodeimage.EtcdTag(cat.Baseline)})
	if err != nil {
		return err
	}
	for _, f := range files {
		if dir == "" {
			if _, err := fmt.Fprintf(e.Out, "---\n# %s/%s\n%s", name, f.Path, f.Data); err != nil {
				return err
			}
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("writing the configuration of %s: %w", name, err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			return fmt.Errorf("writing the configuration of %s: %w", name, err)
		}
	}
	return nil
}
