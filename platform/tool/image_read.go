package tool

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// What an archive of an image may hold.
const (
	maxImageFiles = 16
	maxImageBytes = maxBinary + 16<<20
)

// imageContents is an archive of PackImage, every digest checked.
type imageContents struct {
	refs     []string // its names in the index
	digest   string   // of its manifest
	manifest imageManifest
	config   imageConfig
	docker   []dockerManifest
	layer    []byte
}

// readImage reads an archive that PackImage wrote, into memory only. It takes
// plain files alone, few and small enough, none twice or outside its folders,
// and nothing whose digest is not what is said of it.
func readImage(r io.Reader) (imageContents, error) {
	files, err := readTar(r)
	if err != nil {
		return imageContents{}, fmt.Errorf("read an image: %w", err)
	}
	c, err := openLayout(files)
	if err != nil {
		return imageContents{}, fmt.Errorf("read an image: %w", err)
	}
	return c, nil
}

func readTar(r io.Reader) (map[string][]byte, error) {
	files, left := map[string][]byte{}, int64(maxImageBytes)
	tr := tar.NewReader(r)
	for {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		name := header.Name
		switch _, twice := files[name]; {
		case header.Typeflag != tar.TypeReg || header.Format != tar.FormatUSTAR: // others can claim holes of any size
			return nil, fmt.Errorf("%q is no plain file", name)
		case name != path.Clean(name) || path.IsAbs(name) || name == ".." || strings.HasPrefix(name, "../") || strings.Contains(name, `\`):
			return nil, fmt.Errorf("%q is no clean path", name)
		case twice:
			return nil, fmt.Errorf("%q stands there twice", name)
		case len(files) == maxImageFiles:
			return nil, fmt.Errorf("more than %d files", maxImageFiles)
		case header.Size > left:
			return nil, fmt.Errorf("%q makes it larger than %d bytes", name, maxImageBytes)
		}
		left -= header.Size
		data, err := io.ReadAll(io.LimitReader(tr, header.Size))
		if err != nil {
			return nil, fmt.Errorf("%q: %w", name, err)
		}
		files[name] = data
	}
}

func openLayout(files map[string][]byte) (imageContents, error) {
	var c imageContents
	var layout imageLayout
	var index imageIndex
	if err := errors.Join(
		unmarshalFile(files, "oci-layout", &layout), unmarshalFile(files, "index.json", &index),
		unmarshalFile(files, "manifest.json", &c.docker),
	); err != nil {
		return c, err
	}
	if layout.Version != "1.0.0" || len(index.Manifests) == 0 {
		return c, fmt.Errorf("layout %q with %d images", layout.Version, len(index.Manifests))
	}
	first := index.Manifests[0]
	for _, d := range index.Manifests {
		if d.Digest != first.Digest {
			return c, errors.New("it holds more than one image")
		}
		c.refs = append(c.refs, d.Annotations[annotationName])
	}
	c.digest = first.Digest
	text, err := findBlob(files, first, typeManifest)
	if err == nil {
		err = json.Unmarshal(text, &c.manifest)
	}
	if err != nil {
		return c, fmt.Errorf("manifest: %w", err)
	}
	text, err = findBlob(files, c.manifest.Config, typeConfig)
	if err == nil {
		err = json.Unmarshal(text, &c.config)
	}
	if err != nil {
		return c, fmt.Errorf("config: %w", err)
	}
	if len(c.manifest.Layers) != 1 || !slices.Equal(c.config.RootFS.DiffIDs, []string{c.manifest.Layers[0].Digest}) {
		return c, errors.New("its layers are not the config's one")
	}
	c.layer, err = findBlob(files, c.manifest.Layers[0], typeLayer)
	return c, err
}

func unmarshalFile(files map[string][]byte, name string, into any) error {
	text, ok := files[name]
	if !ok {
		return fmt.Errorf("%s is missing", name)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// findBlob is what a descriptor stands for.
func findBlob(files map[string][]byte, d descriptor, mediaType string) ([]byte, error) {
	data, ok := files[blobPath(d.Digest)]
	switch {
	case d.MediaType != mediaType:
		return nil, fmt.Errorf("%s is a %q, not a %s", d.Digest, d.MediaType, mediaType)
	case !ok:
		return nil, fmt.Errorf("%s is missing", d.Digest)
	case int64(len(data)) != d.Size || sha256Of(data) != d.Digest:
		return nil, fmt.Errorf("%s is damaged", d.Digest)
	}
	return data, nil
}
