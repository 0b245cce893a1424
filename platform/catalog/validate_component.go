package catalog

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
)

func (l *loader) component(c *Component) {
	s := &c.Spec
	l.labels(c, "metadata.labels", c.Labels)
	l.source(c)
	l.once(c, "spec.dependsOn", s.DependsOn)
	l.once(c, "spec.images", s.Images)
	l.once(c, "spec.settable", s.Settable)
	l.dependsOn(c)
	for i, image := range s.Images {
		if b := l.catalog.Baseline; b != nil && !l.broken(b.File, "spec.images") {
			if _, known := b.Spec.Images[image]; !known {
				l.fail(c, fmt.Sprintf("spec.images[%d]", i), "the baseline has no image "+image,
					suggest("image", image, sortedKeys(b.Spec.Images)))
			}
		}
	}
	for _, name := range sortedKeys(s.Profiles) {
		field := "spec.profiles." + name
		l.patches(c, field+".patches", s.Profiles[name].Patches)
		if s.Source.Chart() == nil && s.Profiles[name].Values.Map != nil {
			l.fail(c, field+".values", "values are for Helm charts", "write patches")
		}
	}
	if s.Source.Chart() == nil && len(s.Settable) > 0 {
		l.fail(c, "spec.settable", "values are for Helm charts", "remove it; clusters may write patches")
	}
	if b := l.catalog.Baseline; b != nil && s.Version == "" {
		s.Version = b.Spec.Versions[c.Name].Declared
	}
}

// folder checks that a path stays inside the component and names a folder that
// holds one of the files.
func (l *loader) folder(c *Component, field, rel string, oneOf ...string) {
	full := path.Join(c.Dir, rel)
	switch {
	case path.IsAbs(rel) || strings.ContainsAny(rel, `\:`) || (full != c.Dir && !strings.HasPrefix(full, c.Dir+"/")):
		l.fail(c, field, rel+" leaves the component", "write a path below "+c.Dir)
	case !l.tree.IsDir(full):
		l.fail(c, field, "there is no folder "+full, l.folderMend(c, full))
	case !slices.ContainsFunc(oneOf, func(name string) bool { return l.tree.IsFile(path.Join(full, name)) }):
		l.fail(c, field, full+" has no "+oneOf[0], "add it")
	}
}

func (l *loader) folderMend(c *Component, full string) string {
	if _, err := l.tree.stat(full); err != nil {
		found, _ := finding.Gather(err)
		if len(found) == 1 && !strings.HasPrefix(found[0].What, "does not exist") {
			return "it " + found[0].What
		}
	}
	dirs, err := l.tree.Dirs(c.Dir)
	if err != nil || len(dirs) == 0 {
		return "add it"
	}
	return suggest("folder", path.Base(full), dirs)
}

func (l *loader) dependsOn(c *Component) {
	for i, name := range c.Spec.DependsOn {
		if !slices.Contains(l.namedComponents, name) {
			l.fail(c, fmt.Sprintf("spec.dependsOn[%d]", i), "there is no component "+name, suggest("component", name, l.namedComponents))
		}
	}
}

// cycles names each circle of dependsOn once, from its first name in order.
func (l *loader) cycles() {
	const walking, done = 1, 2
	state := map[string]int{}
	var stack []string
	var walk func(name string)
	walk = func(name string) {
		c := l.catalog.Components[name]
		if c == nil || state[name] == done {
			return
		}
		state[name] = walking
		stack = append(stack, name)
		for i, next := range c.Spec.DependsOn {
			if slices.Contains(c.Spec.DependsOn[:i], next) {
				continue
			}
			if state[next] != walking {
				walk(next)
				continue
			}
			circle := append(slices.Clone(stack[slices.Index(stack, next):]), next)
			l.fail(c, fmt.Sprintf("spec.dependsOn[%d]", i), "goes in a circle: "+strings.Join(circle, " → "), "remove one of these")
		}
		stack = stack[:len(stack)-1]
		state[name] = done
	}
	for _, name := range sortedKeys(l.catalog.Components) {
		walk(name)
	}
}

// settable says whether a component lets clusters set the value at a path.
func (s *ComponentSpec) settable(value string) bool {
	return slices.ContainsFunc(s.Settable, func(allowed string) bool {
		return allowed == "*" || value == allowed || strings.HasPrefix(value, allowed+".")
	})
}

// leaves lists the dotted paths of the values that are no mapping, sorted.
func (v Values) leaves() []string {
	var out []string
	var walk func(at string, m map[string]any)
	walk = func(at string, m map[string]any) {
		for _, key := range sortedKeys(m) {
			path := join(at, key)
			if inner, isMap := m[key].(map[string]any); isMap && len(inner) > 0 {
				walk(path, inner)
				continue
			}
			out = append(out, path)
		}
	}
	walk("", v.Map)
	return out
}
