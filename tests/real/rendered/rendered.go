// Package rendered gives tests and experiments of real programs what those programs
// read: the configurations of the repository's own clusters, as containers see them.
// It writes nothing and judges nothing.
package rendered

import (
	"testing"

	"dualtrack.internal/platform/render"
)

// Configurations builds a program of tool.CheckPrograms and renders what
// containers of an image of the baseline read, in the named clusters, or in all.
func Configurations(t *testing.T, program, image string, clusters ...string) (path string, subjects []Subject) {
	t.Helper()
	path, subjects, err := Find(t.Context(), program, image, clusters...)
	if err != nil {
		t.Fatal(err)
	}
	return path, sound(t, subjects)
}

// Programs builds programs of the repository, or finds them built.
func Programs(t *testing.T, names ...string) map[string]string {
	t.Helper()
	cat, err := load()
	if err != nil {
		t.Fatal(err)
	}
	paths, err := build(t.Context(), cat, names...)
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// Subjects are what containers of an image read; nothing is built.
func Subjects(t *testing.T, image string, clusters ...string) []Subject {
	t.Helper()
	cat, err := load()
	if err != nil {
		t.Fatal(err)
	}
	return sound(t, read(cat, Bundles(t, clusters...), image))
}

// Bundles renders the named clusters, or all.
func Bundles(t *testing.T, clusters ...string) []*render.Bundle {
	t.Helper()
	cat, err := load()
	if err != nil {
		t.Fatal(err)
	}
	all, err := render.All(t.Context(), cat, render.Options{Clusters: clusters})
	if err != nil {
		t.Fatal(err)
	}
	return all.Bundles
}

// sound holds that each could be read as a whole.
func sound(t *testing.T, subjects []Subject) []Subject {
	t.Helper()
	for _, s := range subjects {
		if len(s.Problems) > 0 {
			t.Errorf("%s %s: %v", s.Cluster, s.Name, s.Problems)
		}
	}
	return subjects
}
