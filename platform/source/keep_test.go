package source_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source"
)

const baselineText = `apiVersion: platform.dualtrack.internal/v1alpha1
kind: Baseline
metadata: {name: baseline}
spec: {distribution: 0.9.0, kubernetes: v1.99.0}
`

func distribution() source.Distribution {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return source.Distribution{
		Components: fstest.MapFS{"baseline.yaml": file(baselineText), "embed.go": file("package components\n"),
			"a/component.yaml": file("a\n"), "a/x.go": file("data\n"), "a/_x.tpl": file("x\n"), ".git/HEAD": file("x\n"), "a/.x.swp": file("x\n")},
		Policies: fstest.MapFS{"main.rego": file("package main\n"), "lib/a.rego": file("package a\n")},
		Tools:    "made by hand\n-- one/go.mod --\nmodule one\n-- one/x/main.go --\npackage main\n",
	}
}

func loaded(t *testing.T, d source.Distribution) *catalog.Base {
	t.Helper()
	base, err := d.Load()
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// tree lists the files below a folder with their content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		if d.Type()&fs.ModeSymlink != 0 {
			out[filepath.ToSlash(rel)], err = os.Readlink(name)
			return err
		}
		data, err := os.ReadFile(name)
		out[filepath.ToSlash(rel)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestLoad(t *testing.T) {
	t.Parallel()
	base := loaded(t, distribution())
	var names []string
	for name := range base.Files {
		names = append(names, name)
	}
	slices.Sort(names)
	want := []string{"components/a/_x.tpl", "components/a/component.yaml", "components/a/x.go", "components/baseline.yaml",
		"policies/lib/a.rego", "policies/main.rego", "tools.txtar"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if again := loaded(t, distribution()); again.Digest != base.Digest {
		t.Errorf("two readings give %s and %s", base.Digest, again.Digest)
	}
	if _, err := (source.Distribution{}).Load(); err == nil {
		t.Error("a program that carries nothing has a distribution")
	}
}

func TestKeep(t *testing.T) {
	t.Parallel()
	base, cache := loaded(t, distribution()), t.TempDir()
	if _, err := source.Kept(cache, base.Digest); !errors.Is(err, source.ErrNotKept) {
		t.Errorf("nothing kept: %v", err)
	}
	dir, err := source.Keep(base, cache)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"tools/one/go.mod": "module one\n", "tools/one/x/main.go": "package main\n"}
	for name, data := range base.Files {
		want[name] = string(data)
	}
	if diff := cmp.Diff(want, tree(t, dir)); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	got, err := source.Kept(cache, base.Digest)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(base, got); diff != "" {
		t.Errorf("read again (-want +got):\n%s", diff)
	}
	tools, err := source.KeepTools(base, cache)
	if err != nil || tools != filepath.Join(dir, "tools") {
		t.Errorf("tools: %s, %v", tools, err)
	}
	entries, err := os.ReadDir(filepath.Join(cache, "distribution"))
	if err != nil || len(entries) != 1 {
		t.Errorf("beside the copy: %v, %v", entries, err)
	}
}

// TestDamaged: a copy that is not whole is not used, and the next Keep mends it.
func TestDamaged(t *testing.T) {
	t.Parallel()
	base := loaded(t, distribution())
	for name, damage := range map[string]func(dir string) error{
		"changed": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "policies/main.rego"), []byte("x"), 0o600)
		},
		"removed": func(dir string) error { return os.Remove(filepath.Join(dir, "policies/main.rego")) },
		"added":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "policies/more.rego"), nil, 0o600) },
		"a module": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "tools/one/go.mod"), []byte("module two\n"), 0o600)
		},
		"a module more": func(dir string) error {
			return os.WriteFile(filepath.Join(dir, "tools/one/evil.go"), []byte("package main\n"), 0o600)
		},
		"a link out": func(dir string) error { return os.Symlink("/etc/hosts", filepath.Join(dir, "tools/one/hosts.go")) },
		"a folder out": func(dir string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "tools")), os.Symlink("/etc", filepath.Join(dir, "tools")))
		},
		"cut short":   func(dir string) error { return os.Truncate(filepath.Join(dir, "components/baseline.yaml"), 10) },
		"a huge file": func(dir string) error { return os.Truncate(filepath.Join(dir, "policies/main.rego"), 1<<40) },
		"a file":      func(dir string) error { return errors.Join(os.RemoveAll(dir), os.WriteFile(dir, nil, 0o600)) },
		"a link":      func(dir string) error { return errors.Join(os.RemoveAll(dir), os.Symlink("/etc", dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cache := t.TempDir()
			dir, err := source.Keep(base, cache)
			if err != nil {
				t.Fatal(err)
			}
			whole := tree(t, dir)
			if err := damage(dir); err != nil {
				t.Fatal(err)
			}
			if got, err := source.Kept(cache, base.Digest); err == nil && cmp.Diff(base, got) != "" {
				t.Error("a damaged copy was read")
			} else if err != nil && !errors.Is(err, source.ErrNotKept) {
				t.Errorf("error of another kind: %v", err)
			}
			if _, err := source.KeepTools(base, cache); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(whole, tree(t, dir)); diff != "" {
				t.Errorf("mended (-want +got):\n%s", diff)
			}
		})
	}
}

// TestKeepTogether: many at once leave one whole copy.
func TestKeepTogether(t *testing.T) {
	t.Parallel()
	base, cache := loaded(t, distribution()), t.TempDir()
	done := make(chan error)
	for range 8 {
		go func() {
			_, err := source.Keep(base, cache)
			done <- err
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if _, err := source.Kept(cache, base.Digest); err != nil {
		t.Error(err)
	}
}

func TestRefusedArchives(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ archive, want string }{
		"up":              {"-- ../x/go.mod --\n", `holds "../x/go.mod", which is no file of a module`},
		"up inside":       {"-- x/../../go.mod --\n", `holds "x/../../go.mod", which is no file of a module`},
		"absolute":        {"-- /x/go.mod --\n", `holds "/x/go.mod", which is no file of a module`},
		"backslash":       {"-- x\\..\\go.mod/y --\n", "which is no file of a module"},
		"drive":           {"-- c:/x --\n", "which is no file of a module"},
		"at the top":      {"-- go.mod --\n", `holds "go.mod", which is no file of a module`},
		"twice":           {"-- x/a --\n-- x/a --\n", `holds "x/a" twice`},
		"file and folder": {"-- x/a --\n-- x/a/b --\n", `holds "x/a" as a file and as a folder`},
		"too long":        {"-- x/a --\n" + strings.Repeat("x", 5<<20), "the archive has 5242890 bytes; it may have 4194304"},
	} {
		d := distribution()
		d.Tools = c.archive
		cache := t.TempDir()
		_, err := source.Keep(loaded(t, d), cache)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
		if left := tree(t, cache); len(left) > 0 {
			t.Errorf("%s left %v", name, left)
		}
	}
}

// FuzzArchive: whatever the archive is, nothing is written outside the cache.
func FuzzArchive(f *testing.F) {
	f.Add("-- a/go.mod --\nmodule a\n-- a/b/c.go --\n")
	f.Add("-- ../a --\nx")
	f.Add("-- a/b --\n-- a/b/c --\n")
	f.Fuzz(func(t *testing.T, archive string) {
		outer := t.TempDir()
		d := distribution()
		d.Tools = archive
		base := loaded(t, d)
		dir, err := source.Keep(base, filepath.Join(outer, "cache"))
		if err == nil {
			if _, err := source.Kept(filepath.Join(outer, "cache"), base.Digest); err != nil {
				t.Errorf("kept, and not read again: %v", err)
			}
			if dir != filepath.Join(outer, "cache", "distribution", strings.TrimPrefix(base.Digest, "sha256:")) {
				t.Errorf("kept in %s", dir)
			}
		}
		for name := range tree(t, outer) {
			if !strings.HasPrefix(name, "cache/distribution/") {
				t.Errorf("wrote %s", name)
			}
		}
	})
}
