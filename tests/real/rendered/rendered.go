// Package rendered gives tests of real programs what those programs read: the
// configurations of the repository's own clusters, as containers see them. It
// writes nothing and judges nothing.
package rendered

import (
	"path/filepath"
	"slices"
	"testing"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/platform/validate"
)

// Configurations builds a program of tool.CheckPrograms and renders what
// containers of an image of the baseline read, in the named clusters, or in all.
func Configurations(t *testing.T, program, image string, clusters ...string) (path string, subjects []validate.Subject) {
	t.Helper()
	cat := load(t)
	return Programs(t, program)[program], subjectsOf(t, cat, Bundles(t, clusters...), image)
}

// Programs builds programs of the repository, or finds them built.
func Programs(t *testing.T, names ...string) map[string]string {
	t.Helper()
	cat := load(t)
	store, err := tool.New(tool.Config{
		ToolsDir: filepath.Join(cat.Root, "tools"), Programs: tool.Programs(cat.Baseline.Spec.Kubernetes),
		Named: slices.Concat(tool.CheckPrograms(), tool.WorkloadPrograms()),
	})
	if err != nil {
		t.Fatal(err)
	}
	paths, err := store.Ensure(t.Context(), names, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// Subjects are what containers of an image read; nothing is built.
func Subjects(t *testing.T, image string, clusters ...string) []validate.Subject {
	t.Helper()
	return subjectsOf(t, load(t), Bundles(t, clusters...), image)
}

// Bundles renders the named clusters, or all.
func Bundles(t *testing.T, clusters ...string) []*render.Bundle {
	t.Helper()
	all, err := render.All(t.Context(), load(t), render.Options{Clusters: clusters})
	if err != nil {
		t.Fatal(err)
	}
	return all.Bundles
}

func subjectsOf(t *testing.T, cat *catalog.Catalog, bundles []*render.Bundle, image string) []validate.Subject {
	t.Helper()
	var subjects []validate.Subject
	images := map[string]string{image: cat.Baseline.Spec.Images[image].Ref()}
	for _, bundle := range bundles {
		for _, s := range validate.Subjects(bundle, []validate.Checker{{Name: image, Images: []string{image}}}, images) {
			if len(s.Problems) > 0 {
				t.Errorf("%s %s: %v", s.Cluster, s.Name, s.Problems)
			}
			subjects = append(subjects, s)
		}
	}
	return subjects
}

func load(t *testing.T) *catalog.Catalog {
	t.Helper()
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	return cat
}
