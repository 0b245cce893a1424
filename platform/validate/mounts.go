package validate

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mounts is a container's file system, written below a folder.
type mounts struct {
	root string
	at   []string // absolute paths in the container, longest first
}

// mountPaths are the folders that a subject's files stand in and its mounts,
// longest first.
func (s Subject) mountPaths() []string {
	set := map[string]bool{}
	for file := range s.Files {
		set[path.Dir(file)] = true
	}
	for _, dir := range slices.Concat(s.Secrets, s.Dirs) {
		set[path.Clean(dir)] = true
	}
	delete(set, "/")
	return slices.SortedFunc(maps.Keys(set), func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
}

// write puts the files in place, every path in them moved below the root.
func (m mounts) write(s Subject) error {
	for _, dir := range m.at {
		if err := os.MkdirAll(m.below(dir), 0o700); err != nil {
			return fmt.Errorf("writing a configuration to check: %w", err)
		}
	}
	for name, text := range s.Files {
		if err := os.WriteFile(m.below(name), []byte(m.rewrite(text)), 0o600); err != nil {
			return fmt.Errorf("writing a configuration to check: %w", err)
		}
	}
	for _, name := range s.named() {
		if err := m.placeholder(name); err != nil {
			return err
		}
	}
	return nil
}

// placeholder stands for a file that a Secret brings.
func (m mounts) placeholder(name string) error {
	full := m.below(name)
	if _, err := os.Lstat(full); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
		return fmt.Errorf("writing a stand-in for %s: %w", name, err)
	}
	if err := os.WriteFile(full, []byte("stand-in"), 0o600); err != nil {
		return fmt.Errorf("writing a stand-in for %s: %w", name, err)
	}
	return nil
}

var absolute = regexp.MustCompile(`/[A-Za-z0-9_./-]+`)

// named are the files of Secrets that arguments or files name.
func (s Subject) named() []string {
	set := map[string]bool{}
	texts := slices.Concat(s.Args, slices.Collect(maps.Values(s.Files)))
	for _, text := range texts {
		for _, found := range absolute.FindAllString(text, -1) {
			found = path.Clean(found)
			if slices.ContainsFunc(s.Secrets, func(dir string) bool { return strings.HasPrefix(found, path.Clean(dir)+"/") }) {
				set[found] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// below is where a path of the container stands. It can't leave the root.
func (m mounts) below(name string) string {
	return filepath.Join(m.root, filepath.FromSlash(path.Clean("/"+name)))
}

// rewrite moves every path below a mount to where it stands now.
func (m mounts) rewrite(text string) string {
	return absolute.ReplaceAllStringFunc(text, func(found string) string {
		// In "https://host/etc" the path belongs to an address.
		if strings.HasPrefix(found, "//") {
			return found
		}
		for _, at := range m.at {
			if found == at || strings.HasPrefix(found, at+"/") {
				return m.root + found
			}
		}
		return found
	})
}
