package tool

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// Image is an image built here.
type Image struct {
	Path   string `json:"path"`   // of the archive: an OCI image layout, and for `docker load`
	Ref    string `json:"ref"`    // repository:tag
	Digest string `json:"digest"` // of the manifest, "sha256:…"
}

// ImagePlatformError says that this machine builds programs that images are not
// made of.
type ImagePlatformError struct{ OS, Arch string }

func (e *ImagePlatformError) Error() string {
	return fmt.Sprintf("images are packed from programs for %s/%s, and this machine builds for %s/%s; use a machine of the first kind",
		imageOS, imageArch, e.OS, e.Arch)
}

// Image builds a program of the store and packs it under a reference,
// repository:tag. The archive is kept beside the program; one that is there and
// whole is returned as it is. Errors are Ensure's and *ImagePlatformError.
func (s *Store) Image(ctx context.Context, program, ref string, ev Events) (Image, error) {
	spec := workloadImage(program)
	spec.Ref = ref
	return s.image(ctx, spec, ev)
}

func (s *Store) image(ctx context.Context, spec ImageSpec, ev Events) (Image, error) {
	if runtime.GOOS != imageOS || runtime.GOARCH != imageArch {
		return Image{}, &ImagePlatformError{OS: runtime.GOOS, Arch: runtime.GOARCH}
	}
	paths, err := s.Ensure(ctx, []string{spec.Program}, ev)
	if err != nil {
		return Image{}, err
	}
	binary := paths[spec.Program]
	path, err := archivePath(filepath.Dir(binary), spec)
	if err != nil {
		return Image{}, err
	}
	if img, err := keptImage(path, spec.Ref); err == nil {
		return img, nil
	}
	release, err := Acquire(ctx, filepath.Join(s.cfg.CacheDir, "lock"), "packing an image", func(h Holder) {
		ev.send(Progress{State: Waiting, Holder: h})
	})
	if err != nil {
		return Image{}, fmt.Errorf("pack an image of %s: %w", spec.Program, err)
	}
	defer release()
	if img, err := keptImage(path, spec.Ref); err == nil { // packed meanwhile
		return img, nil
	}
	if spec.Binary, err = os.ReadFile(binary); err != nil {
		return Image{}, fmt.Errorf("pack an image of %s: %w", spec.Program, err)
	}
	return s.keepImage(path, spec)
}

// archivePath tells the images of one program apart by all that is said of them.
func archivePath(dir string, spec ImageSpec) (string, error) {
	spec.Binary = nil // the folder is its key
	text, err := json.Marshal(spec)
	if err != nil {
		return "", fmt.Errorf("image of %s: %w", spec.Program, err)
	}
	sum := sha256.Sum256(text)
	return filepath.Join(dir, fmt.Sprintf("image-%x.tar", sum[:8])), nil
}

// keptImage is the image in an archive, if that is whole.
func keptImage(path, ref string) (Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return Image{}, err
	}
	defer f.Close()
	c, err := readImage(f)
	if err != nil {
		return Image{}, fmt.Errorf("%s: %w", path, err)
	}
	if c.refs[0] != ref {
		return Image{}, fmt.Errorf("%s holds %s, not %s", path, c.refs[0], ref)
	}
	return Image{Path: path, Ref: ref, Digest: c.digest}, nil
}

// keepImage packs an archive and moves it to its place at once. The caller holds
// the lock.
func (s *Store) keepImage(path string, spec ImageSpec) (Image, error) {
	temp := filepath.Join(s.cfg.CacheDir, tempPrefix+filepath.Base(path))
	defer func() { _ = os.Remove(temp) }() // what stays, the next build sweeps
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Image{}, fmt.Errorf("keep image %s: %w", spec.Ref, err)
	}
	digest, err := writeImage(temp, spec)
	if err == nil {
		err = syncPath(temp)
	}
	if err == nil {
		err = os.Rename(temp, path)
	}
	if err != nil {
		return Image{}, fmt.Errorf("keep image %s in %s: %w", spec.Ref, s.cfg.CacheDir, err)
	}
	return Image{Path: path, Ref: spec.Ref, Digest: digest}, syncPath(filepath.Dir(path))
}

// writeImage packs into a file of its own: programs of a hundred megabytes are
// not held once more.
func writeImage(path string, spec ImageSpec) (digest string, err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return PackImage(f, spec)
}
