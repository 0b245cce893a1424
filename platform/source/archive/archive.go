// Package archive reads the archives of remote sources into memory, and writes
// them. An archive is taken as hostile: it is read within bounds, holds plain
// files only, and nothing of it ever touches the disk.
package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
)

// Bounds of one archive. The largest charts in wide use have 1 MiB compressed;
// Helm itself allows 5 MiB a file and 100 MiB in all.
const (
	MaxSize  = 32 << 20 // of the archive itself
	maxTotal = 64 << 20 // of what it unpacks to
	maxFile  = 5 << 20
	maxFiles = 10_000
	maxName  = 512
	// maxRatio bounds how often larger than the archive its content may be, once
	// that is above freeTotal. Manifests reach about 30.
	maxRatio  = 200
	freeTotal = 4 << 20
)

// Files unpacks a tar archive, plain or gzipped.
func Files(data []byte) (map[string][]byte, error) {
	if len(data) > MaxSize {
		return nil, fmt.Errorf("the archive has %d bytes; it may have %d", len(data), MaxSize)
	}
	var in io.Reader = bytes.NewReader(data)
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, fmt.Errorf("the archive is no gzip: %w", err)
		}
		in = unzipped
	}
	r := &reader{in: &bounded{in: in, left: int64(min(maxTotal, max(freeTotal, maxRatio*len(data))))}, files: map[string][]byte{}}
	if err := r.run(); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, errors.New("the archive is cut off")
		}
		return nil, err
	}
	return r.files, r.folders()
}

// Chart unpacks a chart's archive, whose files stand in one folder: that is left
// out of their paths.
func Chart(data []byte) (map[string][]byte, error) {
	files, err := Files(data)
	if err != nil {
		return nil, err
	}
	out, top := make(map[string][]byte, len(files)), ""
	for _, name := range slices.Sorted(maps.Keys(files)) {
		folder, rest, inside := strings.Cut(name, "/")
		switch {
		case !inside:
			return nil, fmt.Errorf("the archive holds %q outside the chart's folder", name)
		case top != "" && folder != top:
			return nil, fmt.Errorf("the archive holds two folders, %q and %q", top, folder)
		}
		top = folder
		out[rest] = files[name]
	}
	if _, there := out["Chart.yaml"]; !there {
		return nil, errors.New("the archive holds no Chart.yaml: it is no chart")
	}
	return out, nil
}

// Write makes a plain tar archive: the same for the same files, to the byte.
func Write(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(files[name])), Mode: 0o644})
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		if out.Len() > MaxSize {
			return nil, fmt.Errorf("the files have more than %d bytes", MaxSize)
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// errBomb says that there is more in an archive than is read.
var errBomb = fmt.Errorf("the archive unpacks to more than %d times its size, or than %d bytes", maxRatio, maxTotal)

// bounded reads so many bytes and then fails.
type bounded struct {
	in   io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBomb
	}
	n, err := b.in.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// reader unpacks one archive.
type reader struct {
	in    io.Reader
	files map[string][]byte
}

func (r *reader) run() error {
	in := tar.NewReader(r.in)
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return wrap("read the archive", err)
		}
		if err := r.entry(h, in); err != nil {
			return err
		}
	}
	// What follows is padding; the checksum of gzip comes last.
	if _, err := io.Copy(io.Discard, r.in); err != nil {
		return wrap("read the archive's end", err)
	}
	return nil
}

// wrap keeps the words of our own errors.
func wrap(doing string, err error) error {
	if errors.Is(err, errBomb) {
		return errBomb
	}
	return fmt.Errorf("%s: %w", doing, err)
}

func (r *reader) entry(h *tar.Header, in io.Reader) error {
	name, err := clean(h)
	switch {
	case err != nil || name == "":
		return err
	case h.Size > maxFile:
		return fmt.Errorf("the archive holds %q of %d bytes; a file may have %d", name, h.Size, maxFile)
	case len(r.files) == maxFiles:
		return fmt.Errorf("the archive holds more than %d files", maxFiles)
	}
	if _, twice := r.files[name]; twice {
		return fmt.Errorf("the archive holds %q twice", name)
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err != nil {
		return wrap(fmt.Sprintf("read %q of the archive", name), err)
	}
	if len(data) > maxFile {
		return fmt.Errorf("the archive holds %q, which is longer than %d bytes", name, maxFile)
	}
	r.files[name] = data
	return nil
}

// clean gives the path of a regular file, "" for an entry that is left out.
func clean(h *tar.Header) (string, error) {
	switch h.Typeflag {
	case tar.TypeXGlobalHeader:
		return "", nil // Git writes its commit there
	case tar.TypeReg, tar.TypeDir:
	case tar.TypeSymlink, tar.TypeLink:
		return "", fmt.Errorf("the archive holds %q, a link to %q; only plain files are taken", h.Name, h.Linkname)
	default:
		return "", fmt.Errorf("the archive holds %q, which is no plain file (type %q)", h.Name, h.Typeflag)
	}
	name := strings.TrimPrefix(h.Name, "./")
	if h.Typeflag == tar.TypeDir {
		name = strings.TrimSuffix(name, "/")
		if name == "" || name == "." {
			return "", nil
		}
	}
	if !fs.ValidPath(name) || name == "." || len(name) > maxName || strings.ContainsFunc(name, odd) {
		return "", fmt.Errorf("the archive holds %q, which is no path within it", h.Name)
	}
	if h.Typeflag == tar.TypeDir {
		return "", nil
	}
	return name, nil
}

// odd are characters that some system reads as more than part of a name.
func odd(r rune) bool { return r == '\\' || r == ':' || r < ' ' || r == 0x7f || r == 0xfffd }

// folders refuses a path that is a file and a folder.
func (r *reader) folders() error {
	for name := range r.files {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, file := r.files[dir]; file {
				return fmt.Errorf("the archive holds %q as a file and as a folder", dir)
			}
		}
	}
	return nil
}
