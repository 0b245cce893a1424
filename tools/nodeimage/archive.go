package main

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
)

// image is one image of an archive.
type image struct {
	tags   []string
	layers []blob
	run    runConfig
}

// runConfig is how an image is run; its field names are Docker's.
type runConfig struct {
	Env        []string          `json:"Env,omitempty"`
	Entrypoint []string          `json:"Entrypoint,omitempty"`
	Cmd        []string          `json:"Cmd,omitempty"`
	StopSignal string            `json:"StopSignal,omitempty"`
	Labels     map[string]string `json:"Labels,omitempty"`
}

type imageConfig struct {
	Architecture string    `json:"architecture"`
	OS           string    `json:"os"`
	Created      string    `json:"created"`
	Config       runConfig `json:"config"`
	RootFS       rootFS    `json:"rootfs"`
	History      []history `json:"history"`
}

type rootFS struct {
	Type    string   `json:"type"`
	DiffIDs []string `json:"diff_ids"`
}

type history struct {
	Created   string `json:"created"`
	CreatedBy string `json:"created_by"`
}

// manifest is one element of an archive's manifest.json.
type manifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// config gives an image's configuration, whose hash is the image's id.
func (i image) config() ([]byte, error) {
	created := epoch().Format("2006-01-02T15:04:05Z")
	c := imageConfig{Architecture: runtime.GOARCH, OS: "linux", Created: created, Config: i.run, RootFS: rootFS{Type: "layers"}}
	for _, l := range i.layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, l.diffID)
		c.History = append(c.History, history{Created: created, CreatedBy: "dualtrack tools/nodeimage"})
	}
	return json.Marshal(c)
}

// writeArchive gives images as `docker load` and `ctr images import` take them.
// A layer that several images hold stands in it once.
func writeArchive(w io.Writer, images []image) error {
	out := tar.NewWriter(w)
	var manifests []manifest
	var written []string
	for _, i := range images {
		config, err := i.config()
		if err != nil {
			return fmt.Errorf("image %v: %w", i.tags, err)
		}
		sum := sha256.Sum256(config)
		m := manifest{Config: hex.EncodeToString(sum[:]) + ".json", RepoTags: i.tags}
		for _, l := range i.layers {
			name := strings.TrimPrefix(l.diffID, "sha256:") + "/layer.tar"
			m.Layers = append(m.Layers, name)
			if slices.Contains(written, name) {
				continue
			}
			written = append(written, name)
			if err := addFile(out, name, l); err != nil {
				return fmt.Errorf("image %v: %w", i.tags, err)
			}
		}
		if err := addBytes(out, m.Config, config); err != nil {
			return fmt.Errorf("image %v: %w", i.tags, err)
		}
		manifests = append(manifests, m)
	}
	data, err := json.Marshal(manifests)
	if err != nil {
		return fmt.Errorf("manifest of the archive: %w", err)
	}
	if err := addBytes(out, "manifest.json", data); err != nil {
		return fmt.Errorf("manifest of the archive: %w", err)
	}
	return out.Close()
}

func addFile(out *tar.Writer, name string, b blob) error {
	f, err := os.Open(b.path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: b.bytes, ModTime: epoch()}); err != nil {
		return err
	}
	_, err = io.Copy(out, f)
	return err
}

func addBytes(out *tar.Writer, name string, data []byte) error {
	if err := out.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: epoch()}); err != nil {
		return err
	}
	_, err := out.Write(data)
	return err
}
