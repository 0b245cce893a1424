package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// The published OpenAPI leaves out the values of the API's enumerations, so
// they come from the Go types: a string type marked +enum, and its constants.

// goPackage is one package of k8s.io/api, as far as enumerations go.
type goPackage struct {
	imports map[string]string // name → import path
	structs map[string]*ast.StructType
	enums   map[string][]string // type → values
	aliases map[string]string   // type → the type it is another name of
}

type goTypes struct {
	root     string // folder of the k8s.io/api module
	packages map[string]*goPackage
}

// field is what a struct's field brings: the values it, or each of its items,
// may hold.
type field struct {
	values []string
	items  bool
}

// fields gives the enumerated fields of a type by their JSON name. Fields of
// embedded structs count, as they do in the OpenAPI.
func (g *goTypes) fields(pkgPath, typeName string) map[string]field {
	out := map[string]field{}
	pkg := g.load(pkgPath)
	if pkg == nil || pkg.structs[typeName] == nil {
		return out
	}
	for _, f := range pkg.structs[typeName].Fields.List {
		name, inline := jsonName(f)
		expr, items := f.Type, false
		if star, ok := expr.(*ast.StarExpr); ok {
			expr = star.X
		}
		if list, ok := expr.(*ast.ArrayType); ok {
			expr, items = list.Elt, true
		}
		p, t := g.resolve(pkgPath, expr)
		if inline {
			for n, v := range g.fields(p, t) {
				out[n] = v
			}
		} else if values := g.values(p, t); values != nil && name != "" {
			out[name] = field{values: values, items: items}
		}
	}
	return out
}

func jsonName(f *ast.Field) (name string, inline bool) {
	if f.Tag == nil {
		return "", false
	}
	tag, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return "", false
	}
	name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
	return name, name == "" && strings.Contains(options, "inline")
}

// resolve names the package and type that an expression of a package means.
func (g *goTypes) resolve(pkgPath string, expr ast.Expr) (pkg, name string) {
	switch e := expr.(type) {
	case *ast.Ident:
		return pkgPath, e.Name
	case *ast.SelectorExpr:
		if id, ok := e.X.(*ast.Ident); ok {
			return g.packages[pkgPath].imports[id.Name], e.Sel.Name
		}
	}
	return "", ""
}

func (g *goTypes) values(pkgPath, name string) []string {
	pkg := g.load(pkgPath)
	if pkg == nil {
		return nil
	}
	if of, ok := pkg.aliases[name]; ok {
		name = of
	}
	return pkg.enums[name]
}

// load parses a package of the module; nil for any other.
func (g *goTypes) load(pkgPath string) *goPackage {
	rel, ok := strings.CutPrefix(pkgPath, "k8s.io/api/")
	if !ok {
		return nil
	}
	if pkg, ok := g.packages[pkgPath]; ok {
		return pkg
	}
	pkg := &goPackage{imports: map[string]string{}, structs: map[string]*ast.StructType{}, enums: map[string][]string{}, aliases: map[string]string{}}
	g.packages[pkgPath] = pkg
	names, _ := filepath.Glob(filepath.Join(g.root, filepath.FromSlash(rel), "*types*.go"))
	constants := map[string][]string{}
	marked := map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			continue
		}
		pkg.add(file, marked)
		collect(file, constants)
	}
	for name := range marked {
		values := slices.Clone(constants[name])
		slices.Sort(values)
		pkg.enums[name] = slices.Compact(values)
	}
	return pkg
}

func (p *goPackage) add(file *ast.File, marked map[string]bool) {
	for _, imp := range file.Imports {
		to, err := strconv.Unquote(imp.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(to)
		if imp.Name != nil {
			name = imp.Name.Name
		}
		p.imports[name] = to
	}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.TYPE {
			continue
		}
		for _, spec := range gen.Specs {
			t := spec.(*ast.TypeSpec)
			switch of := t.Type.(type) {
			case *ast.StructType:
				p.structs[t.Name.Name] = of
			case *ast.Ident:
				if t.Assign.IsValid() {
					p.aliases[t.Name.Name] = of.Name
				} else if of.Name == "string" && isMarked(gen.Doc, t.Doc) {
					marked[t.Name.Name] = true
				}
			}
		}
	}
}

func isMarked(docs ...*ast.CommentGroup) bool {
	for _, doc := range docs {
		if doc == nil {
			continue
		}
		for _, c := range doc.List {
			if strings.TrimSpace(strings.TrimPrefix(c.Text, "//")) == "+enum" {
				return true
			}
		}
	}
	return false
}

func collect(file *ast.File, into map[string][]string) {
	for _, spec := range valueSpecs(file) {
		id, ok := spec.Type.(*ast.Ident)
		if !ok {
			continue
		}
		for _, v := range spec.Values {
			if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if s, err := strconv.Unquote(lit.Value); err == nil {
					into[id.Name] = append(into[id.Name], s)
				}
			}
		}
	}
}
