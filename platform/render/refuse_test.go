package render_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// TestRefused lays each case's files over the small repository, renders the hub
// and compares the error of the component that the case's first line names with
// its "want"; the other components have to go on.
func TestRefused(t *testing.T) {
	t.Parallel()
	cases, err := filepath.Glob(filepath.Join("testdata", "refused", "*.txtar"))
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range cases {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := len(c.Files) - 1
			if c.Files[last].Name != "want" {
				t.Fatalf("the last file of the case is %s, not want", c.Files[last].Name)
			}
			want := string(c.Files[last].Data)
			got := refusal(t, strings.TrimSpace(string(c.Comment)), string(txtar.Format(&txtar.Archive{Files: c.Files[:last]})))
			if *update {
				c.Files[last].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(c), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// refusal renders the hub with files laid over and gives the error of the one
// component that may fail.
func refusal(t *testing.T, component, over string) string {
	t.Helper()
	r := all(t, lay(t, over), render.Options{Clusters: []string{"hub"}})
	b := r.Bundles[0]
	if len(b.NotRendered) != 1 || b.NotRendered[0].Component != component {
		t.Fatalf("not rendered: %v, want %s alone", b.NotRendered, component)
	}
	others := 0
	for _, o := range b.Objects {
		if o.Component == component {
			t.Errorf("%s is in the bundle", o.Ref())
		} else {
			others++
		}
	}
	if others == 0 {
		t.Error("the other components did not go on")
	}
	if !slices.ContainsFunc(r.Findings, func(f finding.Finding) bool {
		return f.Rule == render.Rule && f.Severity == finding.Error && f.Component == component && f.Position.File != ""
	}) {
		t.Errorf("no finding names %s and a file: %v", component, r.Findings)
	}
	return b.NotRendered[0].Err.Error() + "\n"
}

func TestLinkOut(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Log("links need a privilege on Windows; the tree's own tests hold the rest")
		return
	}
	dir := lay(t, "")
	outside := filepath.Join(t.TempDir(), "secret.yaml")
	if err := os.WriteFile(outside, []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: stolen}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "components", "gateway", "base", "notes.yaml")
	if err := os.Remove(link); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, link); err != nil {
		t.Fatal(err)
	}
	b := all(t, dir, render.Options{Clusters: []string{"hub"}}).Bundles[0]
	if len(b.NotRendered) != 1 || b.NotRendered[0].Component != "gateway" {
		t.Fatalf("not rendered: %v, want gateway", b.NotRendered)
	}
	want := "components/gateway/base/notes.yaml: is a link that leaves the repository; put the content itself here"
	if diff := cmp.Diff(want, b.NotRendered[0].Err.Error()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	r := all(t, lay(t, `
-- components/shop/chart/templates/namespace.yaml --
apiVersion: v1
kind: Namespace
metadata:
  name: shop
`), render.Options{Clusters: []string{"hub", "north"}})
	var got []finding.Finding
	for _, f := range r.Findings {
		if f.Severity == finding.Error {
			f.Fingerprint = ""
			got = append(got, f)
		}
	}
	want := []finding.Finding{{
		Rule: "render", Severity: finding.Error, Component: "shop",
		Message:  "Namespace shop is in the bundle twice: here and in component base, components/base/all/namespaces.yaml:7",
		Mend:     "remove one of the two",
		Object:   finding.Object{APIVersion: "v1", Kind: "Namespace", Name: "shop"},
		Position: finding.Position{File: "components/shop/chart/templates/namespace.yaml", Line: 1},
		Clusters: []string{"hub", "north"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, b := range r.Bundles {
		files, err := b.Files()
		if err != nil || render.Digest(files) != b.Digest {
			t.Errorf("%s: digest is not over the files (%v)", b.Cluster, err)
		}
	}
}
