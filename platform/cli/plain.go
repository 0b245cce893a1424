package cli

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/plain"
	"dualtrack.internal/platform/source"
)

// What help says of plain mode.
const (
	plainHelp = "With --tree it needs no catalog: each folder that the pattern meets is a cluster named by its\n" +
		"folder (by its path where names clash), be it a kustomization, a chart, or YAML with the folders\n" +
		"below. Bases anywhere in the repository count, and so do the paths that Flux's Kustomizations and\n" +
		"HelmReleases and Argo CD's Applications and ApplicationSets name in it; an Application for another\n" +
		"cluster makes that one. What is not followed (remote bases and charts, values of Secrets) is said\n" +
		"at its line and counts as unknown. A chart is rendered with its own values; with --values each\n" +
		"values file makes a cluster: values-prod.yaml and prod/values.yaml are for prod. In patterns *\n" +
		"stands for a name, ** for folders. What only a catalog tells (allowed registries, waves, settings\n" +
		"of clusters) is not judged."
	plainExample = "  platform check --tree 'overlays/*'\n" +
		"  platform check --tree charts/app --values 'charts/app/values-*.yaml'\n" +
		"  platform check --tree 'clusters/*' --base origin/main --head HEAD"
)

// plainOptions choose the clusters of a repository without a catalog.
type plainOptions struct {
	trees, values []string
	exceptions    string
	kubernetes    string // --kube-version: charts are rendered for it too
}

func (o plainOptions) set() bool { return len(o.trees) > 0 }

func plainFlags(cmd *cobra.Command, o *plainOptions) {
	cmd.Flags().StringArrayVar(&o.trees, "tree", nil,
		"plain mode, for a repository without a catalog: each folder that the pattern meets is a cluster; repeatable")
	cmd.Flags().StringArrayVar(&o.values, "values", nil,
		"with --tree: each values file that the pattern meets makes a cluster, of the chart that it stands in or of all; repeatable")
	cmd.Flags().StringVar(&o.exceptions, "exceptions", "", "with --tree: file of exceptions (default: policies/exceptions.yaml where there is one)")
}

func (o plainOptions) check() error {
	if !o.set() && len(o.values)+len(o.exceptions) > 0 {
		return usagef("--values and --exceptions go with --tree")
	}
	return nil
}

// root is the folder whose tree is read: that of the catalog, or in plain mode of
// the Git repository.
func (e *environment) root() (string, error) {
	if !e.plain.set() {
		return catalog.FindRoot(e.dir)
	}
	root, _, err := source.Root(e.dir)
	return root, err
}

// notes tell once what plain mode can't judge.
func (o plainOptions) notes() []string {
	if !o.set() {
		return nil
	}
	return []string{"no catalog: which registries are allowed is not judged; what may stand elsewhere (namespaces, policies, definitions) is unknown where it is missing here"}
}

// loadPlain makes a catalog of one side of a change.
func (e *environment) loadPlain(ctx context.Context, p source.Point, base bool) (*catalog.Catalog, error) {
	root, within, err := source.Root(e.dir)
	if err != nil {
		return nil, err
	}
	o := plain.Options{MayBeEmpty: base}
	for _, pattern := range e.plain.trees {
		o.Trees = append(o.Trees, path.Join(within, filepath.ToSlash(pattern)))
	}
	for _, pattern := range e.plain.values {
		o.Values = append(o.Values, path.Join(within, filepath.ToSlash(pattern)))
	}
	if e.plain.exceptions != "" {
		o.Exceptions = path.Join(within, filepath.ToSlash(e.plain.exceptions))
	}
	if o.Baseline, err = e.baseline(); err != nil {
		return nil, err
	}
	if e.plain.kubernetes != "" {
		o.Baseline.Spec.Kubernetes = e.plain.kubernetes
	}
	if o.Remotes, err = source.Remotes(root); err != nil {
		return nil, err
	}
	if p.Files != nil {
		return plain.Load(ctx, catalog.TreeOf(p.Files, nil), o)
	}
	tree, err := catalog.OpenTree(root)
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	return plain.Load(ctx, tree, o)
}

// baseline is the one that the program carries.
func (e *environment) baseline() (*catalog.Baseline, error) {
	data, err := fs.ReadFile(e.Distribution.Components, "baseline.yaml")
	if err != nil {
		return nil, fmt.Errorf("the program's own distribution: %w", err)
	}
	return catalog.ParseBaseline(catalog.BasePrefix+"components/baseline.yaml", data)
}
