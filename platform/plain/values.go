package plain

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render/place"
)

// environments makes a cluster of each environment that has a values file.
func (l *loader) environments(charts []string) error {
	if len(charts) == 0 {
		if l.options.MayBeEmpty || len(l.units) > 0 {
			return nil
		}
		return &finding.Problem{What: "--values is for charts, and --tree meets none", Mend: "leave it out"}
	}
	with := map[string][]string{} // chart → its values files
	for _, pattern := range l.options.Values {
		found, err := expand(l.tree, pattern)
		if err != nil {
			return err
		}
		n := 0
		for _, m := range found {
			if m.err != nil {
				return m.err
			}
			if m.dir {
				continue
			}
			n++
			for _, chart := range owners(charts, m.path) {
				with[chart] = append(with[chart], m.path)
			}
		}
		if n == 0 && !l.options.MayBeEmpty {
			p := nothing(l.tree, "--values", pattern)
			return p
		}
	}
	byName := map[string]*unit{}
	for _, chart := range charts {
		files := slices.Compact(with[chart])
		if len(files) == 0 {
			l.units = append(l.units, &unit{name: path.Base(chart), path: chart, parts: []part{l.chartPart(chart)}})
		}
		for _, file := range files {
			name := environment(file)
			u := byName[name]
			if u == nil {
				u = &unit{name: name, path: name}
				byName[name] = u
				l.units = append(l.units, u)
			}
			p := l.chartPart(chart)
			p.at = finding.Position{File: file}
			values, err := l.readValues(file)
			if err != nil {
				return err
			}
			p.values = values
			u.parts = append(u.parts, p)
		}
	}
	return nil
}

func (l *loader) chartPart(dir string) part {
	return part{name: path.Base(dir), dir: dir, kind: helmChart, at: l.declared(dir, helmChart), release: path.Base(dir)}
}

// owners are the charts that a values file is for: the innermost one whose folder
// it stands in, else all.
func owners(charts []string, file string) []string {
	own := ""
	for _, chart := range charts {
		if (chart == "." || strings.HasPrefix(file, chart+"/")) && len(chart) > len(own) {
			own = chart
		}
	}
	if own == "" {
		return charts
	}
	return []string{own}
}

// environment is what a values file is for: values-prod.yaml, values.prod.yaml,
// prod.yaml, prod-values.yaml and prod/values.yaml are for prod.
func environment(file string) string {
	name := strings.TrimSuffix(strings.TrimSuffix(path.Base(file), ".yaml"), ".yml")
	if name == "values" {
		if dir := path.Base(path.Dir(file)); dir != "." {
			return dir
		}
		return name
	}
	for _, sep := range []string{"-", ".", "_"} {
		name = strings.TrimPrefix(name, "values"+sep)
		name = strings.TrimSuffix(name, sep+"values")
	}
	return name
}

// readValues reads a values file, with the place of each value.
func (l *loader) readValues(file string) (catalog.Values, error) {
	data, err := l.tree.Raw(file)
	if err != nil {
		return catalog.Values{}, err
	}
	return valuesOf(file, data)
}

func valuesOf(file string, data []byte) (catalog.Values, error) {
	docs, err := place.Scan(file, data)
	if err != nil {
		return catalog.Values{}, err
	}
	var content map[string]any
	if err := k8syaml.Unmarshal(data, &content); err != nil {
		return catalog.Values{}, place.Problem(file, err)
	}
	v := catalog.Values{Map: content, Position: finding.Position{File: file, Line: 1}, Lines: map[string]finding.Position{}}
	if len(docs) > 0 {
		lines(v.Lines, file, "", docs[0].Root, 0)
	}
	return v, nil
}

// lines notes where each value stands, by its dotted path.
func lines(into map[string]finding.Position, file, at string, n *yaml.Node, depth int) {
	n = place.Resolved(n)
	if n == nil || depth > place.MaxDepth {
		return
	}
	for i := 0; i < len(n.Content); i++ {
		switch n.Kind {
		case yaml.MappingNode:
			if i+1 >= len(n.Content) {
				return
			}
			key := strings.TrimPrefix(at+"."+n.Content[i].Value, ".")
			into[key] = place.At(file, n.Content[i])
			lines(into, file, key, n.Content[i+1], depth+1)
			i++
		case yaml.SequenceNode:
			key := fmt.Sprintf("%s[%d]", at, i)
			into[key] = place.At(file, n.Content[i])
			lines(into, file, key, n.Content[i], depth+1)
		case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
			return
		}
	}
}
