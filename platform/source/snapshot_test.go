package source_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/source"
)

// commit records everything in the folder.
func commit(t *testing.T, repo *git.Repository, message string) plumbing.Hash {
	t.Helper()
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.AddWithOptions(&git.AddOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	made, err := tree.Commit(message, &git.CommitOptions{AllowEmptyCommits: true,
		Author: &object.Signature{Name: "Test", Email: "test@example.org", When: time.Unix(int64(len(message)), 0)}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// snapshot gives the files of a commit below a folder.
func snapshot(t *testing.T, dir, revision string) *source.Snapshot {
	t.Helper()
	c, err := source.FindChange(dir, source.ChangeOptions{Base: revision})
	if err != nil {
		t.Fatal(err)
	}
	return c.Base.Files
}

func TestSnapshot(t *testing.T) {
	t.Parallel()
	dir, repo := repository(t)
	write(t, dir, "clusters/fleet.yaml", "fleet\n")
	write(t, dir, "components/base/a.yaml", "a\n")
	write(t, dir, "components/base-2/b.yaml", "b\n")
	link(t, "../base/a.yaml", filepath.Join(dir, "components/base-2/linked.yaml"))
	link(t, "base", filepath.Join(dir, "components/alias"))
	commit(t, repo, "first")
	write(t, dir, "components/base/a.yaml", "changed\n")

	s := snapshot(t, dir, "HEAD")
	if err := fstest.TestFS(s, "clusters/fleet.yaml", "components/base/a.yaml", "components/base-2/linked.yaml", "components/alias"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]string{
		"components/base/a.yaml":        "a\n",
		"components/base-2/linked.yaml": "a\n",
		"components/alias/a.yaml":       "a\n",
	} {
		got, err := fs.ReadFile(s, name)
		if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got)\n%s", name, err, diff)
		}
	}
	below := snapshot(t, filepath.Join(dir, "components"), "HEAD")
	if got, err := fs.ReadFile(below, "base/a.yaml"); string(got) != "a\n" || err != nil {
		t.Errorf("below a folder: %q, error %v", got, err)
	}
	if _, err := fs.Stat(below, "base-2/linked.yaml"); err != nil {
		t.Errorf("a link within the folder: %v", err)
	}
}

// What a tree refuses of a folder of the disk it refuses of a commit too, in the
// same words.
func TestSnapshotRefuses(t *testing.T) {
	t.Parallel()
	dir, repo := repository(t)
	write(t, dir, "clusters/x/readme.yaml", "x\n")
	link(t, "/etc/passwd", filepath.Join(dir, "clusters/x/absolute.yaml"))
	link(t, "../../../secret.yaml", filepath.Join(dir, "clusters/x/out.yaml"))
	link(t, "nothing.yaml", filepath.Join(dir, "clusters/x/nothing.yaml"))
	link(t, "circle.yaml", filepath.Join(dir, "clusters/x/circle.yaml"))
	commit(t, repo, "first")

	s := catalog.TreeOf(snapshot(t, dir, "HEAD"), nil)
	disk, err := catalog.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer disk.Close()
	for _, name := range []string{"absolute", "out", "nothing", "circle", "missing", "readme"} {
		file := "clusters/x/" + name + ".yaml"
		_, want := disk.Read(file)
		_, got := s.Read(file)
		if diff := cmp.Diff(text(want), text(got)); diff != "" {
			t.Errorf("%s (-disk +commit)\n%s", name, diff)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestSnapshotOfSubmodule(t *testing.T) {
	t.Parallel()
	dir, repo := repository(t)
	write(t, dir, "clusters/fleet.yaml", "fleet\n")
	first := commit(t, repo, "first")

	// A tree as `git submodule add` leaves it, written without the other repository.
	tree := &object.Tree{Entries: []object.TreeEntry{{Name: "components", Mode: filemode.Submodule, Hash: first}}}
	stored := repo.Storer.NewEncodedObject()
	if err := tree.Encode(stored); err != nil {
		t.Fatal(err)
	}
	treeHash, err := repo.Storer.SetEncodedObject(stored)
	if err != nil {
		t.Fatal(err)
	}
	made := &object.Commit{TreeHash: treeHash, ParentHashes: []plumbing.Hash{first}, Message: "submodule"}
	stored = repo.Storer.NewEncodedObject()
	if err := made.Encode(stored); err != nil {
		t.Fatal(err)
	}
	hash, err := repo.Storer.SetEncodedObject(stored)
	if err != nil {
		t.Fatal(err)
	}
	_, err = catalog.TreeOf(snapshot(t, dir, hash.String()), nil).Read("components/base/a.yaml")
	problem, ok := errors.AsType[*finding.Problem](err)
	if !ok || !strings.Contains(problem.What, "submodule") || problem.Mend == "" {
		t.Errorf("error %v, want a problem that names the submodule", err)
	}
}
