package source

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"
	"github.com/go-git/go-git/v5/storage/filesystem"

	"dualtrack.internal/platform/catalog"
)

// maxLinks bounds the links followed for one path, as Linux does.
const maxLinks = 40

// errEscapes is what the lookup of a link that leads out of the tree gives.
var errEscapes = errors.New("path escapes from the commit's tree")

// Snapshot is the files of one commit below one folder, read from Git's object
// store as they are asked for: nothing is checked out. It is a file system that
// follows links within that folder only, and is safe for use by several
// goroutines. What Git does not hold, a submodule's files, is a *finding.Problem.
type Snapshot struct {
	mu      sync.Mutex // go-git's storage makes no promise
	objects storer.EncodedObjectStorer
	root    plumbing.Hash
	dirs    map[plumbing.Hash][]object.TreeEntry
	blobs   map[plumbing.Hash]blob
}

// maxHeld bounds the files that are held in memory, in bytes: a file is asked for
// its size, and then for its text, and Git's objects tell the one hardly sooner than
// the other.
const maxHeld = 1 << 20

// blob is what is known of a file.
type blob struct {
	size int64
	text string // "" for a file above maxHeld
}

var (
	_ fs.StatFS     = (*Snapshot)(nil)
	_ fs.ReadDirFS  = (*Snapshot)(nil)
	_ fs.ReadLinkFS = (*Snapshot)(nil)
)

// newSnapshot opens a folder of a commit, "." for all of it. One that the commit
// does not have is empty.
func newSnapshot(repo *git.Repository, commit *object.Commit, folder string) (*Snapshot, error) {
	s := &Snapshot{objects: objectsOf(repo), root: commit.TreeHash, dirs: map[plumbing.Hash][]object.TreeEntry{}, blobs: map[plumbing.Hash]blob{}}
	if folder == "." {
		return s, nil
	}
	entry, err := s.lookup(folder, false)
	if errors.Is(err, fs.ErrNotExist) { // a folder that is newer than the commit
		s.root = plumbing.ZeroHash
		s.dirs[s.root] = []object.TreeEntry{}
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("commit %s: %s: %w", commit.Hash.String()[:12], folder, err)
	}
	if entry.Mode != filemode.Dir {
		return nil, fmt.Errorf("commit %s: %s is no folder", commit.Hash.String()[:12], folder)
	}
	s.root = entry.Hash
	return s, nil
}

// objectsOf reads a repository's objects, large ones piece by piece.
func objectsOf(repo *git.Repository) storer.EncodedObjectStorer {
	disk, ok := repo.Storer.(*filesystem.Storage)
	if !ok {
		return repo.Storer
	}
	return filesystem.NewStorageWithOptions(disk.Filesystem(), cache.NewObjectLRUDefault(), filesystem.Options{LargeObjectThreshold: maxHeld})
}

// Open gives a file or a folder.
func (s *Snapshot) Open(name string) (fs.File, error) {
	entry, err := s.find("open", name, true)
	if err != nil {
		return nil, err
	}
	info := s.info(entry)
	if info.IsDir() {
		return &openFolder{info: info, list: func() ([]fs.DirEntry, error) { return s.ReadDir(name) }}, nil
	}
	text, err := s.content(entry.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &openFile{info: info, Reader: strings.NewReader(text)}, nil
}

// Stat tells about what a path leads to.
func (s *Snapshot) Stat(name string) (fs.FileInfo, error) { return s.tell("stat", name, true) }

// Lstat tells about a path itself.
func (s *Snapshot) Lstat(name string) (fs.FileInfo, error) { return s.tell("lstat", name, false) }

func (s *Snapshot) tell(op, name string, follow bool) (fs.FileInfo, error) {
	entry, err := s.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	return s.info(entry), nil
}

// ReadLink gives where a link points.
func (s *Snapshot) ReadLink(name string) (string, error) {
	entry, err := s.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	if entry.Mode != filemode.Symlink {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: fs.ErrInvalid}
	}
	return s.content(entry.Hash)
}

// ReadDir lists a folder by name.
func (s *Snapshot) ReadDir(name string) ([]fs.DirEntry, error) {
	entry, err := s.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if entry.Mode != filemode.Dir {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errors.New("is not a folder")}
	}
	entries, err := s.entries(entry.Hash)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	out := make([]fs.DirEntry, len(entries))
	for i, e := range entries {
		out[i] = lazyEntry{e, s}
	}
	slices.SortFunc(out, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return out, nil
}

func (s *Snapshot) find(op, name string, follow bool) (object.TreeEntry, error) {
	if !fs.ValidPath(name) {
		return object.TreeEntry{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	entry, err := s.lookup(name, follow)
	if err != nil {
		return entry, &fs.PathError{Op: op, Path: name, Err: err}
	}
	entry.Name = path.Base(name) // and not what a link leads to
	return entry, nil
}

// lookup walks a path from the root, through links; the last one only if it is
// to be followed.
func (s *Snapshot) lookup(name string, follow bool) (object.TreeEntry, error) {
	at := []object.TreeEntry{{Name: ".", Mode: filemode.Dir, Hash: s.root}} // the folders above, the root first
	rest, links := strings.Split(path.Clean(name), "/"), 0
	for len(rest) > 0 {
		part := rest[0]
		rest = rest[1:]
		switch part {
		case ".", "":
			continue
		case "..":
			if len(at) == 1 {
				return object.TreeEntry{}, errEscapes
			}
			at = at[:len(at)-1]
			continue
		}
		if at[len(at)-1].Mode == filemode.Submodule {
			return object.TreeEntry{}, catalog.Submodule(pathOf(at))
		}
		entry, err := s.child(at[len(at)-1], part)
		if err != nil {
			return entry, err
		}
		if entry.Mode == filemode.Symlink && (follow || len(rest) > 0) {
			if links++; links > maxLinks {
				return entry, errors.New("too many links")
			}
			target, err := s.content(entry.Hash)
			if err != nil {
				return entry, err
			}
			if path.IsAbs(target) {
				return entry, errEscapes
			}
			rest = append(strings.Split(target, "/"), rest...)
			continue
		}
		at = append(at, entry)
	}
	return at[len(at)-1], nil
}

// pathOf joins the names of the folders that lead to the last of them.
func pathOf(at []object.TreeEntry) string {
	names := make([]string, len(at))
	for i, e := range at {
		names[i] = e.Name
	}
	return path.Join(names...)
}

// child finds an entry of a folder by name.
func (s *Snapshot) child(folder object.TreeEntry, name string) (object.TreeEntry, error) {
	if folder.Mode != filemode.Dir {
		return object.TreeEntry{}, fs.ErrNotExist
	}
	entries, err := s.entries(folder.Hash)
	if err != nil {
		return object.TreeEntry{}, err
	}
	at := slices.IndexFunc(entries, func(e object.TreeEntry) bool { return e.Name == name })
	if at < 0 {
		return object.TreeEntry{}, fs.ErrNotExist
	}
	return entries[at], nil
}

// entries are a folder's, in Git's order.
func (s *Snapshot) entries(hash plumbing.Hash) ([]object.TreeEntry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.dirs[hash]; ok {
		return known, nil
	}
	tree, err := object.GetTree(s.objects, hash)
	if err != nil {
		return nil, lacking(err)
	}
	s.dirs[hash] = tree.Entries
	return tree.Entries, nil
}

func (s *Snapshot) content(hash plumbing.Hash) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.blob(hash)
	if err != nil || b.size <= maxHeld {
		return b.text, err
	}
	obj, err := s.objects.EncodedObject(plumbing.BlobObject, hash)
	if err != nil {
		return "", lacking(err)
	}
	return textOf(obj)
}

// blob reads a file that may be held, and of another one the size.
func (s *Snapshot) blob(hash plumbing.Hash) (blob, error) {
	if known, ok := s.blobs[hash]; ok {
		return known, nil
	}
	obj, err := s.objects.EncodedObject(plumbing.BlobObject, hash)
	if err != nil {
		return blob{}, lacking(err)
	}
	b := blob{size: obj.Size()}
	if b.size <= maxHeld {
		if b.text, err = textOf(obj); err != nil {
			return blob{}, err
		}
	}
	s.blobs[hash] = b
	return b, nil
}

func textOf(obj plumbing.EncodedObject) (string, error) {
	r, err := obj.Reader()
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }() // only read
	var text strings.Builder
	text.Grow(int(obj.Size()))
	_, err = io.Copy(&text, r)
	return text.String(), err
}

// lacking explains an object that a partial clone left out.
func lacking(err error) error {
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return fmt.Errorf("%w in this clone; a partial clone lacks it: `git fetch --refetch --filter=` brings all", err)
	}
	return err
}

func (s *Snapshot) info(e object.TreeEntry) fs.FileInfo {
	info := fileInfo{name: e.Name}
	switch e.Mode {
	case filemode.Dir:
		info.mode = fs.ModeDir | 0o755
	case filemode.Symlink:
		info.mode = fs.ModeSymlink | 0o777
	case filemode.Submodule:
		info.mode = fs.ModeIrregular
	default:
		info.mode = 0o644
		info.blob = func() blob {
			s.mu.Lock()
			defer s.mu.Unlock()
			b, _ := s.blob(e.Hash)
			return b
		}
	}
	return info
}
