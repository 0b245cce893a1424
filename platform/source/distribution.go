package source

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/tools/txtar"

	"dualtrack.internal/platform/catalog"
)

// Bounds of a distribution: several times what ours has.
const (
	maxFiles = 5_000
	maxFile  = 4 << 20
	maxTotal = 32 << 20
)

// toolsFile is the archive of the programs' modules within a distribution;
// toolsDir is the folder it is unpacked into.
const (
	toolsFile = "tools.txtar"
	toolsDir  = "tools"
)

// Distribution is what a program carries for repositories of one's own.
type Distribution struct {
	Components fs.FS  // baseline.yaml and the components' folders
	Policies   fs.FS  // the rules
	Tools      string // txtar archive of the modules that programs are built from
}

// Load reads the whole distribution into memory and computes its digest.
func (d Distribution) Load() (*catalog.Base, error) {
	files := map[string][]byte{}
	for folder, fsys := range map[string]fs.FS{"components": d.Components, "policies": d.Policies} {
		if fsys == nil {
			return nil, errors.New("this program carries no distribution")
		}
		if err := gather(files, fsys, folder); err != nil {
			return nil, fmt.Errorf("the program's own distribution: %w", err)
		}
	}
	files[toolsFile] = []byte(d.Tools)
	return catalog.NewBase(files)
}

// gather reads the files of a folder: those of the folders in it, and YAML and
// Rego files of its own; Go files and hidden ones are no part of a distribution.
func gather(files map[string][]byte, fsys fs.FS, folder string) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		hidden := name != "." && strings.HasPrefix(path.Base(name), ".")
		switch {
		case err != nil:
			return err
		case hidden && d.IsDir():
			return fs.SkipDir
		case hidden, d.IsDir(), path.Dir(name) == "." && path.Ext(name) == ".go":
			return nil
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is no regular file", path.Join(folder, name))
		}
		data, err := fs.ReadFile(fsys, name)
		files[path.Join(folder, name)] = data
		return err
	})
}

// unpack gives the files of an archive by their paths. Names that leave the
// folder, stand twice, or are both a file and a folder are refused, and so is
// an archive beyond the bounds.
func unpack(archive []byte) (map[string][]byte, error) {
	if len(archive) > maxFile {
		return nil, fmt.Errorf("the archive has %d bytes; it may have %d", len(archive), maxFile)
	}
	files := map[string][]byte{}
	for _, f := range txtar.Parse(archive).Files {
		if !fs.ValidPath(f.Name) || !filepath.IsLocal(filepath.FromSlash(f.Name)) || strings.ContainsAny(f.Name, "\\:\x00") || path.Dir(f.Name) == "." {
			return nil, fmt.Errorf("the archive holds %q, which is no file of a module", f.Name)
		}
		if _, twice := files[f.Name]; twice {
			return nil, fmt.Errorf("the archive holds %q twice", f.Name)
		}
		if files[f.Name] = f.Data; len(files) > maxFiles {
			return nil, fmt.Errorf("the archive holds more than %d files", maxFiles)
		}
	}
	for name := range maps.Keys(files) {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, file := files[dir]; file {
				return nil, fmt.Errorf("the archive holds %q as a file and as a folder", dir)
			}
		}
	}
	return files, nil
}
