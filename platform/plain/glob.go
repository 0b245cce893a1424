package plain

import (
	"path"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// maxMatches bounds what one pattern may match.
const maxMatches = 5_000

// match is a path that a pattern met.
type match struct {
	path string
	dir  bool
	err  error // why it can't be used
}

// expand gives the paths that a pattern meets, sorted. Each part between slashes
// is a pattern as package path has them; ** stands for any number of folders.
// Names that begin with a dot are met only by a part that begins with one.
func expand(t *catalog.Tree, pattern string) ([]match, error) {
	clean := path.Clean(pattern)
	if path.IsAbs(clean) || clean == ".." || strings.HasPrefix(clean, "../") {
		return nil, &finding.Problem{What: "the pattern " + pattern + " leaves the repository", Mend: "write one from the repository's root, like clusters/*"}
	}
	parts := strings.Split(clean, "/")
	for _, part := range parts {
		if _, err := path.Match(part, ""); err != nil {
			return nil, &finding.Problem{What: "the pattern " + pattern + " is malformed", Mend: "close the bracket"}
		}
	}
	if clean == "." {
		return []match{{path: ".", dir: true}}, nil
	}
	e := expander{tree: t, seen: map[string]bool{}}
	if err := e.walk(".", parts); err != nil {
		return nil, err
	}
	slices.SortFunc(e.found, func(a, b match) int { return strings.Compare(a.path, b.path) })
	return e.found, nil
}

type expander struct {
	tree  *catalog.Tree
	found []match
	seen  map[string]bool
	steps int
}

func (e *expander) walk(dir string, parts []string) error {
	if e.steps++; e.steps > 20*maxMatches || len(e.found) > maxMatches {
		return &finding.Problem{What: "the pattern meets too much", Mend: "write a narrower one"}
	}
	entries, err := e.tree.Entries(dir)
	if err != nil {
		return nil //nolint:nilerr // what can't be listed was met as an entry above
	}
	deep := parts[0] == "**"
	if deep && len(parts) > 1 {
		if err := e.walk(dir, parts[1:]); err != nil {
			return err
		}
	}
	for _, entry := range entries {
		hidden := strings.HasPrefix(entry.Name, ".")
		ok, _ := path.Match(parts[0], entry.Name) // its form was checked
		if hidden && (deep || !strings.HasPrefix(parts[0], ".")) || !ok && !deep {
			continue
		}
		at := path.Join(dir, entry.Name)
		switch {
		case len(parts) == 1:
			e.add(match{path: at, dir: entry.Dir, err: entry.Err})
		case entry.Err != nil && !deep:
			e.add(match{path: at, err: entry.Err})
		}
		if rest := parts[1:]; entry.Dir && (deep || len(rest) > 0) {
			if deep {
				if rest = parts; e.tree.IsLink(at) {
					continue // it may lead back
				}
			}
			if err := e.walk(at, rest); err != nil {
				return err
			}
		}
	}
	return nil
}

func (e *expander) add(m match) {
	if !e.seen[m.path] {
		e.seen[m.path] = true
		e.found = append(e.found, m)
	}
}

// nothing explains a pattern that meets nothing: the part that fails, and what
// stands there instead.
func nothing(t *catalog.Tree, flag, pattern string) *finding.Problem {
	parts := strings.Split(path.Clean(pattern), "/")
	at, i := ".", 0
	for ; i < len(parts); i++ {
		if next := path.Join(at, parts[i]); !strings.ContainsAny(parts[i], "*?[") && t.IsDir(next) {
			at = next
			continue
		}
		break
	}
	p := &finding.Problem{What: flag + " " + pattern + " meets nothing"}
	entries, _ := t.Entries(at)
	var dirs []string
	for _, entry := range entries {
		if entry.Dir && !strings.HasPrefix(entry.Name, ".") {
			dirs = append(dirs, entry.Name)
		}
	}
	where := at + " holds"
	if at == "." {
		where = "the repository's root holds"
	}
	switch near := nearest(parts[min(i, len(parts)-1)], dirs); {
	case len(dirs) == 0:
		p.Mend = where + " no folder"
	case near != "":
		p.Mend = "did you mean " + strings.Join(append(slices.Clone(parts[:i]), append([]string{near}, parts[i+1:]...)...), "/") + "? " + where + " the folders " + few(dirs)
	default:
		p.Mend = where + " the folders " + few(dirs)
	}
	return p
}

func nearest(name string, all []string) string {
	best, at := len(name)/2+1, ""
	for _, other := range all {
		if d := levenshtein.ComputeDistance(name, other); d < best {
			best, at = d, other
		}
	}
	return at
}

// few names the first of many.
func few(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
