// Package adopt writes a catalog from a repository that Flux or Argo CD deliver,
// and proves it: what those engines would render is compared, object by object,
// with what the catalog gives. What has no equivalent is named with its place. It
// reads the tree that it is given, fetches nothing, and writes only where it is
// told to.
package adopt

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/plain"
	"dualtrack.internal/platform/render"
)

// The engines whose trees can be taken over.
const (
	Flux   = "flux"
	ArgoCD = "argocd"
)

// Options say what is taken over.
type Options struct {
	Engine   string
	Path     string // folder of the repository, "." for its root
	Fleet    string // name of the fleet that is written
	Hub      string // cluster that is the hub; "" takes the first
	Baseline *catalog.Baseline
	Base     *catalog.Base // what the written catalog stands on
	Remotes  []string      // URLs of this repository
}

// Run takes a tree over: it makes the catalog's files and compares what they give
// with what the engine would render. Nothing is written.
func Run(ctx context.Context, t *catalog.Tree, o Options) (*Outcome, error) {
	trees, err := places(t, o)
	if err != nil {
		return nil, err
	}
	from, err := plain.Load(ctx, t, plain.Options{Trees: trees, Baseline: o.Baseline, Remotes: o.Remotes, Exceptions: noExceptions})
	if err != nil {
		return nil, err
	}
	result, err := render.All(ctx, from, render.Options{})
	if err != nil {
		return nil, err
	}
	w := newWriter(t, o, from)
	if err := w.write(); err != nil {
		return nil, err
	}
	out := &Outcome{Engine: o.Engine, files: w.files, Hub: w.hub, Left: append(left(result.Findings), w.left...)}
	ours, err := renderedFrom(ctx, w.files, o.Base)
	if err != nil {
		return nil, err
	}
	e := &engines{ctx: ctx, tree: t, kubernetes: o.Baseline.Spec.Kubernetes, catalog: from}
	for _, cluster := range from.Clusters {
		if !w.holds(cluster.Name) {
			continue
		}
		theirs, problems := e.cluster(cluster, w)
		out.Left = append(out.Left, problems...)
		out.Clusters = append(out.Clusters, compare(w.clusterNames[cluster.Name], theirs, ours[w.clusterNames[cluster.Name]], placesOf(result, cluster.Name)))
	}
	out.finish()
	return out, nil
}

// noExceptions names no file: what a tree waives is not taken over.
const noExceptions = ""

// places are the folders that hold clusters: the path itself, or those in it, or
// in its folder clusters.
func places(t *catalog.Tree, o Options) ([]string, error) {
	if strings.ContainsAny(o.Path, "*?[") {
		return []string{o.Path}, nil
	}
	if !t.IsDir(o.Path) {
		return nil, &finding.Problem{Position: finding.Position{File: o.Path}, What: "is no folder of the repository", Mend: "name the folder that holds the clusters' objects of " + o.Engine}
	}
	mark := map[string]string{Flux: "toolkit.fluxcd.io/", ArgoCD: "argoproj.io/"}[o.Engine]
	for _, at := range []string{path.Join(o.Path, "clusters"), o.Path} {
		if !t.IsDir(at) || holds(t, at, mark, false) {
			continue
		}
		if found := below(t, at, mark); len(found) > 0 {
			return found, nil
		}
	}
	if !holds(t, o.Path, mark, true) {
		return nil, &finding.Problem{Position: finding.Position{File: o.Path}, What: "nothing there is of " + o.Engine,
			Mend: "name the folder that holds its objects, or a pattern such as clusters/*"}
	}
	return []string{o.Path}, nil
}

// below are the folders in a folder that hold objects of an engine.
func below(t *catalog.Tree, dir, mark string) []string {
	entries, err := t.Entries(dir)
	if err != nil {
		return nil
	}
	var out []string
	for _, entry := range entries {
		if name := path.Join(dir, entry.Name); entry.Dir && !strings.HasPrefix(entry.Name, ".") && holds(t, name, mark, true) {
			out = append(out, name)
		}
	}
	return out
}

// holds says whether YAML in a folder names an engine's objects.
func holds(t *catalog.Tree, dir, mark string, deep bool) bool {
	entries, err := t.Entries(dir)
	if err != nil {
		return false
	}
	return slices.ContainsFunc(entries, func(entry catalog.Entry) bool {
		name := path.Join(dir, entry.Name)
		if entry.Dir {
			return deep && !strings.HasPrefix(entry.Name, ".") && !t.IsLink(name) && holds(t, name, mark, true)
		}
		ext := path.Ext(name)
		data, err := t.Raw(name)
		return (ext == ".yaml" || ext == ".yml") && err == nil && strings.Contains(string(data), mark)
	})
}

// left are the words of following that matter: what could not be followed, and
// what does not render.
func left(findings []finding.Finding) []finding.Finding {
	var out []finding.Finding
	for _, f := range findings {
		if f.Severity != finding.Info {
			out = append(out, f)
		}
	}
	return out
}

// renderedFrom writes the files into a folder that goes away and renders them.
func renderedFrom(ctx context.Context, files map[string][]byte, base *catalog.Base) (map[string]*render.Bundle, error) {
	dir, err := os.MkdirTemp("", "import-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := writeAll(dir, files); err != nil {
		return nil, err
	}
	cat, err := catalog.LoadOver(dir, base)
	if err != nil {
		return nil, fmt.Errorf("the catalog that was made is not valid: %w", err)
	}
	result, err := render.All(ctx, cat, render.Options{})
	if err != nil {
		return nil, err
	}
	out := map[string]*render.Bundle{}
	for _, b := range result.Bundles {
		out[b.Cluster] = b
	}
	return out, nil
}
