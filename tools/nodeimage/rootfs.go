package main

import (
	"archive/tar"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"
)

// rootfs looks into the tar of a root file system: parts of it go into the
// images of components too.
type rootfs struct {
	file  *os.File
	index map[string]found
}

type found struct {
	kind         byte
	mode         int64
	link         string
	offset, size int64
}

// openRootfs reads the tar's index. The caller closes it.
func openRootfs(name string) (*rootfs, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("root file system: %w", err)
	}
	r := &rootfs{file: f, index: map[string]found{}}
	for in := tar.NewReader(f); ; {
		header, err := in.Next()
		if errors.Is(err, io.EOF) {
			return r, nil
		}
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("root file system %s: %w", name, err)
		}
		// The reader stands at the start of the file's bytes.
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("root file system %s: %w", name, err)
		}
		r.index[clean(header.Name)] = found{kind: header.Typeflag, mode: header.Mode, link: header.Linkname, offset: offset, size: header.Size}
	}
}

func (r *rootfs) close() { r.file.Close() }

// maxLinks is how many links a path may go through.
const maxLinks = 40

// find follows links, within the root, and gives the file's real path.
func (r *rootfs) find(name string) (string, found, error) {
	return r.walk(clean(name), maxLinks)
}

func (r *rootfs) walk(name string, links int) (string, found, error) {
	parts := strings.Split(name, "/")
	for i := range parts {
		at := strings.Join(parts[:i+1], "/")
		f, ok := r.index[at]
		switch {
		case !ok:
			return "", found{}, fmt.Errorf("/%s is not in the root file system", name)
		case f.kind == tar.TypeLink && i == len(parts)-1:
			return r.walk(clean(f.link), links-1)
		case f.kind != tar.TypeSymlink:
			continue
		case links == 0:
			return "", found{}, fmt.Errorf("/%s: too many links", name)
		}
		target := f.link
		if !path.IsAbs(target) {
			target = path.Join("/", path.Dir(at), target)
		}
		return r.walk(clean(path.Join(append([]string{target}, parts[i+1:]...)...)), links-1)
	}
	return name, r.index[name], nil
}

func (r *rootfs) reader(f found) *io.SectionReader {
	return io.NewSectionReader(r.file, f.offset, f.size)
}

// copy puts a file of the root into a layer, under a name of its own.
func (r *rootfs) copy(l *layer, from, to string) error {
	_, f, err := r.find(from)
	if err != nil {
		return err
	}
	if f.kind != tar.TypeReg {
		return fmt.Errorf("/%s is no regular file", clean(from))
	}
	l.put(to, entry{kind: tar.TypeReg, mode: f.mode & 0o777, size: f.size, open: func() (io.ReadCloser, error) {
		return io.NopCloser(r.reader(f)), nil
	}})
	return nil
}

// glob lists the files of a folder with an ending, sorted.
func (r *rootfs) glob(dir, ending string) ([]string, error) {
	real, _, err := r.find(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for name := range r.index {
		if path.Dir(name) == real && strings.HasSuffix(name, ending) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// programs copies programs with the loader and every library that they, and
// what they may load while they run, are linked with. ldd is not asked: it runs
// what it looks at.
func (r *rootfs) programs(l *layer, programs, plugins []string) error {
	todo := slices.Concat(programs, plugins)
	seen := map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		if err := r.copy(l, name, name); err != nil {
			return err
		}
		needed, err := r.linked(name)
		if err != nil {
			return err
		}
		todo = append(todo, needed...)
	}
	return nil
}

// linked gives the loader and the libraries of one program, as paths.
func (r *rootfs) linked(name string) ([]string, error) {
	_, f, err := r.find(name)
	if err != nil {
		return nil, err
	}
	program, err := elf.NewFile(r.reader(f))
	if err != nil {
		return nil, fmt.Errorf("/%s: %w", clean(name), err)
	}
	defer func() { _ = program.Close() }()
	var out []string
	for _, p := range program.Progs {
		if p.Type != elf.PT_INTERP || p.Filesz > 4096 {
			continue
		}
		text, err := io.ReadAll(p.Open())
		if err != nil {
			return nil, fmt.Errorf("/%s: its loader: %w", clean(name), err)
		}
		out = append(out, strings.TrimRight(string(text), "\x00"))
	}
	libraries, err := program.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("/%s: its libraries: %w", clean(name), err)
	}
	for _, library := range libraries {
		at, err := r.library(library)
		if err != nil {
			return nil, fmt.Errorf("/%s needs %s: %w", clean(name), library, err)
		}
		out = append(out, at)
	}
	return out, nil
}

// library finds a library where Debian's loader looks.
func (r *rootfs) library(name string) (string, error) {
	dirs := []string{"usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib", "usr/lib64"}
	for _, dir := range dirs {
		if _, _, err := r.find(dir + "/" + name); err == nil {
			return dir + "/" + name, nil
		}
	}
	return "", fmt.Errorf("it is in none of %v", dirs)
}
