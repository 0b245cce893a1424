package plain

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// folderOf is what stands in a folder of plain YAML: files of its own, and
// folders that are kustomizations or charts themselves.
type folderOf struct {
	manifests      []string
	kustomizations []string
	charts         []string
}

// chooser says which files of a folder of plain YAML are meant. The zero value
// means all, of the folders below too.
type chooser struct {
	flat             bool   // not those of the folders below
	include, exclude string // patterns of paths from the folder
}

// takes says whether a file is meant.
func (c chooser) takes(rel string) bool {
	return (c.include == "" || matchesAny(c.include, rel)) && (c.exclude == "" || !matchesAny(c.exclude, rel))
}

// matchesAny holds a path against a pattern, or {several,of,them}, as Argo CD
// writes it.
func matchesAny(pattern, rel string) bool {
	inner, braces := strings.CutPrefix(pattern, "{")
	list := []string{pattern}
	if inner, closed := strings.CutSuffix(inner, "}"); braces && closed {
		list = strings.Split(inner, ",")
	}
	return slices.ContainsFunc(list, func(one string) bool {
		whole, _ := path.Match(one, rel)
		base, _ := path.Match(strings.TrimPrefix(one, "**/"), path.Base(rel))
		return whole || base && (strings.HasPrefix(one, "**/") || !strings.Contains(one, "/"))
	})
}

// lookInto walks a folder of plain YAML, as Flux does: a folder with a
// kustomization or a chart is one part of its own.
func lookInto(t *catalog.Tree, dir string, g *gatherer, choose chooser) folderOf {
	var f folderOf
	var left []string
	var walk func(string, int)
	walk = func(at string, depth int) {
		entries, err := t.Entries(at)
		if err != nil {
			g.failed(at, err)
			return
		}
		for _, entry := range entries {
			name := path.Join(at, entry.Name)
			switch {
			case strings.HasPrefix(entry.Name, "."), entry.Dir && choose.flat:
			case entry.Err != nil:
				g.failed(name, entry.Err)
			case entry.Dir && t.IsLink(name):
				g.fail(finding.Position{File: name}, "is a link to a folder", "put the folder itself here")
			case entry.Dir && kustomizationOf(t, name) != "":
				f.kustomizations = append(f.kustomizations, name)
			case entry.Dir && isChart(t, name):
				f.charts = append(f.charts, name)
			case entry.Dir && depth < place.MaxDepth:
				walk(name, depth+1)
			case isManifest(entry.Name) && choose.takes(strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")):
				if g.objects(name) {
					f.manifests = append(f.manifests, name)
				} else if path.Ext(name) != ".json" {
					left = append(left, name)
				}
			}
		}
	}
	walk(dir, 0)
	if len(left) > 0 {
		g.note(finding.Position{File: left[0]}, finding.Info, "",
			fmt.Sprintf("left out, for no Kubernetes object stands there: %s", few(left)), "")
	}
	return f
}

func isManifest(name string) bool {
	return slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name))
}

// objects reads a file in and says whether it is a manifest: broken ones are, so
// that the rendering says what is wrong with them; one without a single object,
// values for example, is none. A file in which only some documents are objects is
// a mistake.
func (g *gatherer) objects(name string) bool {
	problems := len(g.problems)
	data, ok := g.read(name)
	if !ok {
		return len(g.problems) > problems
	}
	if path.Ext(name) == ".json" && !bytes.Contains(data, []byte(`"apiVersion"`)) {
		delete(g.plain.Files, name)
		return false
	}
	docs, err := place.Scan(name, data)
	if err != nil {
		return true
	}
	n := 0
	for _, d := range docs {
		if d.Kind != "" && d.APIVersion != "" {
			n++
		}
	}
	if n == 0 {
		delete(g.plain.Files, name)
	}
	return n > 0
}
