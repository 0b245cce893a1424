package source

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strings"

	"dualtrack.internal/platform/catalog"
)

// ErrNotKept says that the cache holds no copy of a distribution.
var ErrNotKept = errors.New("the cache holds no copy of it")

// KeptDir is the folder of the cache that holds distributions.
func KeptDir(cacheDir string) string { return filepath.Join(cacheDir, "distribution") }

// folder is where the cache keeps a distribution.
func folder(cacheDir, digest string) string {
	return filepath.Join(KeptDir(cacheDir), strings.TrimPrefix(digest, "sha256:"))
}

// Keep writes a distribution into the cache, with the modules of its programs
// unpacked, unless it is there already, byte for byte. It gives the folder. A
// damaged copy is replaced; the folder appears at once or not at all.
func Keep(base *catalog.Base, cacheDir string) (string, error) {
	final := folder(cacheDir, base.Digest)
	want, err := kept(base)
	if err != nil {
		return "", err
	}
	if same(final, want) {
		return final, nil
	}
	if err := write(final, want); err != nil && !same(final, want) { // another process may have been quicker
		return "", fmt.Errorf("keep distribution %s: %w", base.Version, err)
	}
	return final, nil
}

// KeepTools is Keep; it gives the folder of the programs' modules.
func KeepTools(base *catalog.Base, cacheDir string) (string, error) {
	dir, err := Keep(base, cacheDir)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, toolsDir), nil
}

// Kept reads a distribution from the cache. Without a copy, or with one whose
// content is not that of its digest, the error wraps ErrNotKept.
func Kept(cacheDir, digest string) (*catalog.Base, error) {
	files, err := read(folder(cacheDir, digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotKept
	}
	if err != nil {
		return nil, fmt.Errorf("%w that can be read: %w", ErrNotKept, err)
	}
	maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.HasPrefix(name, toolsDir+"/") })
	base, err := catalog.NewBase(files)
	if err != nil {
		return nil, fmt.Errorf("%w that is whole: %w", ErrNotKept, err)
	}
	if base.Digest != digest {
		return nil, fmt.Errorf("%w that is whole: its content has the digest %s", ErrNotKept, base.Digest)
	}
	return base, nil
}

// kept are the files of a distribution as the cache keeps them.
func kept(base *catalog.Base) (map[string][]byte, error) {
	modules, err := unpack(base.Files[toolsFile])
	if err != nil {
		return nil, fmt.Errorf("the programs' modules of distribution %s: %w", base.Version, err)
	}
	files := maps.Clone(base.Files)
	for name, data := range modules {
		files[path.Join(toolsDir, name)] = data
	}
	return files, nil
}

// same says whether a folder holds exactly these files.
func same(dir string, want map[string][]byte) bool {
	got, err := read(dir)
	return err == nil && maps.EqualFunc(want, got, bytes.Equal)
}

// read reads a folder into memory, within the bounds, and nothing outside it.
func read(dir string) (map[string][]byte, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	files, total := map[string][]byte{}, 0
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.IsDir():
			return err
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is no regular file", name)
		case len(files) == maxFiles:
			return fmt.Errorf("it holds more than %d files", maxFiles)
		}
		data, err := readFile(root, name)
		if err != nil {
			return err
		}
		files[name] = data
		if total += len(data); total > maxTotal {
			return fmt.Errorf("it holds more than %d bytes", maxTotal)
		}
		return nil
	})
	return files, err
}

func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is longer than %d bytes", name, maxFile)
	}
	return data, err
}

// write makes the folder beside its place and moves it there; what stood there
// goes.
func write(final string, files map[string][]byte) error {
	parent := filepath.Dir(final)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(parent, ".unpacking-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }() // nothing reads what stays
	whole := filepath.Join(temp, "whole")
	for name, data := range files {
		file := filepath.Join(whole, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			return err
		}
	}
	if err := os.Rename(final, filepath.Join(temp, "damaged")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(whole, final)
}
