package policy

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// folder holds a repository's rules.
const folder = "policies"

// Sources are the Rego files of a library by their paths, tests among them.
type Sources map[string]string

// Carried are the Rego files of a folder, the program's own for example.
func Carried(fsys fs.FS) (Sources, error) {
	files := Sources{}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".rego" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		files[name] = string(data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	return files, nil
}

// Library gives the rules that a tree is judged by: those of the distribution under
// it, else those that the program carries, and the repository's own beside them. A
// repository that holds the entry points is a distribution itself: its rules alone
// count. A file of the distribution's can't be replaced.
func Library(cat *catalog.Catalog, carried fs.FS) (Sources, error) {
	return library(cat, carried, func(string) bool { return true })
}

// Rules is Library without the rules' tests, which judge nothing.
func Rules(cat *catalog.Catalog, carried fs.FS) (Sources, error) {
	return library(cat, carried, func(name string) bool { return !isTest(name) })
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.rego") }

func library(cat *catalog.Catalog, carried fs.FS, wanted func(string) bool) (Sources, error) {
	tree, err := cat.OpenTree()
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	defer func() { _ = tree.Close() }() // only read
	own, err := regoOf(tree, folder, wanted)
	if err != nil || own["main.rego"] != "" {
		return own, err
	}
	var all Sources
	if cat.Base != nil {
		all, err = regoOf(tree, catalog.BasePrefix+folder, wanted)
	} else {
		all, err = Carried(carried)
	}
	if err != nil {
		return nil, err
	}
	var problems finding.Problems
	for _, name := range slices.Sorted(maps.Keys(own)) {
		if all[name] != "" {
			problems = append(problems, &finding.Problem{Position: finding.Position{File: path.Join(folder, name)},
				What: "is a file of the distribution's rules, which a repository can't replace", Mend: "give it another name, and its package too"})
		}
		all[name] = own[name]
	}
	return all, problems.Err()
}

// Same says that both hold the same rules; tests don't count.
func (s Sources) Same(other Sources) bool { return maps.Equal(s.rules(), other.rules()) }

// rules leaves out the tests.
func (s Sources) rules() Sources {
	out := maps.Clone(s)
	maps.DeleteFunc(out, func(name, _ string) bool { return isTest(name) })
	return out
}

// regoOf reads the wanted Rego files below a folder of a tree, by their paths in it.
func regoOf(tree *catalog.Tree, dir string, wanted func(string) bool) (Sources, error) {
	files := Sources{}
	if !tree.IsDir(dir) {
		return files, nil
	}
	names, err := tree.Files(dir)
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	for _, name := range names {
		if path.Ext(name) != ".rego" || !wanted(name) {
			continue
		}
		data, err := tree.Read(name)
		if err != nil {
			return nil, fmt.Errorf("read the policies: %w", err)
		}
		files[strings.TrimPrefix(name, dir+"/")] = string(data)
	}
	return files, nil
}

// located gives the errors of parsing and compiling their places.
func located(err error) error {
	var list ast.Errors
	if one := (*ast.Error)(nil); errors.As(err, &one) {
		list = ast.Errors{one}
	} else if !errors.As(err, &list) {
		return err
	}
	var problems finding.Problems
	for _, e := range list {
		p := &finding.Problem{What: e.Message, Mend: "mend the rule; `platform policy test` runs the rules' tests"}
		if e.Location != nil {
			p.Position = finding.Position{File: path.Join(folder, e.Location.File), Line: e.Location.Row, Column: e.Location.Col}
		}
		problems = append(problems, p)
	}
	return problems.Err()
}
