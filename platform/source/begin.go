package source

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
)

// Folders that an interrupted Begin may leave. leftBeside stands before the name
// of a folder beside the new one, begunDir in a folder that was there before.
const (
	leftBeside = ".begin-"
	begunDir   = ".begun"
)

// PlaceError says why no repository can be begun in a folder.
type PlaceError struct {
	Dir  string
	What string
	Mend string
}

func (e *PlaceError) Error() string { return e.Dir + " " + e.What + "; " + e.Mend }

// Vacant says whether a repository can be begun in a folder: it is not there, or
// it is empty but for what an interrupted Begin left. The error is a
// *PlaceError, or the file system's own.
func Vacant(dir string) error {
	if parent, err := os.Stat(filepath.Dir(dir)); err != nil || !parent.IsDir() {
		return &PlaceError{filepath.Dir(dir), "is no folder", "make it first"}
	}
	info, err := os.Lstat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode()&fs.ModeSymlink != 0:
		return &PlaceError{dir, "is a link", "name the folder itself"}
	case !info.IsDir():
		return &PlaceError{dir, "is a file", "name a folder that is empty or not there yet"}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	const shown = 4
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if len(names) == 0 || slices.Contains(names, begunDir) {
		return nil
	}
	if names = slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(n, leftBeside) }); len(names) == 0 {
		return nil
	}
	more := ""
	if len(names) > shown {
		more = fmt.Sprintf(" and %d more", len(names)-shown)
	}
	return &PlaceError{dir, "is not empty: it holds " + strings.Join(names[:min(shown, len(names))], ", ") + more,
		"name a folder that is empty or not there yet"}
}

// Begin writes a new repository: a folder that is not there appears at once with
// everything in it; into one that is there the files move from a folder inside,
// so that a Begin that was killed is finished by the next one, with the files
// of the first: resumed says so. The caller lets one run at a time.
func Begin(dir string, files map[string][]byte) (resumed bool, err error) {
	if err := Vacant(dir); err != nil {
		return false, err
	}
	_, err = os.Lstat(filepath.Join(dir, begunDir))
	resumed = err == nil
	if err := begin(dir, files); err != nil {
		return resumed, fmt.Errorf("begin a repository in %s: %w", dir, err)
	}
	return resumed, nil
}

func begin(dir string, files map[string][]byte) error {
	_, err := os.Lstat(dir)
	if err == nil {
		return beginInside(dir, files)
	}
	parent := filepath.Dir(dir)
	prefix := leftBeside + filepath.Base(dir) + "-"
	temp, err := staged(parent, prefix, files)
	if err != nil {
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		return errors.Join(err, os.RemoveAll(temp))
	}
	return nil
}

// beginInside fills a folder that stays itself: it may be somebody's working
// folder. begunDir appears with everything in it; each entry then moves up, and
// what remains after a kill moves with the next run.
func beginInside(dir string, files map[string][]byte) error {
	begun := filepath.Join(dir, begunDir)
	if _, err := os.Lstat(begun); errors.Is(err, fs.ErrNotExist) {
		temp, err := staged(dir, leftBeside, files)
		if err != nil {
			return err
		}
		if err := os.Rename(temp, begun); err != nil {
			return errors.Join(err, os.RemoveAll(temp))
		}
	}
	entries, err := os.ReadDir(begun)
	if err != nil {
		return err
	}
	for _, e := range entries {
		to := filepath.Join(dir, e.Name())
		if _, err := os.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
			return &PlaceError{to, "stands in the way of an interrupted run", "remove it"}
		}
		if err := os.Rename(filepath.Join(begun, e.Name()), to); err != nil {
			return err
		}
	}
	return os.Remove(begun)
}

// staged writes the files into a new folder whose name begins with prefix; what
// earlier runs left under such names goes.
func staged(parent, prefix string, files map[string][]byte) (string, error) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			if err := os.RemoveAll(filepath.Join(parent, e.Name())); err != nil {
				return "", err
			}
		}
	}
	temp, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return "", err
	}
	if err := writeAll(temp, files); err != nil {
		return "", errors.Join(err, os.RemoveAll(temp))
	}
	return temp, nil
}

// MoveLock lets a repository's platform.lock name a distribution; what it pins
// besides stays.
func MoveLock(root string, to catalog.LockedDistribution) error {
	lock, err := catalog.ReadLock(root)
	if err != nil {
		return err
	}
	spec := catalog.LockSpec{}
	if lock != nil {
		spec = lock.Spec
	}
	spec.Distribution = to
	return WriteLock(root, spec)
}

// WriteLock writes a repository's platform.lock. The file holds the old content
// or the new one, whatever happens.
func WriteLock(root string, spec catalog.LockSpec) error {
	if err := Replace(filepath.Join(root, catalog.LockFile), spec.Write()); err != nil {
		return fmt.Errorf("move %s: %w", catalog.LockFile, err)
	}
	return nil
}

// Replace writes a file that others may read, of mode 0644: it holds the old content
// or the new one, after a loss of power too.
func Replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close(), os.Chmod(f.Name(), 0o644))
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func writeAll(dir string, files map[string][]byte) error {
	if err := os.Chmod(dir, 0o755); err != nil { // MkdirTemp's own is for secrets
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(file, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
