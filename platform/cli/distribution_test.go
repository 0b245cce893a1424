package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/source"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tools"
)

// TestArchiveHoldsThePrograms: a program that an installed binary builds must
// find its module there.
func TestArchiveHoldsThePrograms(t *testing.T) {
	t.Parallel()
	base, err := System().Distribution.Load()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := source.KeepTools(base, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.Concat(tool.Programs("v1.99.0"), tool.NodePrograms("v1.99.0")) {
		if _, err := os.Stat(filepath.Join(dir, p.Dir, "go.mod")); err != nil {
			t.Errorf("%s is built from %s, which the archive lacks: add it to Names in tools/modules.go and run `go run ./tools/archive`", p.Name, p.Dir)
		}
	}
	for _, name := range tools.Names() {
		own := filepath.Join("..", "..", "tools", name)
		for _, file := range []string{"go.mod", "go.sum"} {
			want, err := os.ReadFile(filepath.Join(own, file))
			if os.IsNotExist(err) {
				continue // a module of the standard library alone
			}
			got, gotErr := os.ReadFile(filepath.Join(dir, name, file))
			if diff := cmp.Diff(string(want), string(got)); err != nil || gotErr != nil || diff != "" {
				t.Errorf("%s/%s: %v, %v (-want +got):\n%s", name, file, err, gotErr, diff)
			}
		}
	}
}

// TestSameBundles: the distribution gives the same bytes as a repository that
// holds the components itself.
func TestSameBundles(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	whole, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	base, err := System().Distribution.Load()
	if err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	for _, folder := range []string{"clusters", "policies"} {
		if err := os.CopyFS(filepath.Join(own, folder), os.DirFS(filepath.Join(root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	over, err := catalog.LoadOver(own, base)
	if err != nil {
		t.Fatal(err)
	}
	digests := func(cat *catalog.Catalog) []string {
		rendered, err := render.All(t.Context(), cat, render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, b := range rendered.Bundles {
			out = append(out, fmt.Sprint(b.Cluster, b.Digest, len(b.NotRendered)))
		}
		return out
	}
	if diff := cmp.Diff(digests(whole), digests(over)); diff != "" {
		t.Errorf("bundles (-want +got):\n%s", diff)
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	for folder, want := range map[string]string{
		"shops": "shops", "My Shops": "my-shops", "-x-": "x", "läden": "l-den", "日本": "fleet", ".": "fleet", "/": "fleet",
		strings.Repeat("a", 70): strings.Repeat("a", 63), strings.Repeat("a", 62) + "-b": strings.Repeat("a", 62),
	} {
		if diff := cmp.Diff(want, nameOf(folder)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", folder, diff)
		}
	}
}

func TestProgram(t *testing.T) {
	t.Parallel()
	for called, want := range map[string]string{
		"": "platform", "platform": "platform", "/usr/bin/dualtrack": "dualtrack", "dualtrack.exe": "dualtrack",
		"/x/kubectl-dualtrack": "kubectl dualtrack", "cli.test": "platform", "dualtrack-0.1": "platform",
	} {
		e := &environment{Streams: Streams{Name: called}}
		if diff := cmp.Diff(want, e.program()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", called, diff)
		}
	}
	e := &environment{Streams: Streams{Name: "kubectl-dualtrack"}}
	got := e.ownWords("  platform up\n  platform up --sites 1 && platform down\n  other platform x")
	if diff := cmp.Diff("  kubectl dualtrack up\n  kubectl dualtrack up --sites 1 && kubectl dualtrack down\n  other platform x", got); diff != "" {
		t.Errorf("examples (-want +got):\n%s", diff)
	}
}
