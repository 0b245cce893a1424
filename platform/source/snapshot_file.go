package source

import (
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// fileInfo tells about one path of a snapshot. A commit's files have no time. The
// size, which costs most, is looked up when it is asked for.
type fileInfo struct {
	name string
	mode fs.FileMode
	blob func() blob // nil for what is no file
}

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return time.Time{} }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }
func (i fileInfo) Sys() any           { return nil }

// Size is 0 for a file that this clone lacks: Open says so.
func (i fileInfo) Size() int64 {
	if i.blob == nil {
		return 0
	}
	return i.blob().size
}

// lazyEntry is an entry of a listing.
type lazyEntry struct {
	entry object.TreeEntry
	owner *Snapshot
}

func (e lazyEntry) Name() string               { return e.entry.Name }
func (e lazyEntry) IsDir() bool                { return e.entry.Mode == filemode.Dir }
func (e lazyEntry) Info() (fs.FileInfo, error) { return e.owner.info(e.entry), nil }
func (e lazyEntry) Type() fs.FileMode {
	switch e.entry.Mode {
	case filemode.Dir:
		return fs.ModeDir
	case filemode.Symlink:
		return fs.ModeSymlink
	case filemode.Submodule:
		return fs.ModeIrregular
	case filemode.Empty, filemode.Regular, filemode.Deprecated, filemode.Executable:
	}
	return 0
}

// openFile is an open file of a snapshot.
type openFile struct {
	info fs.FileInfo
	*strings.Reader
}

func (f *openFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFile) Close() error               { return nil }

// openFolder is an open folder of a snapshot.
type openFolder struct {
	info   fs.FileInfo
	list   func() ([]fs.DirEntry, error)
	listed []fs.DirEntry
	read   bool
}

func (f *openFolder) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *openFolder) Close() error               { return nil }
func (f *openFolder) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: f.info.Name(), Err: fs.ErrInvalid}
}

// ReadDir gives the next n entries, all that are left with n ≤ 0.
func (f *openFolder) ReadDir(n int) ([]fs.DirEntry, error) {
	if !f.read {
		var err error
		if f.listed, err = f.list(); err != nil {
			return nil, err
		}
		f.read = true
	}
	if n <= 0 {
		n = len(f.listed)
	} else if len(f.listed) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(f.listed))
	out := f.listed[:n]
	f.listed = f.listed[n:]
	return out, nil
}
