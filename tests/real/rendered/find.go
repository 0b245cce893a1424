package rendered

import (
	"context"
	"path/filepath"
	"slices"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/platform/validate"
)

// Subject is what one container reads.
type Subject = validate.Subject

// Find is Configurations without a test. Problems stand in the subjects.
func Find(ctx context.Context, program, image string, clusters ...string) (path string, subjects []Subject, err error) {
	cat, err := load()
	if err != nil {
		return "", nil, err
	}
	paths, err := build(ctx, cat, program)
	if err != nil {
		return "", nil, err
	}
	all, err := render.All(ctx, cat, render.Options{Clusters: clusters})
	if err != nil {
		return "", nil, err
	}
	return paths[program], read(cat, all.Bundles, image), nil
}

func load() (*catalog.Catalog, error) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		return nil, err
	}
	return catalog.Load(root)
}

func build(ctx context.Context, cat *catalog.Catalog, names ...string) (map[string]string, error) {
	store, err := tool.New(tool.Config{
		ToolsDir: filepath.Join(cat.Root, "tools"), Programs: tool.Programs(cat.Baseline.Spec.Kubernetes),
		Named: slices.Concat(tool.CheckPrograms(), tool.WorkloadPrograms()),
	})
	if err != nil {
		return nil, err
	}
	return store.Ensure(ctx, names, tool.Events{})
}

func read(cat *catalog.Catalog, bundles []*render.Bundle, image string) []Subject {
	var subjects []Subject
	images := map[string]string{image: cat.Baseline.Spec.Images[image].Ref()}
	for _, bundle := range bundles {
		subjects = append(subjects, validate.Subjects(bundle, []validate.Checker{{Name: image, Images: []string{image}}}, images)...)
	}
	return subjects
}
