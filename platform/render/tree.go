package render

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v3/pkg/ignore"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// tree is what rendering reads a repository through.
type tree interface {
	Files(rel string) ([]string, error)
	Read(rel string) ([]byte, error)
}

// folder is one component's files in memory: all that its rendering can see.
type folder struct {
	dir    string   // relative to the repository
	names  []string // sorted, relative to the repository
	data   map[string][]byte
	digest string

	key    string         // tells plain folders of equal files apart
	plain  *catalog.Plain // nil for a component with a component.yaml
	packed bool           // the files are those of a chart's archive
}

// readFolder reads a component's folder. A file that can't be used fails the
// whole component.
func readFolder(t tree, dir string) (*folder, error) {
	names, err := t.Files(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: dir, names: names, data: make(map[string][]byte, len(names))}
	var problems finding.Problems
	for _, name := range names {
		data, err := t.Read(name)
		if err != nil {
			more, other := finding.Gather(err)
			if other != nil {
				return nil, other
			}
			problems = append(problems, more...)
			continue
		}
		f.data[name] = data
	}
	if err := problems.Err(); err != nil {
		return nil, err
	}
	f.digest = f.sum()
	return f, nil
}

// readIgnore adds a chart's .helmignore, the one hidden file that counts.
func (f *folder) readIgnore(t tree, chart string) error {
	name := path.Join(f.dir, chart, ignore.HelmIgnore)
	data, err := t.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.names = append(f.names, name)
	slices.Sort(f.names)
	f.data[name] = data
	f.digest = f.sum()
	return nil
}

// fetchFolder takes the files of a component's remote source. Its digest covers
// component.yaml too, as that of a local one does.
func fetchFolder(ctx context.Context, t tree, cat *catalog.Catalog, c *catalog.Component) (*folder, error) {
	files, err := cat.RemoteFiles(ctx, c)
	if err != nil {
		return nil, err
	}
	own, err := t.Read(c.File)
	if err != nil {
		return nil, err
	}
	f := &folder{dir: catalog.RemoteDir(c.Name), names: sortedKeys(files), data: files,
		packed: cat.Lock.Spec.Sources[c.Name].Format == catalog.FormatChart}
	f.digest = sumJSON(f.sum(), f.packed, string(own))
	return f, nil
}

func (f *folder) sum() string {
	h := sha256.New()
	for _, name := range f.names {
		writeSized(h, []byte(name))
		writeSized(h, f.data[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// under lists the files below a folder of the component.
func (f *folder) under(dir string) []string {
	if dir == "." {
		return f.names
	}
	var names []string
	for _, name := range f.names {
		if strings.HasPrefix(name, dir+"/") {
			names = append(names, name)
		}
	}
	return names
}

// has says whether a path of the component is a file or a folder with files.
func (f *folder) has(name string) bool {
	if _, ok := f.data[name]; ok {
		return true
	}
	return len(f.under(name)) > 0
}

// inside joins a path onto a folder of the component; false when the result
// leaves the component.
func (f *folder) inside(from, rel string) (string, bool) {
	name := path.Join(from, rel)
	if f.dir == "." {
		return name, !path.IsAbs(rel) && name != ".." && !strings.HasPrefix(name, "../")
	}
	return name, !path.IsAbs(rel) && (name == f.dir || strings.HasPrefix(name, f.dir+"/"))
}

func isYAML(name string) bool {
	ext := path.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
