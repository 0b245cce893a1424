package catalog

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"dualtrack.internal/platform/finding"
)

const (
	// maxFile bounds one file, in bytes. The largest file of a usual chart is
	// a few hundred KiB of custom resource definitions.
	maxFile = 1 << 20
	// maxFiles bounds the files below one folder.
	maxFiles = 10_000
)

// Tree reads the files of one repository, and of the distribution under it, and
// nothing outside them: a path or a link that leaves the folder is refused by
// the operating system's own lookup. It is safe for use by several goroutines.
type Tree struct {
	files fs.FS    // refuses every way out of it
	root  *os.Root // what files reads; nil when it is no folder of the disk
	dir   string   // "" when files is no folder of the disk
	base  *Base    // nil without one

	modules func() []string // paths of Git submodules, read once
}

// OpenTree opens the repository in a folder. The caller closes it.
func OpenTree(dir string) (*Tree, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("find folder %s: %w", dir, err)
	}
	root, err := os.OpenRoot(abs)
	if err != nil {
		return nil, fmt.Errorf("open repository: %w", err)
	}
	return newTree(Tree{files: root.FS(), root: root, dir: abs}), nil
}

// TreeOf is the tree of files that stand elsewhere than in a folder, a commit's
// for example, with a distribution under them; a nil base is none. The files
// must be safe for use by several goroutines and follow links within them only.
func TreeOf(files fs.FS, base *Base) *Tree { return newTree(Tree{files: files, base: base}) }

func newTree(t Tree) *Tree {
	t.modules = sync.OnceValue(func() []string { return submodules(t.files) })
	return &t
}

// Close lets go of the folder.
func (t *Tree) Close() error {
	if t.root == nil {
		return nil
	}
	return t.root.Close()
}

// Dir is the absolute folder of the repository, "" when its files stand in none.
func (t *Tree) Dir() string { return t.dir }

// Read gives a text file of the repository, named by its path from the root
// with forward slashes. A file that is missing, too long, reached by a link
// that leaves the repository, or no plain UTF-8 text with line feeds, is a
// *finding.Problem.
func (t *Tree) Read(rel string) ([]byte, error) {
	if inner, ok := t.inBase(rel); ok {
		return t.base.read(rel, inner)
	}
	info, err := t.stat(rel)
	if err != nil {
		return nil, err
	}
	at := finding.Position{File: rel}
	switch {
	case info.IsDir():
		return nil, problem(at, "", "is a folder", "put a file here")
	case !info.Mode().IsRegular():
		return nil, t.irregular(rel, info)
	case info.Size() > maxFile:
		return nil, tooLong(at, info.Size())
	}
	file, err := t.files.Open(rel)
	if err != nil {
		return nil, t.refusal(rel, err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", rel, err)
	}
	if len(data) > maxFile { // it grew since stat
		return nil, tooLong(at, int64(len(data)))
	}
	if p := checkPointer(rel, data); p != nil {
		return nil, p
	}
	if p := checkText(rel, data); p != nil {
		return nil, p
	}
	return data, nil
}

func tooLong(at finding.Position, size int64) *finding.Problem { return tooLongFor(at, size, maxFile) }

func tooLongFor(at finding.Position, size int64, most int) *finding.Problem {
	return problem(at, "", fmt.Sprintf("is %d bytes long; a file may have %d", size, most), "split it")
}

// IsDir says whether a path names a folder of the repository.
func (t *Tree) IsDir(rel string) bool {
	if inner, ok := t.inBase(rel); ok {
		return t.base.isDir(inner)
	}
	info, err := t.stat(rel)
	return err == nil && info.IsDir()
}

// IsFile says whether a path names a regular file of the repository.
func (t *Tree) IsFile(rel string) bool {
	if inner, ok := t.inBase(rel); ok {
		return t.base.isFile(inner)
	}
	info, err := t.stat(rel)
	return err == nil && info.Mode().IsRegular()
}

// Dirs lists the names of the folders in a folder, sorted, those with a leading
// dot left out. A missing folder is a *finding.Problem.
func (t *Tree) Dirs(rel string) ([]string, error) {
	if inner, ok := t.inBase(rel); ok {
		return t.base.dirs(rel, inner)
	}
	entries, err := t.list(rel)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, name := range entries {
		if !strings.HasPrefix(name, ".") && t.IsDir(path.Join(rel, name)) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Files lists the files below a folder, as sorted paths from the repository's
// root, those whose name or folder begins with a dot left out. Links to files
// within the repository count as files; links to folders, and links that leave
// the repository, are a *finding.Problem.
func (t *Tree) Files(rel string) ([]string, error) {
	if inner, ok := t.inBase(rel); ok {
		return t.base.files(rel, inner)
	}
	var files []string
	if err := t.walk(rel, &files); err != nil {
		return nil, err
	}
	slices.Sort(files)
	return files, nil
}

func (t *Tree) walk(rel string, files *[]string) error {
	names, err := t.list(rel)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, ".") {
			continue
		}
		at := path.Join(rel, name)
		info, err := t.stat(at)
		if err != nil {
			return err
		}
		switch {
		case info.Mode().IsRegular():
			*files = append(*files, at)
		case info.IsDir() && t.isLink(at):
			return problem(finding.Position{File: at}, "", "is a link to a folder", "put the folder itself here")
		case info.IsDir():
			if err := t.walk(at, files); err != nil {
				return err
			}
		default:
			return t.irregular(at, info)
		}
		if len(*files) > maxFiles {
			return problem(finding.Position{File: rel}, "", fmt.Sprintf("has more than %d files", maxFiles), "split it")
		}
	}
	return nil
}

func (t *Tree) isLink(rel string) bool {
	info, err := fs.Lstat(t.files, rel)
	return err == nil && info.Mode()&fs.ModeSymlink != 0
}

// list gives the sorted names in a folder.
func (t *Tree) list(rel string) ([]string, error) {
	info, err := t.stat(rel)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, problem(finding.Position{File: rel}, "", "is not a folder", "put a folder here")
	}
	entries, err := fs.ReadDir(t.files, rel) // sorted by name
	if err != nil {
		return nil, t.refusal(rel, err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

func (t *Tree) stat(rel string) (fs.FileInfo, error) {
	if !fs.ValidPath(rel) || strings.Contains(rel, `\`) {
		return nil, problem(finding.Position{File: rel}, "", "is no path within the repository",
			"write a relative path with forward slashes and without ..")
	}
	if module := t.submodule(rel); module != "" {
		return nil, Submodule(module)
	}
	info, err := fs.Stat(t.files, rel)
	if err != nil {
		return nil, t.refusal(rel, err)
	}
	return info, nil
}

// refusal turns an error of the file system into a problem a person can mend.
func (t *Tree) refusal(rel string, err error) error {
	at := finding.Position{File: rel}
	if p, ok := errors.AsType[*finding.Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, fs.ErrNotExist) && t.isLink(rel):
		return problem(at, "", "is a link to nothing", "mend or remove the link").WithCause(fs.ErrNotExist)
	case errors.Is(err, fs.ErrNotExist):
		return problem(at, "", "does not exist", "add it").WithCause(fs.ErrNotExist)
	case errors.Is(err, fs.ErrPermission):
		return problem(at, "", "may not be read", "give read permission").WithCause(fs.ErrPermission)
	case t.leaves(rel):
		return problem(at, "", "is a link that leaves the repository", "put the content itself here")
	}
	return fmt.Errorf("open %s: %w", rel, err)
}

// leaves says whether some part of a path is a link. It is asked only after the
// lookup was refused: package os has no exported error for "path escapes".
func (t *Tree) leaves(rel string) bool {
	for p := rel; p != "."; p = path.Dir(p) {
		if t.isLink(p) {
			return true
		}
	}
	return false
}
