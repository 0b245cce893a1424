package catalog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"

	"dualtrack.internal/platform/finding"
)

// maxRaw bounds one file of a repository that is no catalog. Bundles of
// definitions that people keep as one file have a few MiB.
const maxRaw = 16 << 20

// Plain says how a component is rendered that no component.yaml describes: a
// kustomization, a chart or YAML files as other people keep them. Its paths are
// from the repository's root.
type Plain struct {
	// Files are all that the rendering can see. Nobody changes them.
	Files map[string][]byte
	// Edited are what stands in the place of a file of that path: a kustomization
	// without what can't be followed, or with what a delivery engine adds.
	Edited map[string][]byte
	// Manifests are the files whose objects are taken as they stand; nil for a
	// kustomization and a chart.
	Manifests []string
	// Alias gives the folder that really holds a folder of a chart, of a subchart
	// that its Chart.yaml names by path.
	Alias map[string]string
	// Delivery is what an engine does to the objects after rendering.
	Delivery Delivery
	// Declared is the object of Flux or Argo CD, or the part of it, that asks for
	// this rendering; nil for a cluster's own folder.
	Declared map[string]any
	// Notes are what was not followed, and other words about the sources.
	Notes []finding.Finding
	// Err says why nothing can be rendered; finding.Problems, or nil.
	Err error
	// Elsewhere says that something that the sources name stands in another place
	// than the repository: a rendering that fails is then unknown, no mistake.
	Elsewhere bool
}

// Delivery is what Flux or Argo CD do to objects that are rendered.
type Delivery struct {
	Substitute  map[string]string // variables of spec.postBuild; nil for none
	Open        bool              // there are variables that are not known: they stay as they are written
	Labels      map[string]string
	Annotations map[string]string
}

// Made is a catalog that was not read from component.yaml and cluster.yaml, but
// made of what stands in a tree. c's Root and files are the tree's.
func Made(t *Tree, c Catalog) *Catalog {
	c.Root, c.files = t.dir, nil
	if t.root == nil {
		c.files = t.files
	}
	return &c
}

// Raw gives a file's bytes as they are. What can't be used is a *finding.Problem.
func (t *Tree) Raw(rel string) ([]byte, error) {
	info, err := t.stat(rel)
	if err != nil {
		return nil, err
	}
	at := finding.Position{File: rel}
	switch {
	case info.IsDir():
		return nil, problem(at, "", "is a folder", "name a file")
	case !info.Mode().IsRegular():
		return nil, t.irregular(rel, info)
	case info.Size() > maxRaw:
		return nil, tooLongFor(at, info.Size(), maxRaw)
	}
	file, err := t.files.Open(rel)
	if err != nil {
		return nil, t.refusal(rel, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxRaw+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", rel, err)
	}
	if len(data) > maxRaw { // it grew since stat
		return nil, tooLongFor(at, int64(len(data)), maxRaw)
	}
	if p := checkPointer(rel, data); p != nil {
		return nil, p
	}
	return data, nil
}

// Entry is a name in a folder.
type Entry struct {
	Name string
	Dir  bool
	Err  error // why it can't be used: a submodule, a link that leads out
}

// Entries lists a folder by name. Links count as what they lead to.
func (t *Tree) Entries(rel string) ([]Entry, error) {
	names, err := t.list(rel)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, name := range names {
		at := name
		if rel != "." {
			at = rel + "/" + name
		}
		info, err := t.stat(at)
		if err == nil && info.Mode()&fs.ModeIrregular != 0 {
			err = t.irregular(at, info)
		}
		out = append(out, Entry{Name: name, Dir: err == nil && info.IsDir(), Err: err})
	}
	return out, nil
}

// IsLink says whether a path is a symbolic link.
func (t *Tree) IsLink(rel string) bool { return t.isLink(rel) }

// Missing says that an error tells of a path that is not there.
func Missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// ParseExceptions reads a file of exceptions by itself: what they select is not
// held against a catalog.
func ParseExceptions(file string, data []byte) ([]Exception, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	e := &Exceptions{File: file}
	_, _, problems := decode(m, file, "Exceptions", data, e)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return e.Spec.Exceptions, nil
}

// ParseBaseline reads the content of a baseline.yaml.
func ParseBaseline(file string, data []byte) (*Baseline, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	b := &Baseline{File: file}
	env, at, problems := decode(m, file, "Baseline", data, b)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	b.Name, b.Labels, b.at = env.name, env.labels, at
	return b, nil
}
