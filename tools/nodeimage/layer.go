package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// epoch is the time of every file: what an image holds depends on its inputs
// alone. Not 0, which some programs read as "not set".
func epoch() time.Time { return time.Unix(1, 0).UTC() }

// entry is one file of a layer.
type entry struct {
	kind     byte // of package tar
	mode     int64
	uid, gid int
	link     string // target of a link
	size     int64
	open     func() (io.ReadCloser, error)
}

// layer is a set of files, by path without a leading slash.
type layer struct{ entries map[string]entry }

func newLayer() *layer { return &layer{entries: map[string]entry{}} }

// put adds a file, and the folders above it that are not there yet.
func (l *layer) put(name string, e entry) {
	name = clean(name)
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if _, ok := l.entries[dir]; !ok {
			l.entries[dir] = entry{kind: tar.TypeDir, mode: 0o755}
		}
	}
	l.entries[name] = e
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

func (l *layer) dir(name string, mode int64) { l.put(name, entry{kind: tar.TypeDir, mode: mode}) }

func (l *layer) text(name string, mode int64, data []byte) {
	l.put(name, entry{kind: tar.TypeReg, mode: mode, size: int64(len(data)), open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}})
}

func (l *layer) symlink(name, target string) {
	l.put(name, entry{kind: tar.TypeSymlink, mode: 0o777, link: target})
}

// disk adds a file of this machine.
func (l *layer) disk(name string, mode int64, from string) error {
	info, err := os.Stat(from)
	if err != nil {
		return fmt.Errorf("file for the image: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", from)
	}
	l.put(name, entry{kind: tar.TypeReg, mode: mode, size: info.Size(), open: func() (io.ReadCloser, error) { return os.Open(from) }})
	return nil
}

// names lists the paths, folder by folder: in this order the first name of a
// file with several stands before the others.
func (l *layer) names() []string {
	return slices.SortedFunc(maps.Keys(l.entries), func(a, b string) int {
		return strings.Compare(strings.ReplaceAll(a, "/", "\x00"), strings.ReplaceAll(b, "/", "\x00"))
	})
}

// write gives the layer as a tar: sorted, with one time for all.
func (l *layer) write(w io.Writer) error {
	out := tar.NewWriter(w)
	for _, name := range l.names() {
		e := l.entries[name]
		header := &tar.Header{
			Typeflag: e.kind, Name: name, Linkname: e.link, Mode: e.mode, Uid: e.uid, Gid: e.gid,
			Size: e.size, ModTime: epoch(), Format: tar.FormatPAX,
		}
		if e.kind == tar.TypeDir {
			header.Name += "/"
		}
		if err := out.WriteHeader(header); err != nil {
			return fmt.Errorf("layer: %s: %w", name, err)
		}
		if e.kind != tar.TypeReg {
			continue
		}
		if err := pour(out, e); err != nil {
			return fmt.Errorf("layer: %s: %w", name, err)
		}
	}
	return out.Close()
}

func pour(w io.Writer, e entry) error {
	r, err := e.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, r.Close())
}

// blob is a layer on disk, ready for an archive.
type blob struct {
	path   string
	diffID string // "sha256:…" of the tar, uncompressed
	bytes  int64
}

// blob writes the layer into a folder. Compressed where it is kept inside
// another image; an image for the engine is not, the engine would only undo it.
func (l *layer) blob(dir string, compressed bool) (blob, error) {
	f, err := os.CreateTemp(dir, "layer-*")
	if err != nil {
		return blob{}, fmt.Errorf("layer: %w", err)
	}
	sum := sha256.New()
	if compressed {
		zip, _ := gzip.NewWriterLevel(f, gzip.BestSpeed) // the level is a valid one
		err = errors.Join(l.write(io.MultiWriter(sum, zip)), zip.Close())
	} else {
		err = l.write(io.MultiWriter(sum, f))
	}
	info, statErr := f.Stat()
	if err := errors.Join(err, statErr, f.Close()); err != nil {
		return blob{}, fmt.Errorf("layer %s: %w", f.Name(), err)
	}
	return blob{path: f.Name(), diffID: "sha256:" + hex.EncodeToString(sum.Sum(nil)), bytes: info.Size()}, nil
}

// existing is the blob of a tar that is on disk already.
func existing(name string) (blob, error) {
	f, err := os.Open(name)
	if err != nil {
		return blob{}, fmt.Errorf("layer: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, f)
	if err != nil {
		return blob{}, fmt.Errorf("layer %s: %w", name, err)
	}
	return blob{path: name, diffID: "sha256:" + hex.EncodeToString(sum.Sum(nil)), bytes: n}, nil
}
