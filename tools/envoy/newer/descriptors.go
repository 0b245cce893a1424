package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

// third are the packages that the checker links: v3 and v3alpha, no v2.
var third = regexp.MustCompile(`\.v3(alpha)?$`)

// names are the fields and values of the messages and enumerations below a folder
// of generated Go files, by their full names; of a value with its enumeration's.
func names(dir string) (map[string]bool, error) {
	out := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".pb.go") {
			return err
		}
		raw, err := descriptor(path)
		if err != nil || raw == nil {
			return err
		}
		var f descriptorpb.FileDescriptorProto
		if err := proto.Unmarshal(raw, &f); err != nil {
			return fmt.Errorf("%s: the descriptor: %w", path, err)
		}
		if !third.MatchString(f.GetPackage()) {
			return nil
		}
		enumerations(out, f.GetPackage(), f.GetEnumType())
		messages(out, f.GetPackage(), f.GetMessageType())
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading a release: %w", err)
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s: no descriptor is in its Go files", dir)
	}
	return out, nil
}

func messages(out map[string]bool, scope string, found []*descriptorpb.DescriptorProto) {
	for _, m := range found {
		name := scope + "." + m.GetName()
		for _, f := range m.GetField() {
			out[name+"."+f.GetName()] = true
		}
		enumerations(out, name, m.GetEnumType())
		messages(out, name, m.GetNestedType())
	}
}

func enumerations(out map[string]bool, scope string, found []*descriptorpb.EnumDescriptorProto) {
	for _, e := range found {
		for _, v := range e.GetValue() {
			out[scope+"."+e.GetName()+"."+v.GetName()] = true
		}
	}
}

// descriptor is the serialized descriptor that a generated file holds as a list of
// bytes, nil where it holds none.
func descriptor(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, text, parser.SkipObjectResolution)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the file
	}
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, s := range g.Specs {
			v, ok := s.(*ast.ValueSpec)
			if !ok || len(v.Names) != 1 || len(v.Values) != 1 || !strings.HasSuffix(v.Names[0].Name, "_rawDesc") {
				continue
			}
			raw, err := bytesOf(v.Values[0])
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", path, v.Names[0].Name, err)
			}
			return raw, nil
		}
	}
	return nil, nil
}

// bytesOf reads []byte{0x0a, …}.
func bytesOf(e ast.Expr) ([]byte, error) {
	list, ok := e.(*ast.CompositeLit)
	if !ok {
		return nil, fmt.Errorf("%T is no list of bytes", e)
	}
	out := make([]byte, 0, len(list.Elts))
	for _, item := range list.Elts {
		n, ok := item.(*ast.BasicLit)
		if !ok {
			return nil, fmt.Errorf("%T is no byte", item)
		}
		b, err := strconv.ParseUint(n.Value, 0, 8)
		if err != nil {
			return nil, fmt.Errorf("a byte: %w", err)
		}
		out = append(out, byte(b))
	}
	return out, nil
}
