package tool

import (
	"archive/tar"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Every image is for this platform: its digest in the baseline is one number.
const (
	imageOS   = "linux"
	imageArch = "amd64"
)

const (
	maxBinary = 512 << 20
	blobs     = "blobs/sha256/"

	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	// The layer is not compressed: what a compressor writes depends on its
	// version, and the digest may depend on the program alone.
	typeLayer = "application/vnd.oci.image.layer.v1.tar"

	annotationName = "io.containerd.image.name"
	annotationRef  = "org.opencontainers.image.ref.name"
)

// refPattern is a repository with its registry, and a tag. The registry has a
// dot, or else the tools would look for the image elsewhere.
var refPattern = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)

// ImageSpec is an image of one static program and nothing else.
type ImageSpec struct {
	Ref     string   // repository:tag
	Program string   // name of the program in the image's root
	Binary  []byte   // the program
	User    string   // "uid:gid"; the image has no names of users
	Ports   []string // "8080/tcp"
}

func (s ImageSpec) check() error {
	switch {
	case !refPattern.MatchString(s.Ref):
		return fmt.Errorf("image %q: want registry/repository:tag, without a digest", s.Ref)
	case !regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`).MatchString(s.Program):
		return fmt.Errorf("image %s: %q is no name of a program", s.Ref, s.Program)
	case !regexp.MustCompile(`^[1-9][0-9]*:[1-9][0-9]*$`).MatchString(s.User):
		return fmt.Errorf("image %s: user %q: want uid:gid, neither of root", s.Ref, s.User)
	case len(s.Binary) == 0 || len(s.Binary) > maxBinary:
		return fmt.Errorf("image %s: the program has %d bytes", s.Ref, len(s.Binary))
	}
	return nil
}

// The few parts of the OCI image format that are written here.
type (
	descriptor struct {
		MediaType   string            `json:"mediaType"`
		Digest      string            `json:"digest"`
		Size        int64             `json:"size"`
		Annotations map[string]string `json:"annotations,omitempty"`
		Platform    *imagePlatform    `json:"platform,omitempty"`
	}
	imagePlatform struct {
		Architecture string `json:"architecture"`
		OS           string `json:"os"`
	}
	imageIndex struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Manifests     []descriptor `json:"manifests"`
	}
	imageManifest struct {
		SchemaVersion int          `json:"schemaVersion"`
		MediaType     string       `json:"mediaType"`
		Config        descriptor   `json:"config"`
		Layers        []descriptor `json:"layers"`
	}
	imageConfig struct {
		Created      string         `json:"created"`
		Architecture string         `json:"architecture"`
		OS           string         `json:"os"`
		Config       runConfig      `json:"config"`
		RootFS       rootFS         `json:"rootfs"`
		History      []imageHistory `json:"history"`
	}
	runConfig struct {
		User         string              `json:"User"`
		ExposedPorts map[string]struct{} `json:"ExposedPorts,omitempty"`
		Entrypoint   []string            `json:"Entrypoint"`
		WorkingDir   string              `json:"WorkingDir"`
	}
	rootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	}
	imageHistory struct {
		Created   string `json:"created"`
		CreatedBy string `json:"created_by"`
	}
	imageLayout struct {
		Version string `json:"imageLayoutVersion"`
	}
	// dockerManifest is an entry of manifest.json, which Docker's older stores
	// read instead of the index.
	dockerManifest struct {
		Config   string   `json:"Config"`
		RepoTags []string `json:"RepoTags"`
		Layers   []string `json:"Layers"`
	}
)

// PackImage writes an image as a tar archive that is an OCI image layout and can
// be loaded into Docker as well. The same spec gives the same bytes. The answer
// is the manifest's digest, "sha256:…".
func PackImage(w io.Writer, spec ImageSpec) (string, error) {
	if err := spec.check(); err != nil {
		return "", err
	}
	layer, err := packLayer(spec)
	if err != nil {
		return "", fmt.Errorf("image %s: %w", spec.Ref, err)
	}
	files, digest, err := layoutFiles(spec, layer)
	if err == nil {
		err = writeTar(w, files)
	}
	if err != nil {
		return "", fmt.Errorf("image %s: %w", spec.Ref, err)
	}
	return digest, nil
}

// packed is one file of an archive.
type packed struct {
	name string
	mode int64
	data []byte
}

func packLayer(spec ImageSpec) ([]byte, error) {
	var layer bytes.Buffer
	layer.Grow(len(spec.Binary) + 4<<10)
	err := writeTar(&layer, []packed{{name: spec.Program, mode: 0o555, data: spec.Binary}})
	return layer.Bytes(), err
}

// writeTar writes files of root, made in 1970, in order of their names.
func writeTar(w io.Writer, files []packed) error {
	slices.SortFunc(files, func(a, b packed) int { return cmp.Compare(a.name, b.name) })
	tw := tar.NewWriter(w)
	for _, f := range files {
		header := &tar.Header{
			Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(f.data)), Mode: f.mode,
			ModTime: time.Unix(0, 0), Format: tar.FormatUSTAR,
		}
		if err := tw.WriteHeader(header); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
		if _, err := tw.Write(f.data); err != nil {
			return fmt.Errorf("pack %s: %w", f.name, err)
		}
	}
	if err := tw.Close(); err != nil {
		return fmt.Errorf("pack: %w", err)
	}
	return nil
}

// layoutFiles are the files of the archive, and the manifest's digest.
func layoutFiles(spec ImageSpec, layer []byte) ([]packed, string, error) {
	var errs []error
	marshal := func(v any) []byte {
		text, err := json.Marshal(v)
		errs = append(errs, err)
		return text
	}
	var files []packed
	blob := func(mediaType string, data []byte) descriptor {
		d := descriptor{MediaType: mediaType, Digest: sha256Of(data), Size: int64(len(data))}
		files = append(files, packed{name: blobPath(d.Digest), mode: 0o444, data: data})
		return d
	}
	layerAt := blob(typeLayer, layer)
	configAt := blob(typeConfig, marshal(configOf(spec, layerAt.Digest)))
	manifest := blob(typeManifest, marshal(imageManifest{
		SchemaVersion: 2, MediaType: typeManifest, Config: configAt, Layers: []descriptor{layerAt},
	}))
	repository, tag := splitRef(spec.Ref)
	manifest.Platform = &imagePlatform{Architecture: imageArch, OS: imageOS}
	byTag, byDigest := manifest, manifest
	byTag.Annotations = map[string]string{annotationName: spec.Ref, annotationRef: tag}
	// A pod that names tag and digest is looked up by its digest alone: without
	// this name a node would ask a registry for what it has.
	byDigest.Annotations = map[string]string{annotationName: repository + "@" + manifest.Digest}
	files = append(files,
		packed{name: "index.json", mode: 0o444, data: marshal(imageIndex{
			SchemaVersion: 2, MediaType: typeIndex, Manifests: []descriptor{byTag, byDigest},
		})},
		packed{name: "manifest.json", mode: 0o444, data: marshal([]dockerManifest{{
			Config: blobPath(configAt.Digest), RepoTags: []string{spec.Ref}, Layers: []string{blobPath(layerAt.Digest)},
		}})},
		packed{name: "oci-layout", mode: 0o444, data: marshal(imageLayout{Version: "1.0.0"})},
	)
	return files, manifest.Digest, errors.Join(errs...)
}

func configOf(spec ImageSpec, layer string) imageConfig {
	const created = "1970-01-01T00:00:00Z"
	ports := map[string]struct{}{}
	for _, p := range spec.Ports {
		ports[p] = struct{}{}
	}
	return imageConfig{
		Created: created, Architecture: imageArch, OS: imageOS,
		Config:  runConfig{User: spec.User, ExposedPorts: ports, Entrypoint: []string{"/" + spec.Program}, WorkingDir: "/"},
		RootFS:  rootFS{Type: "layers", DiffIDs: []string{layer}}, // not compressed: the layer's own digest
		History: []imageHistory{{Created: created, CreatedBy: "platform: " + spec.Program}},
	}
}

func sha256Of(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func blobPath(digest string) string { return blobs + strings.TrimPrefix(digest, "sha256:") }

// splitRef splits a checked reference at its tag.
func splitRef(ref string) (repository, tag string) {
	at := strings.LastIndexByte(ref, ':')
	return ref[:at], ref[at+1:]
}
