package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// index is index.json. The modules are given; the sums are written.
type index struct {
	Generator string     `json:"generator"`
	Lifecycle entry      `json:"lifecycle"`
	Documents []document `json:"documents"`
}

// entry is one generated file: what it was made from, and the sha256 of its
// content (of a compressed file: uncompressed).
type entry struct {
	Sources []*source `json:"sources"`
	SHA256  string    `json:"sha256"`
}

// document is the schemas of one Kubernetes minor.
type document struct {
	Minor int `json:"minor"`
	entry
}

func (d document) file() string { return fmt.Sprintf("v1.%d.json.gz", d.Minor) }

// source is a Go module and the checksum the go command gives for it. An empty
// Sum is filled in; any other must hold.
type source struct {
	Module  string `json:"module"`
	Version string `json:"version"`
	Sum     string `json:"sum"`
	dir     string
}

func run(ctx context.Context, dir string, check bool) error {
	path := filepath.Join(dir, "index.json")
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var idx index
	if err := json.Unmarshal(old, &idx); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	files, err := idx.generate(ctx)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(idx, "", "  ")
	if err != nil {
		return err
	}
	files["index.json"] = append(text, '\n')
	if check {
		return compare(dir, files)
	}
	return write(dir, files)
}

// generate makes every file, uncompressed, and fills in the sums.
func (idx *index) generate(ctx context.Context) (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := fetch(ctx, idx.Lifecycle.Sources); err != nil {
		return nil, err
	}
	table, err := lifecycles(idx.Lifecycle.Sources)
	if err != nil {
		return nil, err
	}
	if files["lifecycle.json"], err = table.encode(); err != nil {
		return nil, err
	}
	idx.Lifecycle.SHA256 = sum(files["lifecycle.json"])
	for i := range idx.Documents {
		d := &idx.Documents[i]
		if err := fetch(ctx, d.Sources); err != nil {
			return nil, err
		}
		text, err := d.build(table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.file(), err)
		}
		files[d.file()], d.SHA256 = text, sum(text)
	}
	return files, nil
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// fetch asks the go command for the modules' folders.
func fetch(ctx context.Context, sources []*source) error {
	for _, s := range sources {
		cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", s.Module+"@"+s.Version)
		cmd.Dir = os.TempDir() // no go.mod of ours is meant
		out, err := cmd.Output()
		var got struct{ Dir, Sum, Error string }
		if jerr := json.Unmarshal(out, &got); jerr != nil || got.Error != "" {
			return fmt.Errorf("download %s@%s: %s %w", s.Module, s.Version, got.Error, errors.Join(err, jerr))
		}
		if s.Sum != "" && s.Sum != got.Sum {
			return fmt.Errorf("%s@%s: checksum %s, index.json has %s", s.Module, s.Version, got.Sum, s.Sum)
		}
		s.dir, s.Sum = got.Dir, got.Sum
	}
	return nil
}

// compare fails on the first file whose content differs. Compressed files are
// compared uncompressed: gzip's output may change between Go releases.
func compare(dir string, files map[string][]byte) error {
	var wrong []error
	for name, want := range files {
		have, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil && filepath.Ext(name) == ".gz" {
			have, err = gunzip(have)
		}
		if err != nil {
			wrong = append(wrong, err)
		} else if !bytes.Equal(have, want) {
			wrong = append(wrong, fmt.Errorf("%s is not what its sources give: run the generator", name))
		}
	}
	return errors.Join(wrong...)
}

func gunzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

func write(dir string, files map[string][]byte) error {
	for name, text := range files {
		if filepath.Ext(name) == ".gz" {
			var buf bytes.Buffer
			w, err := gzip.NewWriterLevel(&buf, gzip.BestCompression)
			if err != nil {
				return err
			}
			if _, err := w.Write(text); err != nil {
				return err
			}
			if err := w.Close(); err != nil {
				return err
			}
			text = buf.Bytes()
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}
