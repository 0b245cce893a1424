package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// lifecycle is when an API came, when it was deprecated, and in which minor it
// is no longer served. 0 means never.
type lifecycle struct {
	Group       string `json:"group"`
	Version     string `json:"version"`
	Kind        string `json:"kind"`
	Introduced  int    `json:"introduced,omitempty"`
	Deprecated  int    `json:"deprecated,omitempty"`
	Removed     int    `json:"removed,omitempty"`
	Replacement string `json:"replacement,omitempty"` // "apps/v1 Deployment"
}

type gvk struct{ Group, Version, Kind string }

type table map[gvk]*lifecycle

// lifecycles reads the methods that tell a type's lifecycle, generated and
// written by hand. Of a kind that several modules describe, the last one's word
// holds.
func lifecycles(sources []*source) (table, error) {
	all := table{}
	for _, s := range sources {
		one := table{}
		err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.Name() != "zz_generated.prerelease-lifecycle.go" && d.Name() != "lifecycle.go" {
				return err
			}
			return one.read(path)
		})
		maps.Copy(all, one)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.Module, err)
		}
	}
	return all, nil
}

func (t table) read(path string) error {
	group, err := groupName(filepath.Dir(path))
	if err != nil {
		return err
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Recv == nil || len(fn.Body.List) != 1 || !strings.HasPrefix(fn.Name.Name, "APILifecycle") {
			continue
		}
		id := gvk{group, file.Name.Name, fn.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name}
		if strings.HasSuffix(id.Kind, "List") {
			continue
		}
		if t[id] == nil {
			t[id] = &lifecycle{Group: id.Group, Version: id.Version, Kind: id.Kind}
		}
		if err := t[id].take(fn); err != nil {
			return fmt.Errorf("%s: %s: %w", path, fn.Name.Name, err)
		}
	}
	return nil
}

func (l *lifecycle) take(fn *ast.FuncDecl) error {
	results := fn.Body.List[0].(*ast.ReturnStmt).Results
	if fn.Name.Name == "APILifecycleReplacement" {
		parts := map[string]string{}
		for _, e := range results[0].(*ast.CompositeLit).Elts {
			kv := e.(*ast.KeyValueExpr)
			v, err := strconv.Unquote(kv.Value.(*ast.BasicLit).Value)
			if err != nil {
				return err
			}
			parts[kv.Key.(*ast.Ident).Name] = v
		}
		l.Replacement = strings.TrimPrefix(parts["Group"]+"/"+parts["Version"], "/") + " " + parts["Kind"]
		return nil
	}
	minor, err := strconv.Atoi(results[1].(*ast.BasicLit).Value)
	if err != nil {
		return err
	}
	switch fn.Name.Name {
	case "APILifecycleIntroduced":
		l.Introduced = minor
	case "APILifecycleDeprecated":
		l.Deprecated = minor
	case "APILifecycleRemoved":
		l.Removed = minor
	}
	return nil
}

// groupName reads the constant GroupName beside a package's types.
func groupName(dir string) (string, error) {
	for _, name := range []string{filepath.Join(dir, "register.go"), filepath.Join(filepath.Dir(dir), "register.go")} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			continue
		}
		for _, spec := range valueSpecs(file) {
			if spec.Names[0].Name != "GroupName" || len(spec.Values) == 0 {
				continue
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				return strconv.Unquote(lit.Value)
			}
		}
	}
	return "", fmt.Errorf("%s: no GroupName", dir)
}

func valueSpecs(file *ast.File) []*ast.ValueSpec {
	var out []*ast.ValueSpec
	for _, decl := range file.Decls {
		if gen, ok := decl.(*ast.GenDecl); ok {
			for _, spec := range gen.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok {
					out = append(out, v)
				}
			}
		}
	}
	return out
}

// encode writes one API a line, sorted.
func (t table) encode() ([]byte, error) {
	var all []*lifecycle
	for _, l := range t {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *lifecycle) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Version, b.Version))
	})
	var buf bytes.Buffer
	buf.WriteString("[\n")
	for i, l := range all {
		line, err := json.Marshal(l)
		if err != nil {
			return nil, err
		}
		buf.Write(line)
		if i < len(all)-1 {
			buf.WriteByte(',')
		}
		buf.WriteByte('\n')
	}
	buf.WriteString("]\n")
	return buf.Bytes(), nil
}
