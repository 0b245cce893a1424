package catalog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
)

// BasePrefix stands before the path of each file that comes from the
// distribution and not from the repository, in positions too:
// distribution/components/otel/component.yaml:3:1.
const BasePrefix = "distribution/"

// Base is a distribution in memory: what stands under a repository that has a
// platform.lock. Nobody changes it.
type Base struct {
	Version string            // as its baseline says
	Digest  string            // sha256:… over Files
	Files   map[string][]byte // by path: components/…, policies/…
}

// NewBase reads the version of a distribution and computes its digest.
func NewBase(files map[string][]byte) (*Base, error) {
	b := &Base{Files: files, Digest: digest(files)}
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	data, there := files[baselineFile]
	if !there {
		return nil, fmt.Errorf("the distribution holds no %s", baselineFile)
	}
	var baseline Baseline
	_, _, problems := decode(m, BasePrefix+baselineFile, "Baseline", data, &baseline)
	if err := problems.Err(); err != nil {
		return nil, fmt.Errorf("the distribution's baseline: %w", err)
	}
	if b.Version = baseline.Spec.Distribution; b.Version == "" {
		return nil, fmt.Errorf("%s: spec.distribution is missing", BasePrefix+baselineFile)
	}
	return b, nil
}

// digest is taken over the sorted file set, each path and content preceded by
// its length in eight bytes.
func digest(files map[string][]byte) string {
	h := sha256.New()
	sized := func(data []byte) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(data)))
		h.Write(size[:])
		h.Write(data)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		sized([]byte(name))
		sized(files[name])
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// OpenTreeOver opens the repository in a folder with a distribution under it,
// whose files are read by paths that begin with BasePrefix. A nil base is none.
// The caller closes it.
func OpenTreeOver(dir string, base *Base) (*Tree, error) {
	t, err := OpenTree(dir)
	if err != nil {
		return nil, err
	}
	t.base = base
	return t, nil
}

// OpenTree opens what the catalog was read from. The caller closes it.
func (c *Catalog) OpenTree() (*Tree, error) {
	if c.files != nil {
		return TreeOf(c.files, c.Base), nil
	}
	if c.Root == "" {
		return nil, errors.New("the catalog names no repository folder")
	}
	return OpenTreeOver(c.Root, c.Base)
}

// inBase gives a path of the distribution, false for one of the repository.
func (t *Tree) inBase(rel string) (string, bool) {
	if t.base == nil {
		return "", false
	}
	return strings.CutPrefix(rel, BasePrefix)
}

// there says whether the repository itself has anything by that path, be it a
// link to nothing.
func (t *Tree) there(rel string) bool {
	_, err := fs.Lstat(t.files, rel)
	return !errors.Is(err, fs.ErrNotExist)
}

// fromBase says that a path is the distribution's: the repository has nothing
// there.
func (t *Tree) fromBase(rel string) bool {
	return t.base != nil && !t.there(rel) && (t.base.isFile(rel) || t.base.isDir(rel))
}

func (b *Base) isFile(inner string) bool {
	_, there := b.Files[inner]
	return there
}

func (b *Base) isDir(inner string) bool {
	for name := range b.Files {
		if strings.HasPrefix(name, inner+"/") {
			return true
		}
	}
	return false
}

// read is Tree.Read for a file of the distribution.
func (b *Base) read(rel, inner string) ([]byte, error) {
	at := finding.Position{File: rel}
	data, there := b.Files[inner]
	switch {
	case !there && b.isDir(inner):
		return nil, problem(at, "", "is a folder", "put a file here")
	case !there:
		return nil, problem(at, "", "does not exist", "add it").WithCause(fs.ErrNotExist)
	case len(data) > maxFile:
		return nil, tooLong(at, int64(len(data)))
	}
	if p := checkText(rel, data); p != nil {
		return nil, p
	}
	return slices.Clone(data), nil
}

// dirs is Tree.Dirs for a folder of the distribution.
func (b *Base) dirs(rel, inner string) ([]string, error) {
	if !b.isDir(inner) {
		return nil, problem(finding.Position{File: rel}, "", "does not exist", "add it").WithCause(fs.ErrNotExist)
	}
	seen := map[string]bool{}
	for name := range b.Files {
		rest, below := strings.CutPrefix(name, inner+"/")
		if first, _, deeper := strings.Cut(rest, "/"); below && deeper && !strings.HasPrefix(first, ".") {
			seen[first] = true
		}
	}
	return slices.Sorted(maps.Keys(seen)), nil
}

// files is Tree.Files for a folder of the distribution.
func (b *Base) files(rel, inner string) ([]string, error) {
	if !b.isDir(inner) {
		return nil, problem(finding.Position{File: rel}, "", "does not exist", "add it").WithCause(fs.ErrNotExist)
	}
	var out []string
	for name := range b.Files {
		rest, below := strings.CutPrefix(name, inner+"/")
		if below && !strings.HasPrefix(rest, ".") && !strings.Contains(rest, "/.") {
			out = append(out, BasePrefix+name)
		}
	}
	slices.Sort(out)
	return out, nil
}
