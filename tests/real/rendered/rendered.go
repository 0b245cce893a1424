// Package rendered gives tests of real programs what those programs read: the
// configurations of the repository's own clusters, as containers see them. It
// writes nothing and judges nothing.
package rendered

import (
	"context"
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
	path, subjects, err := Read(t.Context(), program, image, clusters...)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subjects {
		if len(s.Problems) > 0 {
			t.Errorf("%s %s: %v", s.Cluster, s.Name, s.Problems)
		}
	}
	return path, subjects
}

// Read is Configurations for what is no test. Problems stand in the subjects.
func Read(ctx context.Context, program, image string, clusters ...string) (path string, subjects []validate.Subject, err error) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		return "", nil, err
	}
	cat, err := catalog.Load(root)
	if err != nil {
		return "", nil, err
	}
	store, err := tool.New(tool.Config{ToolsDir: filepath.Join(root, "tools"), Named: tool.CheckPrograms()})
	if err != nil {
		return "", nil, err
	}
	paths, err := store.Ensure(ctx, []string{program}, tool.Events{})
	if err != nil {
		return "", nil, err
	}
	all, err := render.All(ctx, cat, render.Options{Clusters: clusters})
	if err != nil {
		return "", nil, err
	}
	images := map[string]string{image: cat.Baseline.Spec.Images[image].Ref()}
	for _, bundle := range all.Bundles {
		subjects = append(subjects, validate.Subjects(bundle, []validate.Checker{{Name: program, Images: []string{image}}}, images)...)
	}
	return paths[program], subjects, nil
}
