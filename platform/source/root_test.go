package source_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/go-git/go-git/v5/config"
	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/source"
)

func TestRoot(t *testing.T) {
	t.Parallel()
	dir, repo := repository(t)
	write(t, dir, "a/b/file", "x\n")
	if _, err := repo.CreateRemote(&config.RemoteConfig{Name: "origin", URLs: []string{"https://git.example.org/x.git"}}); err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		t.Fatal(err)
	}
	outside := t.TempDir()
	realOutside, err := filepath.EvalSymlinks(outside)
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(outside, "link")
	if err := os.Symlink(filepath.Join(dir, "a"), link); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dir, root, within string }{
		{dir, real, "."}, {filepath.Join(dir, "a", "b"), real, "a/b"}, {link, real, "a"}, {outside, realOutside, "."},
	} {
		root, within, err := source.Root(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{c.root, c.within}, []string{root, within}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.dir, diff)
		}
	}
	_, _, err = source.Root(filepath.Join(dir, "nowhere"))
	if found, _ := finding.Gather(err); len(found) != 1 {
		t.Errorf("a folder that is not there: %v", err)
	}
	for where, want := range map[string][]string{dir: {"https://git.example.org/x.git"}, outside: nil} {
		got, err := source.Remotes(where)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("remotes of %s: %v (-want +got):\n%s", where, err, diff)
		}
	}
}
