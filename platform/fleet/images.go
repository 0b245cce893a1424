package fleet

import (
	"context"
	"fmt"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/render"
)

// simulates says that every node of a cluster is simulated.
func (d *Driver) simulates(access cluster.Access, name string) bool {
	real := func(n catalog.Node) bool { return n.Real }
	return slices.Contains(access.Lacks, cluster.RunsPods) && !slices.ContainsFunc(d.config.Catalog.Cluster(name).Spec.Nodes, real)
}

// giveImages hands the images that were built here to the nodes of a cluster
// whose provider takes them: no registry has them. Where no container runs,
// nothing is built.
func (d *Driver) giveImages(ctx context.Context, access cluster.Access, b *render.Bundle) error {
	loader, ok := d.config.Core.(cluster.ImageLoader)
	if !ok || d.config.Images == nil || d.simulates(access, b.Cluster) || !cluster.TakesImages(d.config.Core, b.Cluster) {
		return nil
	}
	d.config.Events.update(b.Cluster, "images")
	images, err := d.config.Images(ctx, b)
	if err != nil {
		return fmt.Errorf("cluster %s: images: %w", b.Cluster, err)
	}
	for _, image := range images {
		if err := loader.LoadImage(ctx, b.Cluster, image); err != nil {
			return err
		}
	}
	return nil
}
