package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/kind"
	"dualtrack.internal/platform/nodeimage"
	"dualtrack.internal/platform/render"
)

// nodeImage is what nodes of kind start from: the image that was asked for, else
// ours, which is made if the engine does not hold it.
func (r *running) nodeImage(ctx context.Context) (kind.Image, error) {
	if r.env.image != "" {
		image := kind.Image{Ref: r.env.image}
		if strings.HasPrefix(image.Ref, nodeimage.Repository+":") {
			image.EtcdTag = nodeimage.EtcdTag(r.cat.Baseline)
		}
		return image, nil
	}
	versions, err := nodeimage.Of(r.cat.Baseline)
	if err != nil {
		return kind.Image{}, err
	}
	made, err := nodeimage.Ensure(ctx, r.store, nodeimage.Options{CacheDir: r.env.nodeImageDir(), Versions: versions}, making(r.progress))
	if err != nil {
		return kind.Image{}, err
	}
	r.progress.Done("node image", made.Ref)
	return kind.Image{Ref: made.Ref, EtcdTag: versions.Etcd}, nil
}

// images builds those images of a bundle that the baseline says are built here.
func (r *running) images(ctx context.Context, b *render.Bundle) ([]cluster.ImageArchive, error) {
	used := map[string]bool{}
	for _, o := range b.Objects {
		noteImages(o.Object, used)
	}
	var out []cluster.ImageArchive
	for _, name := range slices.Sorted(maps.Keys(r.cat.Baseline.Spec.Images)) {
		image := r.cat.Baseline.Spec.Images[name]
		if image.Program == "" || !used[image.Ref()] {
			continue
		}
		made, err := r.store.Image(ctx, image.Program, image.Repository+":"+image.Tag, building(r.progress))
		if err != nil {
			return nil, err
		}
		if image.Digest != catalog.Unresolved && image.Digest != made.Digest {
			return nil, fmt.Errorf("%s: spec.images.%s.digest: the image that is built here has %s; write that, undo what changed in tools/, or build with the Go that its go.mod names", r.cat.Baseline.File, name, made.Digest)
		}
		out = append(out, cluster.ImageArchive{Path: made.Path, Ref: made.Ref, Digest: made.Digest})
	}
	return out, nil
}

// noteImages finds every image that a document names.
func noteImages(node any, used map[string]bool) {
	switch v := node.(type) {
	case map[string]any:
		for key, value := range v {
			if text, ok := value.(string); ok && key == "image" {
				used[text] = true
			}
			noteImages(value, used)
		}
	case []any:
		for _, value := range v {
			noteImages(value, used)
		}
	}
}
