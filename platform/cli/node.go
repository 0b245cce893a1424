package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/nodeimage"
)

func newNode(env *environment) *cobra.Command {
	cmd := &cobra.Command{Use: "node", Short: "What real nodes are made of", Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(newNodeImage(env), newNodeRender(env), newNodePreflight(env))
	return cmd
}

func newNodeImage(env *environment) *cobra.Command {
	var rebuild bool
	cmd := &cobra.Command{
		Use: "image", Short: "Make the image that kind's nodes start from, give it to the engine, print its name",
		Long: "image builds the programs of a node, installs Debian's packages into a folder (root, debootstrap),\n" +
			"and makes of both the image that kind starts nodes from, and a stand-in for the load balancer that\n" +
			"kind starts before several control planes. No registry is asked. What was made of the same inputs\n" +
			"is kept in the cache folder and not made again. The Docker engine is the one that `docker` finds.",
		Args: argsUsage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return env.nodeImage(cmd.Context(), rebuild) },
	}
	cmd.Flags().BoolVar(&rebuild, "rebuild", false, "make it anew, with Debian's packages of today")
	return cmd
}

func (e *environment) nodeImage(ctx context.Context, rebuild bool) error {
	cat, err := e.load()
	if err != nil {
		return err
	}
	versions, err := nodeimage.Of(cat.Baseline)
	if err != nil {
		return err
	}
	store, err := e.store(cat)
	if err != nil {
		return err
	}
	p := e.newProgress()
	r, err := nodeimage.Ensure(ctx, store, nodeimage.Options{CacheDir: e.nodeImageDir(), Versions: versions, Rebuild: rebuild}, making(p))
	p.Close()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(e.Out, r.Ref)
	return err
}

// nodeImageDir is where archives of node images are kept.
func (e *environment) nodeImageDir() string { return filepath.Join(e.cacheDir(), "node") }

// making shows how a node image is made.
func making(p progress) nodeimage.Events {
	return nodeimage.Events{Programs: building(p), Step: func(text string) { p.Update("node image", text) }}
}
