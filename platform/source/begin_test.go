package source_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source"
)

func repositoryFiles() map[string][]byte {
	return map[string][]byte{"platform.lock": []byte("lock\n"), "clusters/fleet.yaml": []byte("fleet\n"), "clusters/hub/cluster.yaml": []byte("hub\n"), ".gitignore": []byte("/bin/\n")}
}

func begun() map[string]string {
	out := map[string]string{}
	for name, data := range repositoryFiles() {
		out[name] = string(data)
	}
	return out
}

func TestBegin(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		prepare func(t *testing.T, outer string) // outer/new is begun
		resumed bool
		err     string // after the folder's name
	}{
		{"not there", func(*testing.T, string) {}, false, ""},
		{"empty", func(t *testing.T, outer string) { mkdir(t, outer, "new") }, false, ""},
		{"left beside by a killed run", func(t *testing.T, outer string) { write(t, outer, ".begin-new-1/platform.lock", "half") }, false, ""},
		{"left inside by a killed run", func(t *testing.T, outer string) { write(t, outer, "new/.begin-1/platform.lock", "half") }, false, ""},
		{"killed while files moved", func(t *testing.T, outer string) {
			mkdir(t, outer, "new")
			for name, text := range begun() {
				if !strings.HasPrefix(name, "clusters/") {
					name = ".begun/" + name
				}
				write(t, outer, "new/"+name, text)
			}
		}, true, ""},
		{"killed when all had moved", func(t *testing.T, outer string) {
			for name, text := range begun() {
				write(t, outer, "new/"+name, text)
			}
			mkdir(t, outer, "new/.begun")
		}, true, ""},
		{"something in the way of what is left", func(t *testing.T, outer string) {
			write(t, outer, "new/.begun/platform.lock", "lock\n")
			write(t, outer, "new/platform.lock", "mine\n")
		}, true, "/platform.lock stands in the way of an interrupted run; remove it"},
		{"a file in it", func(t *testing.T, outer string) { write(t, outer, "new/notes.txt", "mine\n") }, false,
			" is not empty: it holds notes.txt; name a folder that is empty or not there yet"},
		{"many files in it", func(t *testing.T, outer string) {
			for _, n := range strings.Fields("a b c d e f") {
				write(t, outer, "new/"+n, "mine\n")
			}
		}, false, " is not empty: it holds a, b, c, d and 2 more; name a folder that is empty or not there yet"},
		{"a file", func(t *testing.T, outer string) { write(t, outer, "new", "mine\n") }, false, " is a file; name a folder that is empty or not there yet"},
		{"a link to an empty folder", func(t *testing.T, outer string) {
			mkdir(t, outer, "other")
			link(t, "other", filepath.Join(outer, "new"))
		}, false,
			" is a link; name the folder itself"},
		{"a link to nothing", func(t *testing.T, outer string) { link(t, "nothing", filepath.Join(outer, "new")) }, false, " is a link; name the folder itself"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			outer := t.TempDir()
			c.prepare(t, outer)
			dir := filepath.Join(outer, "new")
			before := tree(t, outer)
			resumed, err := source.Begin(dir, repositoryFiles())
			if resumed != c.resumed {
				t.Errorf("resumed is %v", resumed)
			}
			if c.err != "" {
				if place, ok := errors.AsType[*source.PlaceError](err); !ok {
					t.Errorf("error of another kind: %v", err)
				} else if diff := cmp.Diff(dir+c.err, place.Error()); diff != "" {
					t.Errorf("error (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(before, tree(t, outer)); diff != "" {
					t.Errorf("it changed something (-want +got):\n%s", diff)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(begun(), tree(t, dir)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if entries, err := os.ReadDir(outer); err != nil || len(entries) != 1 {
				t.Errorf("beside it: %v, %v", entries, err)
			}
			if _, err := source.Begin(dir, repositoryFiles()); err == nil {
				t.Error("begun twice")
			}
		})
	}
}

func mkdir(t *testing.T, outer, name string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(outer, name), 0o755); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}

// TestBeginNowhere: what cannot be written leaves nothing.
func TestBeginNowhere(t *testing.T) {
	t.Parallel()
	outer := t.TempDir()
	write(t, outer, "file", "")
	for name, want := range map[string]string{"a/b": "/a is no folder; make it first", "file/b": "/file is no folder; make it first"} {
		_, err := source.Begin(filepath.Join(outer, name), repositoryFiles())
		if place, ok := errors.AsType[*source.PlaceError](err); !ok || place.Error() != outer+want {
			t.Errorf("%s: %v, want %s", name, err, outer+want)
		}
	}
	if _, err := source.Begin("/proc/dualtrack", repositoryFiles()); err == nil || !strings.Contains(err.Error(), "/proc") {
		t.Errorf("a file system that takes nothing: %v", err)
	}
	files := repositoryFiles()
	files["clusters/fleet.yaml/x"] = nil // a file is no folder: it fails half way
	if _, err := source.Begin(filepath.Join(outer, "new"), files); err == nil {
		t.Error("a file set that cannot be is written")
	}
	if diff := cmp.Diff(map[string]string{"file": ""}, tree(t, outer)); diff != "" {
		t.Errorf("left behind (-want +got):\n%s", diff)
	}
}

func TestMoveLock(t *testing.T) {
	t.Parallel()
	to := catalog.LockedDistribution{Version: "1.2.3", Digest: "sha256:" + strings.Repeat("ab", 32)}
	dir := t.TempDir()
	old := catalog.LockedDistribution{Version: "1.2.2", Digest: "sha256:" + strings.Repeat("cd", 32)}
	write(t, dir, "platform.lock", string(old.Write()))
	if err := source.MoveLock(dir, to); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"platform.lock": string(to.Write())}, tree(t, dir)); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	info, err := os.Stat(filepath.Join(dir, "platform.lock"))
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if err := os.Remove(filepath.Join(dir, "platform.lock")); err != nil {
		t.Fatal(err)
	}
	mkdir(t, dir, "platform.lock") // a rename onto it fails
	if err := source.MoveLock(dir, to); err == nil {
		t.Error("a folder was replaced")
	}
	if left := tree(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestMoveLockKeepsPins: what the lock pins besides stays; a broken lock is not
// written over.
func TestMoveLockKeepsPins(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("ab", 32)
	spec := catalog.LockSpec{Sources: map[string]catalog.LockedSource{"app": {Wants: "helm+https://charts.example.com/app@1", Version: "1.0.0",
		URL: "https://charts.example.com/app.tgz", Format: "chart", Digest: digest, Size: 1}}}
	dir := t.TempDir()
	write(t, dir, "platform.lock", string(spec.Write()))
	spec.Distribution = catalog.LockedDistribution{Version: "1.2.3", Digest: digest}
	if err := source.MoveLock(dir, spec.Distribution); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"platform.lock": string(spec.Write())}, tree(t, dir)); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	write(t, dir, "platform.lock", "broken\n")
	if err := source.MoveLock(dir, spec.Distribution); err == nil {
		t.Error("a broken lock was written over")
	}
}
