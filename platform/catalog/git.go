package catalog

import (
	"bytes"
	"io/fs"
	"path"
	"strings"

	"dualtrack.internal/platform/finding"
)

// lfsPointer begins every file that Git LFS keeps elsewhere.
const lfsPointer = "version https://git-lfs.github.com/spec/"

// checkPointer refuses the stand-in of a file that Git LFS keeps elsewhere.
func checkPointer(rel string, data []byte) *finding.Problem {
	if len(data) > 1024 || !bytes.HasPrefix(data, []byte(lfsPointer)) {
		return nil
	}
	return problem(finding.Position{File: rel, Line: 1}, "", "is a Git LFS pointer: the file itself is not in Git's object store, and is not fetched",
		"keep the file in Git itself (`git lfs untrack`, then add it again)")
}

// irregular says what a path is that is neither a file nor a folder.
func (t *Tree) irregular(rel string, info fs.FileInfo) *finding.Problem {
	if info.Mode()&fs.ModeIrregular != 0 && t.root == nil { // as a commit's tree gives it
		return Submodule(rel)
	}
	return problem(finding.Position{File: rel}, "", "is not a regular file", "put a plain file here")
}

// Submodule says that a path is a Git submodule.
func Submodule(rel string) *finding.Problem {
	return problem(finding.Position{File: rel}, "", "is a Git submodule, whose files are in another repository; submodules are not followed",
		"put the files themselves here").WithCause(fs.ErrNotExist)
}

// submodules reads their paths from the file that Git keeps them in.
func submodules(files fs.FS) []string {
	data, err := fs.ReadFile(files, ".gitmodules")
	if err != nil {
		return nil
	}
	var paths []string
	for line := range strings.Lines(string(data)) {
		key, value, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(key) == "path" {
			paths = append(paths, path.Clean(strings.Trim(strings.TrimSpace(value), `"`)))
		}
	}
	return paths
}

// submodule is the submodule that a path is, or lies in; "" for none.
func (t *Tree) submodule(rel string) string {
	if t.modules == nil {
		return ""
	}
	for _, module := range t.modules() {
		if rel == module || strings.HasPrefix(rel, module+"/") {
			return module
		}
	}
	return ""
}
