package source

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/go-git/go-git/v5"

	"dualtrack.internal/platform/finding"
)

// Root is the root of the Git repository that holds a folder, and the folder's
// path in it, with forward slashes. Outside Git it is the folder itself.
func Root(dir string) (root, within string, err error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return "", "", (&finding.Problem{Position: finding.Position{File: dir}, What: "does not exist", Mend: "name a folder of the repository"}).WithCause(err)
	}
	if err != nil {
		return "", "", fmt.Errorf("find folder %s: %w", dir, err)
	}
	repo, err := open(abs)
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return abs, ".", nil
	}
	if err != nil {
		return "", "", err
	}
	tree, err := repo.Worktree()
	if err != nil {
		return abs, ".", nil //nolint:nilerr // a bare repository
	}
	if root, err = filepath.EvalSymlinks(tree.Filesystem.Root()); err != nil {
		return "", "", fmt.Errorf("finding the Git repository's root: %w", err)
	}
	rel, err := filepath.Rel(root, abs)
	return root, filepath.ToSlash(rel), err
}

// Remotes are the URLs by which the repository that holds a folder is known.
func Remotes(dir string) ([]string, error) {
	repo, err := open(dir)
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	remotes, err := repo.Remotes()
	if err != nil {
		return nil, fmt.Errorf("reading the remotes of %s: %w", dir, err)
	}
	var out []string
	for _, r := range remotes {
		out = append(out, r.Config().URLs...)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

func open(dir string) (*git.Repository, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if err != nil && !errors.Is(err, git.ErrRepositoryNotExists) {
		return nil, fmt.Errorf("reading the Git repository of %s: %w", dir, err)
	}
	return repo, err
}
