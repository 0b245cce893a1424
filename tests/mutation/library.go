package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
	"golang.org/x/sync/errgroup"
)

// library holds the parsed rules and tests, and who needs whom.
type library struct {
	text    map[string]string
	modules map[string]*ast.Module
	imports map[string][]string // file → files that it imports, and so on
	needs   map[string][]string // file → files without which it does not compile or judge
	suites  map[string][]string // file → tests that must notice when it is wrong, nearest first
}

// load parses every Rego file.
func load(fsys fs.FS) (*library, error) {
	l := &library{text: map[string]string{}, modules: map[string]*ast.Module{}, imports: map[string][]string{}, needs: map[string][]string{}, suites: map[string][]string{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".rego" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		l.text[name] = string(data)
		l.modules[name], err = ast.ParseModuleWithOpts(name, string(data), ast.ParserOptions{})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	if len(l.modules) == 0 {
		return nil, fmt.Errorf("read the policies: no file ends in .rego")
	}
	l.connect()
	return l, nil
}

// rules are the files that are mutated.
func (l *library) rules() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.modules)), isTest)
}

func (l *library) tests() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(l.modules)), func(name string) bool { return !isTest(name) })
}

func isTest(file string) bool { return strings.HasSuffix(file, "_test.rego") }

// connect finds who needs whom. A reference whose end is only known when it is
// evaluated, data.dualtrack.rules[name], needs every package below it; but the
// tests of such a file are no tests of them.
func (l *library) connect() {
	imported, referred := map[string][]string{}, map[string][]string{}
	for file, module := range l.modules {
		var refs []ast.Ref
		for _, i := range module.Imports {
			refs = append(refs, i.Path.Value.(ast.Ref))
		}
		imported[file] = l.holding(refs, file)
		ast.WalkRefs(module, func(r ast.Ref) bool {
			refs = append(refs, r.GroundPrefix())
			return false
		})
		referred[file] = l.holding(refs, file)
	}
	for file := range l.modules {
		l.imports[file], l.needs[file] = closure(imported, file), closure(referred, file)
	}
	for _, file := range l.rules() {
		own := strings.TrimSuffix(file, ".rego") + "_test.rego"
		for _, test := range l.tests() {
			if slices.Contains(l.imports[test], file) {
				l.suites[file] = append(l.suites[file], test)
			}
		}
		slices.SortFunc(l.suites[file], func(a, b string) int {
			return cmp.Or(first(a == own, b == own), first(slices.Contains(imported[a], file), slices.Contains(imported[b], file)),
				cmp.Compare(len(l.needs[a]), len(l.needs[b])), cmp.Compare(a, b))
		})
	}
}

// first sorts what is so before what is not.
func first(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	}
	return 1
}

// holding are the files whose packages the references reach.
func (l *library) holding(refs []ast.Ref, from string) []string {
	var out []string
	for file, module := range l.modules {
		if isTest(file) && strings.HasSuffix(string(module.Package.Path[len(module.Package.Path)-1].Value.(ast.String)), "_test") {
			continue // tests are asked for by name
		}
		reached := slices.ContainsFunc(refs, func(r ast.Ref) bool {
			return len(r) > 1 && (r.HasPrefix(module.Package.Path) || module.Package.Path.HasPrefix(r))
		})
		if file != from && reached {
			out = append(out, file)
		}
	}
	slices.Sort(out)
	return out
}

// closure is a file and all that it leads to.
func closure(next map[string][]string, from string) []string {
	seen := map[string]bool{from: true}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, file := range next[queue[0]] {
			if !seen[file] {
				seen[file] = true
				queue = append(queue, file)
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// healthy holds that every test passes before anything is broken.
func (l *library) healthy(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for _, test := range l.tests() {
		group.Go(func() error {
			failed, err := l.fails(ctx, test, "", nil)
			if err == nil && failed != "" {
				err = fmt.Errorf("%s fails before anything is broken", failed)
			}
			if err != nil {
				return fmt.Errorf("policies/%s: %w", test, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// fails runs a file's tests with one module in the place of another, and names the
// first test that does not pass.
func (l *library) fails(ctx context.Context, test, replaced string, by *ast.Module) (string, error) {
	modules := make(map[string]*ast.Module, len(l.needs[test]))
	for _, file := range l.needs[test] {
		modules[file] = l.modules[file]
	}
	if replaced != "" {
		modules[replaced] = by
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	outcomes, err := tester.NewRunner().SetCompiler(ast.NewCompiler()).SetModules(modules).SetTimeout(10*time.Second).
		RaiseBuiltinErrors(true).SetParallel(1).RunTests(running, nil)
	if err != nil {
		return "", err
	}
	failed := ""
	for o := range outcomes {
		if failed == "" && !o.Skip && !o.Pass() {
			failed = o.Name
			cancel() // one is enough
		}
	}
	return failed, ctx.Err()
}
