package remote

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	godigest "github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/archive"
)

// Media types of layers that hold files.
const (
	helmLayer  = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
	fluxLayer  = "application/vnd.cncf.flux.content.v1.tar+gzip"
	dockerType = "application/vnd.docker.distribution.manifest.v2+json"
)

// maxManifest bounds a manifest, in bytes: what registries take.
const maxManifest = 4 << 20

func isRegistry(address string) bool { return strings.HasPrefix(address, "oci://") }

// repository opens a repository of a registry, for answers of so many bytes.
func (s *Store) repository(address string, most int64) (*remote.Repository, error) {
	repo, err := remote.NewRepository(strings.TrimPrefix(address, "oci://"))
	if err != nil {
		return nil, err
	}
	credential, err := s.docker()
	if err != nil {
		return nil, err
	}
	repo.Client = &auth.Client{Client: s.client(most), Credential: credential, Cache: auth.NewCache()}
	return repo, nil
}

// artifact resolves an artifact of a registry and gets its layer.
func (s *Store) artifact(ctx context.Context, o *catalog.OCI) (catalog.LockedSource, []byte, error) {
	repo, err := s.repository(o.URL, archive.MaxSize)
	if err != nil {
		return catalog.LockedSource{}, nil, err
	}
	// Helm writes the + of a version as _ in a tag.
	desc, err := repo.Resolve(ctx, cmp.Or(o.Digest, strings.ReplaceAll(o.Version, "+", "_")))
	if err != nil {
		return catalog.LockedSource{}, nil, err
	}
	layer, err := layerOf(ctx, repo, desc)
	if err != nil {
		return catalog.LockedSource{}, nil, err
	}
	locked := catalog.LockedSource{Version: cmp.Or(o.Version, o.Digest), URL: o.URL, Revision: desc.Digest.String(), Format: catalog.FormatFiles}
	if layer.MediaType == helmLayer {
		locked.Format = catalog.FormatChart
	}
	data, err := content.FetchAll(ctx, repo.Blobs(), layer)
	return locked, data, err
}

// layerOf reads a manifest and finds its one layer that holds files.
func layerOf(ctx context.Context, repo *remote.Repository, desc ocispec.Descriptor) (ocispec.Descriptor, error) {
	none := ocispec.Descriptor{}
	if desc.MediaType != ocispec.MediaTypeImageManifest && desc.MediaType != dockerType {
		return none, fmt.Errorf("%s is no manifest of one artifact but %s", desc.Digest, desc.MediaType)
	}
	if desc.Size > maxManifest {
		return none, fmt.Errorf("the manifest has %d bytes; it may have %d", desc.Size, maxManifest)
	}
	data, err := content.FetchAll(ctx, repo, desc)
	if err != nil {
		return none, err
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(data, &manifest); err != nil {
		return none, fmt.Errorf("the manifest is not valid: %w", err)
	}
	var found []ocispec.Descriptor
	for _, l := range manifest.Layers {
		switch l.MediaType {
		case helmLayer, fluxLayer, ocispec.MediaTypeImageLayer, ocispec.MediaTypeImageLayerGzip, "application/vnd.docker.image.rootfs.diff.tar.gzip":
			found = append(found, l)
		}
	}
	switch {
	case len(found) != 1:
		return none, fmt.Errorf("the artifact has %d layers that hold files; it has to have one", len(found))
	case found[0].Size > archive.MaxSize || found[0].Size < 1:
		return none, fmt.Errorf("the layer has %d bytes; it may have %d", found[0].Size, archive.MaxSize)
	case found[0].Digest.Algorithm() != digest256:
		return none, errors.New("the layer has no digest of sha256")
	}
	return found[0], nil
}

// blob gets a locked archive from a registry: its own, or a mirror.
func (s *Store) blob(ctx context.Context, address string, locked catalog.LockedSource) ([]byte, error) {
	repo, err := s.repository(address, archive.MaxSize)
	if err != nil {
		return nil, err
	}
	in, err := repo.Blobs().Fetch(ctx, descriptor(locked))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, int64(locked.Size)+1)) // the caller checks them
}

const digest256 = godigest.SHA256

func descriptor(locked catalog.LockedSource) ocispec.Descriptor {
	return ocispec.Descriptor{MediaType: sourceLayer, Digest: godigest.Digest(locked.Digest), Size: int64(locked.Size)}
}
