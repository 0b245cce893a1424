package plain

import (
	"path"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/ignore"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// maxCharts bounds how deep charts may name each other by path.
const maxCharts = 8

// chart gathers a chart's folder, and the charts that it names by path.
func (g *gatherer) chart(dir string) {
	g.chartInto(dir, dir, 0)
}

// chartInto gathers the chart of a folder as if it stood at another place.
func (g *gatherer) chartInto(dir, as string, depth int) {
	rules := ignore.Empty()
	if data, err := g.tree.Raw(path.Join(dir, ignore.HelmIgnore)); err == nil {
		if parsed, err := ignore.Parse(strings.NewReader(string(data))); err == nil {
			rules = parsed
		}
	}
	rules.AddDefaults()
	g.chartFolder(dir, dir, as, rules)
	if as != dir {
		g.plain.Alias[as] = dir
	}
	g.dependencies(dir, as, depth)
}

func (g *gatherer) chartFolder(at, dir, as string, rules *ignore.Rules) {
	entries, err := g.tree.Entries(at)
	if err != nil {
		g.failed(at, err)
		return
	}
	for _, entry := range entries {
		name := path.Join(at, entry.Name)
		rel := strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
		if dir == "." {
			rel = name
		}
		if entry.Err != nil {
			g.failed(name, entry.Err)
			continue
		}
		if rules.Ignore(rel, entryInfo{entry}) || rel == ".git" || rel == ".helmignore" {
			continue
		}
		if entry.Dir {
			if g.tree.IsLink(name) {
				g.fail(finding.Position{File: name}, "is a link to a folder", "put the folder itself here")
				continue
			}
			g.chartFolder(name, dir, as, rules)
			continue
		}
		data, ok := g.read(name)
		if ok && len(g.plain.Files) >= maxFiles {
			g.fail(finding.Position{File: name}, "is more than one component may read", "split the component")
			return
		}
		if ok && as != dir {
			g.plain.Files[path.Join(as, rel)] = data
		}
	}
}

// dependencies follows those that a chart names by path, which `helm dependency
// build` would copy into charts/, and notes those that it would download.
func (g *gatherer) dependencies(dir, as string, depth int) {
	manifest := path.Join(dir, "Chart.yaml")
	var meta chart.Metadata
	if k8syaml.Unmarshal(g.plain.Files[manifest], &meta) != nil {
		return // the rendering says why
	}
	docs, _ := place.Scan(manifest, g.plain.Files[manifest])
	for _, dep := range meta.Dependencies {
		if dep == nil || g.vendored(as, dep) {
			continue
		}
		at := finding.Position{File: manifest}
		if len(docs) > 0 {
			at = place.At(manifest, place.FindScalar(place.Value(docs[0].Root, "dependencies"), dep.Name, 0))
		}
		local, byPath := strings.CutPrefix(dep.Repository, "file://")
		if !byPath {
			from := dep.Repository
			if from == "" {
				from = "a repository that is not named"
			}
			g.elsewhere(at, "subchart "+dep.Name+" comes from "+from+" and does not stand in charts/")
			continue
		}
		target, inside := within(dir, local)
		switch {
		case !inside, !g.tree.IsFile(path.Join(target, "Chart.yaml")):
			g.fail(at, "subchart "+dep.Name+": "+dep.Repository+" is no chart of the repository", "mend the path")
		case depth >= maxCharts:
			g.fail(at, "charts name each other more than 8 deep", "break the cycle")
		default:
			g.chartInto(target, path.Join(as, "charts", dep.Name), depth+1)
		}
	}
}

// vendored says that a dependency stands in charts/ already.
func (g *gatherer) vendored(as string, dep *chart.Dependency) bool {
	for name := range g.plain.Files {
		if rest, ok := strings.CutPrefix(name, path.Join(as, "charts")+"/"); ok &&
			(strings.HasPrefix(rest, dep.Name+"/") || strings.HasPrefix(rest, dep.Name+"-") && strings.HasSuffix(rest, ".tgz")) {
			return true
		}
	}
	return false
}

// isChart says that a folder holds a chart.
func isChart(t *catalog.Tree, dir string) bool { return t.IsFile(path.Join(dir, "Chart.yaml")) }
