package source_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/source"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func repository(t *testing.T) (string, *git.Repository) {
	t.Helper()
	dir := t.TempDir()
	repo, err := git.PlainInit(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	return dir, repo
}

// committed makes a repository with one commit of three files.
func committed(t *testing.T) (dir, hash string) {
	t.Helper()
	dir, repo := repository(t)
	write(t, dir, "a.txt", "a\n")
	write(t, dir, "clusters/fleet.yaml", "b\n")
	write(t, dir, ".gitignore", "*.log\n")
	tree, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.AddWithOptions(&git.AddOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	made, err := tree.Commit("first", &git.CommitOptions{Author: &object.Signature{Name: "Test", Email: "test@example.org", When: time.Unix(1, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	return dir, made.String()
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(t *testing.T, dir string)
		below  string // the folder asked for, inside the repository
		dirty  bool
	}{
		{name: "clean", change: func(*testing.T, string) {}},
		{name: "clean, from a folder inside", change: func(*testing.T, string) {}, below: "clusters"},
		{name: "ignored file", change: func(t *testing.T, dir string) { write(t, dir, "x.log", "x\n") }},
		{name: "changed file", change: func(t *testing.T, dir string) { write(t, dir, "a.txt", "other\n") }, dirty: true},
		{name: "changed file beside the folder", change: func(t *testing.T, dir string) { write(t, dir, "a.txt", "other\n") }, below: "clusters", dirty: true},
		{name: "new file", change: func(t *testing.T, dir string) { write(t, dir, "new.txt", "x\n") }, dirty: true},
		{name: "removed file", change: func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "a.txt")); err != nil {
				t.Fatal(err)
			}
		}, dirty: true},
		{name: "written again, the same", change: func(t *testing.T, dir string) { write(t, dir, "a.txt", "a\n") }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir, hash := committed(t)
			c.change(t, dir)
			got, err := source.Describe(filepath.Join(dir, c.below))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(source.Commit{Hash: hash, Dirty: c.dirty}, got); diff != "" {
				t.Errorf("commit (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDescribeWithoutCommit(t *testing.T) {
	t.Parallel()
	empty, _ := repository(t)
	bare := t.TempDir()
	if _, err := git.PlainInit(bare, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir string
		want      source.Commit
	}{
		{"outside Git", t.TempDir(), source.Commit{}},
		{"before the first commit", empty, source.Commit{Dirty: true}},
		{"a bare repository, which holds no files", bare, source.Commit{}},
	} {
		got, err := source.Describe(c.dir)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestDescribeBrokenRepository(t *testing.T) {
	t.Parallel()
	dir, _ := committed(t)
	write(t, dir, ".git/index", "no index")
	if got, err := source.Describe(dir); err == nil {
		t.Errorf("a broken index gives %+v", got)
	}
}
