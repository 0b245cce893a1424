package source

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Point is one side of a change.
type Point struct {
	Name   string // as it was asked for or found: "origin/main"; "working tree"
	Commit string // its commit's hash; of the working tree the one it stands on
	Author string // who wrote that commit: "Name <mail>"
	// Files are the commit's below the folder that was asked about; nil for the
	// working tree.
	Files *Snapshot
}

// Change is what two sides lie between. Base is nil when there is nothing to
// compare with; Why then says why, and otherwise how the base was found.
type Change struct {
	Base *Point
	Head Point
	Why  string
}

// ChangeOptions choose the sides. The zero value compares the working tree with
// where it left the default branch.
type ChangeOptions struct {
	Base   string              // a revision, as Git writes them; "" finds the merge base
	Head   string              // likewise; "" is the working tree
	Getenv func(string) string // tells of the CI that runs this; nil for none
}

// BaseError says that a side of a change can't be had, and how to get it.
type BaseError struct{ What, Mend string }

func (e *BaseError) Error() string { return e.What + "; " + e.Mend }

// FindChange finds the two sides of a change in the repository that holds dir.
// Outside Git there is nothing to compare with, which is no error; a revision
// that is named, by the caller or by the CI, and can't be had is a *BaseError.
func FindChange(dir string, o ChangeOptions) (*Change, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		if o.Base != "" || o.Head != "" {
			return nil, &BaseError{What: "there is no Git repository here", Mend: "leave out --base and --head"}
		}
		return &Change{Head: Point{Name: workingTree}, Why: "there is no Git repository"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Git repository of %s: %w", dir, err)
	}
	f := &finder{repo: repo, folder: "."}
	if f.folder, err = folderIn(repo, dir); err != nil {
		return nil, err
	}
	return f.find(o)
}

const workingTree = "working tree"

// Folder is the path of a folder within the Git repository that holds it, with
// forward slashes; "" for its root and outside Git.
func Folder(dir string) (string, error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("reading the Git repository of %s: %w", dir, err)
	}
	folder, err := folderIn(repo, dir)
	if folder == "." {
		folder = ""
	}
	return folder, err
}

// folderIn is the path of a folder within its repository, with forward slashes.
func folderIn(repo *git.Repository, dir string) (string, error) {
	tree, err := repo.Worktree()
	if err != nil {
		return ".", nil //nolint:nilerr // a bare repository: its root
	}
	root, err := filepath.EvalSymlinks(tree.Filesystem.Root())
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return "", fmt.Errorf("finding the Git repository's root: %w", err)
	}
	rel, err := filepath.Rel(root, dir)
	return filepath.ToSlash(rel), err
}

// finder looks for the sides of one change.
type finder struct {
	repo   *git.Repository
	folder string
}

func (f *finder) find(o ChangeOptions) (*Change, error) {
	head, err := f.head(o.Head)
	if err != nil {
		return nil, err
	}
	c := &Change{Head: Point{Name: headName(o.Getenv)}}
	if head == nil {
		c.Why = "the repository has no commit"
		return c, nil
	}
	c.Head.Commit, c.Head.Author = head.Hash.String(), author(head)
	if o.Head != "" {
		if c.Head, err = f.point(o.Head, head); err != nil {
			return nil, err
		}
	}
	if o.Base != "" {
		base, err := f.commit(o.Base)
		if err != nil {
			return nil, &BaseError{What: fmt.Sprintf("revision %q: %v", o.Base, err), Mend: f.fetch(o.Base)}
		}
		return f.with(c, o.Base, base, "as asked for")
	}
	target, why := f.target(o.Getenv)
	if target.name == "" {
		c.Why = "no default branch was found; name what to compare with by --base"
		return c, nil
	}
	if base, said := f.parted(o.Getenv); base != nil && (target.missing || f.shallow()) {
		return f.with(c, "where it left "+target.name, base, said)
	}
	if target.missing {
		return nil, &BaseError{What: why + " names the branch " + target.name + ", which this clone lacks", Mend: f.fetch(target.name)}
	}
	return f.mergeBase(c, head, target, why)
}

// mergeBase compares with where the head left the target: what others did there
// since never appears reversed.
func (f *finder) mergeBase(c *Change, head *object.Commit, target target, why string) (*Change, error) {
	tip, err := f.repo.CommitObject(target.hash)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", target.name, err)
	}
	bases, err := head.MergeBase(tip)
	if err != nil || len(bases) == 0 {
		if f.shallow() {
			return nil, &BaseError{What: "this clone is shallow: where " + target.name + " was left is not in it", Mend: f.fetch(target.name)}
		}
		if err != nil {
			return nil, fmt.Errorf("finding the merge base with %s: %w", target.name, err)
		}
		c.Why = target.name + " has no commit in common"
		return c, nil
	}
	return f.with(c, "merge base with "+target.name, bases[0], why)
}

func (f *finder) with(c *Change, name string, base *object.Commit, why string) (*Change, error) {
	point, err := f.point(name, base)
	if err != nil {
		return nil, err
	}
	c.Base, c.Why = &point, why
	return c, nil
}

func (f *finder) point(name string, commit *object.Commit) (Point, error) {
	files, err := newSnapshot(f.repo, commit, f.folder)
	return Point{Name: name, Commit: commit.Hash.String(), Author: author(commit), Files: files}, err
}

func author(c *object.Commit) string { return c.Author.Name + " <" + c.Author.Email + ">" }

// head is the commit of a revision, or the one that is checked out: nil before
// the first.
func (f *finder) head(name string) (*object.Commit, error) {
	if name != "" {
		commit, err := f.commit(name)
		if err != nil {
			return nil, &BaseError{What: fmt.Sprintf("revision %q: %v", name, err), Mend: f.fetch(name)}
		}
		return commit, nil
	}
	ref, err := f.repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading HEAD: %w", err)
	}
	return f.repo.CommitObject(ref.Hash())
}

func (f *finder) commit(revision string) (*object.Commit, error) {
	hash, err := f.repo.ResolveRevision(plumbing.Revision(revision))
	if err != nil {
		return nil, err
	}
	return f.repo.CommitObject(*hash)
}

func (f *finder) shallow() bool {
	commits, err := f.repo.Storer.Shallow()
	return err == nil && len(commits) > 0
}

// fetch is the command that brings what is missing.
func (f *finder) fetch(branch string) string {
	branch = strings.TrimPrefix(branch, "origin/")
	deepen := ""
	if f.shallow() {
		deepen = " --unshallow"
	}
	return fmt.Sprintf("fetch it: `git fetch --no-tags%s origin %s:refs/remotes/origin/%s`", deepen, branch, branch)
}
