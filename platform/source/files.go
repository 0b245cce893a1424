package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
)

// Bounds of the files of a folder of a commit.
const (
	maxFetched     = 10_000
	maxFetchedFile = 5 << 20
	maxFetchedSum  = 30 << 20
)

// FilesOf reads the files of a folder of a commit, "" for all of it, by their
// paths in it. A link to a file within the folder is that file; other links,
// submodules and pointers of Git LFS are refused.
func FilesOf(repo *git.Repository, hash plumbing.Hash, folder string) (map[string][]byte, error) {
	commit, err := repo.CommitObject(hash)
	if err != nil {
		return nil, fmt.Errorf("commit %s: %w", hash, err)
	}
	folder = path.Clean(folder)
	whole, err := newSnapshot(repo, commit, ".")
	if err != nil {
		return nil, err
	}
	if info, err := whole.Lstat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("commit %s has no folder %s", hash.String()[:12], folder)
	}
	s, err := newSnapshot(repo, commit, folder)
	if err != nil {
		return nil, err
	}
	files, sum := map[string][]byte{}, 0
	err = fs.WalkDir(s, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := s.fetched(name)
		if err != nil {
			return fmt.Errorf("%s: %w; name with spec.source.git.path a folder without it", name, err)
		}
		files[name] = data
		if sum += len(data); sum > maxFetchedSum || len(files) > maxFetched {
			return fmt.Errorf("it holds more than %d files or %d bytes; name with spec.source.git.path a folder of it", maxFetched, maxFetchedSum)
		}
		return nil
	})
	return files, err
}

// fetched reads one file.
func (s *Snapshot) fetched(name string) ([]byte, error) {
	info, err := s.Stat(name)
	switch {
	case errors.Is(err, errEscapes):
		return nil, errors.New("is a link that leaves the folder")
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("is a link to nothing")
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, errors.New("is a link to a folder")
	case !info.Mode().IsRegular():
		return nil, errors.New("is a Git submodule")
	case info.Size() > maxFetchedFile:
		return nil, fmt.Errorf("has %d bytes; a file may have %d", info.Size(), maxFetchedFile)
	}
	data, err := fs.ReadFile(s, name)
	if err == nil && bytes.HasPrefix(data, []byte("version https://git-lfs.github.com/spec/")) {
		err = errors.New("is a pointer of Git LFS, whose content is elsewhere")
	}
	return data, err
}
