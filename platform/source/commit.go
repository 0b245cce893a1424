// Package source finds out what a folder holds and where it comes from: local
// folders and their Git metadata, and the distribution that a program carries,
// of which it keeps copies in the user's cache and from which it begins new
// repositories. In one that is there it changes the lock alone; it never opens a
// connection.
package source

import (
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5"
)

// Commit is the Git state of a folder.
type Commit struct {
	Hash  string // "" outside Git or before the first commit
	Dirty bool   // tracked files differ, or untracked ones are not ignored
}

// Describe reads the Git state of the repository that holds dir. A folder
// outside Git is no error.
func Describe(dir string) (Commit, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return Commit{}, nil
	}
	if err != nil {
		return Commit{}, fmt.Errorf("reading the Git repository of %s: %w", dir, err)
	}
	head, err := repo.Head()
	if err != nil {
		return Commit{Dirty: true}, nil // a repository without a commit
	}
	tree, err := repo.Worktree()
	if err != nil {
		return Commit{Hash: head.Hash().String()}, nil // a bare repository has no tree to differ
	}
	status, err := tree.StatusWithOptions(git.StatusOptions{Strategy: git.Preload})
	if err != nil {
		return Commit{}, fmt.Errorf("comparing %s with its commit: %w", dir, err)
	}
	return Commit{Hash: head.Hash().String(), Dirty: !status.IsClean()}, nil
}
