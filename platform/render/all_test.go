package render_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

var update = flag.Bool("update", false, "write what the program renders into testdata")

// lay writes the small repository and, over it, further files given as a txtar
// archive, into a folder of its own.
func lay(t testing.TB, over string) string {
	t.Helper()
	small, err := txtar.ParseFile(filepath.Join("testdata", "repo.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range append(small.Files, txtar.Parse([]byte(over)).Files...) {
		full := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func load(t testing.TB, dir string) *catalog.Catalog {
	t.Helper()
	cat, err := catalog.Load(dir)
	if err != nil {
		t.Fatalf("load the catalog:\n%v", err)
	}
	return cat
}

func all(t testing.TB, dir string, opt render.Options) *render.Result {
	t.Helper()
	result, err := render.All(t.Context(), load(t, dir), opt)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	return result
}

// show writes a result down: bundles' files, hooks with their events, findings.
func show(t testing.TB, r *render.Result) []byte {
	t.Helper()
	var out bytes.Buffer
	fmt.Fprintf(&out, "revision %s\nshared %d\n", r.Revision, r.Shared)
	for _, f := range r.Findings {
		fmt.Fprintf(&out, "finding %s %s %v: %s; %s\n", f.Severity, f.Position, f.Clusters, f.Message, f.Mend)
	}
	for _, b := range r.Bundles {
		fmt.Fprintf(&out, "\n== %s %s\n", b.Cluster, b.Digest)
		for _, n := range b.NotRendered {
			fmt.Fprintf(&out, "not rendered %s: %v\n", n.Component, n.Err)
		}
		for _, o := range b.Objects {
			fmt.Fprintf(&out, "%d %s %s exact=%t\n", o.Stage, o.Ref(), o.Source, o.Exact)
		}
		for _, o := range b.Hooks {
			fmt.Fprintf(&out, "hook %s %s %v\n", o.Ref(), o.Source, o.Hooks)
		}
		files, err := b.Files()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			fmt.Fprintf(&out, "-- %s --\n%s", f.Path, f.Data)
		}
	}
	return out.Bytes()
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	golden(t, "repo.golden", show(t, all(t, lay(t, ""), render.Options{})))
}

// TestSameBytes renders the same repository in other folders, in other orders
// and with other numbers of workers.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	want := show(t, all(t, lay(t, ""), render.Options{Workers: 1}))
	for _, workers := range []int{1, 3, 32} {
		got := show(t, all(t, lay(t, ""), render.Options{Workers: workers}))
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%d workers (-want +got):\n%s", workers, diff)
		}
	}
}

// TestSubset holds a cluster's bundle to be the same, whoever is rendered with it.
func TestSubset(t *testing.T) {
	t.Parallel()
	dir := lay(t, "")
	whole := all(t, dir, render.Options{})
	for _, want := range whole.Bundles {
		got := all(t, dir, render.Options{Clusters: []string{want.Cluster}})
		if len(got.Bundles) != 1 || got.Bundles[0].Digest != want.Digest {
			t.Errorf("%s alone: %+v, want digest %s", want.Cluster, got.Bundles, want.Digest)
		}
	}
}

func TestDigestIsOverFiles(t *testing.T) {
	t.Parallel()
	for _, b := range all(t, lay(t, ""), render.Options{}).Bundles {
		files, err := b.Files()
		if err != nil {
			t.Fatal(err)
		}
		if got := render.Digest(files); got != b.Digest {
			t.Errorf("%s: digest of its files is %s, its own is %s", b.Cluster, got, b.Digest)
		}
	}
	one := render.Digest([]render.File{{Path: "a", Data: []byte("bc")}, {Path: "d"}})
	if other := render.Digest([]render.File{{Path: "ab", Data: []byte("c")}, {Path: "d"}}); one == other {
		t.Error("moving a byte from data to path leaves the digest as it is")
	}
	if other := render.Digest([]render.File{{Path: "d"}, {Path: "a", Data: []byte("bc")}}); one != other {
		t.Error("the digest depends on the order of the files")
	}
}

func TestUnknownCluster(t *testing.T) {
	t.Parallel()
	_, err := render.All(t.Context(), load(t, lay(t, "")), render.Options{Clusters: []string{"nort"}})
	var problem *finding.Problem
	if !errors.As(err, &problem) || !strings.Contains(problem.Mend, "north") {
		t.Errorf("error is %v, want a problem that lists the clusters", err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	cat := load(t, lay(t, ""))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := render.All(ctx, cat, render.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}

func TestCycle(t *testing.T) {
	t.Parallel()
	cat := load(t, lay(t, ""))
	cat.Components["base"].Spec.DependsOn = []string{"shop"}
	_, err := render.All(t.Context(), cat, render.Options{})
	var problem *finding.Problem
	if !errors.As(err, &problem) || problem.File != "components/base/component.yaml" {
		t.Errorf("error is %v, want a problem in a component's file", err)
	}
}

func TestHooksAndDefinitions(t *testing.T) {
	t.Parallel()
	for _, b := range all(t, lay(t, ""), render.Options{}).Bundles {
		sawOther := false
		for _, o := range b.Objects {
			if len(o.Hooks) > 0 || strings.HasSuffix(o.GetName(), "-try") {
				t.Errorf("%s: %s is among the objects", b.Cluster, o.Ref())
			}
			if o.Component != "shop" {
				continue
			}
			if o.GetKind() == "CustomResourceDefinition" && sawOther {
				t.Errorf("%s: a definition comes after other objects", b.Cluster)
			}
			sawOther = true
			if o.GetKind() == "Book" && o.GetNamespace() != "" {
				t.Errorf("%s: %s got a namespace though its definition is cluster-wide", b.Cluster, o.Ref())
			}
		}
		if len(b.Hooks) != 1 || b.Hooks[0].GetName() != "shop-migrate" {
			t.Errorf("%s: hooks are %v, want shop-migrate alone", b.Cluster, b.Hooks)
		}
	}
}

// TestEqualMessages holds that two mistakes of one kind are both reported.
func TestEqualMessages(t *testing.T) {
	t.Parallel()
	r := all(t, lay(t, `
-- components/shop/chart/templates/a.yaml --
a: {{ uuidv4 }}
-- components/shop/chart/templates/b.yaml --
b: {{ uuidv4 }}
`), render.Options{Clusters: []string{"hub", "north"}})
	var got []string
	for _, f := range r.Findings {
		if f.Severity == finding.Error {
			got = append(got, f.Position.String()+fmt.Sprint(f.Clusters))
		}
	}
	want := []string{"components/shop/chart/templates/a.yaml:1:7[hub north]", "components/shop/chart/templates/b.yaml:1:7[hub north]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
