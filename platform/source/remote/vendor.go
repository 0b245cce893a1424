package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/archive"
)

// Types of what a mirror in a registry holds.
const (
	sourceType  = "application/vnd.dualtrack.source.v1"
	sourceLayer = "application/vnd.dualtrack.source.content.v1.tar"
)

// Vendored says what became of one source.
type Vendored struct {
	Component string `json:"component"`
	Version   string `json:"version"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
	New       bool   `json:"new"` // the mirror did not hold it
}

// Vendor copies every locked source to a mirror: a folder, or oci://… of a
// registry. What the mirror holds already is left as it is; in a folder it is
// read and checked.
func (s *Store) Vendor(ctx context.Context, cat *catalog.Catalog, to string) ([]Vendored, error) {
	var repo *remote.Repository
	if isRegistry(to) {
		var err error
		if repo, err = s.repository(to, archive.MaxSize); err != nil {
			return nil, fmt.Errorf("mirror %s: %w", to, err)
		}
	}
	var out []Vendored
	for _, name := range Names(cat) {
		c := cat.Components[name]
		locked, err := cat.Lock.Pin(c)
		if err != nil {
			return out, err
		}
		data, err := s.bytes(ctx, name, locked)
		if err != nil {
			return out, err
		}
		one := Vendored{Component: name, Version: locked.Version, Digest: locked.Digest, Size: locked.Size}
		if repo != nil {
			one.New, err = push(ctx, repo, name, locked, data)
		} else {
			one.New, err = place(to, locked, data)
		}
		if err != nil {
			return out, fmt.Errorf("mirror %s to %s: %w", name, shown(to), err)
		}
		out = append(out, one)
	}
	return out, nil
}

// place writes an archive into a folder, unless it is there.
func place(dir string, locked catalog.LockedSource, data []byte) (bool, error) {
	if there, err := readBlob(dir, locked); err == nil && bytes.Equal(there, data) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "sha256"), 0o755); err != nil {
		return false, err
	}
	if err := writeBlob(dir, locked.Digest, data); err != nil {
		return false, err
	}
	return true, os.Chmod(blobName(dir, locked.Digest), 0o644)
}

// push writes an archive into a registry, with a manifest that keeps it there.
func push(ctx context.Context, repo *remote.Repository, name string, locked catalog.LockedSource, data []byte) (bool, error) {
	tag := "sha256-" + locked.Digest[len("sha256:"):]
	_, err := repo.Resolve(ctx, tag)
	if err == nil {
		return false, nil
	}
	if !errors.Is(err, errdef.ErrNotFound) {
		return false, err
	}
	layer := descriptor(locked)
	if err := repo.Blobs().Push(ctx, layer, bytes.NewReader(data)); err != nil {
		return false, err
	}
	manifest, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, sourceType, oras.PackManifestOptions{
		Layers: []ocispec.Descriptor{layer},
		ManifestAnnotations: map[string]string{
			ocispec.AnnotationCreated: "1970-01-01T00:00:00Z", // the same manifest each time
			ocispec.AnnotationTitle:   name, ocispec.AnnotationVersion: locked.Version,
		},
	})
	if err == nil {
		err = repo.Tag(ctx, manifest, tag)
	}
	return true, err
}
