// Package rendered gives tests of real programs what those programs read: the
// configurations of the repository's own clusters, as containers see them. It
// writes nothing and judges nothing.
package rendered

import (
	"path/filepath"
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
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(root, "tools"), Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	paths, err := store.Ensure(t.Context(), []string{program}, tool.Events{})
	if err != nil {
		t.Fatal(err)
	}
	all, err := render.All(t.Context(), cat, render.Options{Clusters: clusters})
	if err != nil {
		t.Fatal(err)
	}
	images := map[string]string{image: cat.Baseline.Spec.Images[image].Ref()}
	for _, bundle := range all.Bundles {
		for _, s := range validate.Subjects(bundle, []validate.Checker{{Name: program, Images: []string{image}}}, images) {
			if len(s.Problems) > 0 {
				t.Errorf("%s %s: %v", s.Cluster, s.Name, s.Problems)
			}
			subjects = append(subjects, s)
		}
	}
	return paths[program], subjects
}
