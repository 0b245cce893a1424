package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
)

// kind is an API that can be written as an object.
type kind struct {
	Group      string `json:"group"`
	Version    string `json:"version"`
	Kind       string `json:"kind"`
	Schema     string `json:"schema"`
	Namespaced bool   `json:"namespaced,omitempty"`
	// Request is an API that answers and keeps nothing (SubjectAccessReview).
	Request bool `json:"request,omitempty"`
	// Off is an API that an API server serves only when told to.
	Off bool `json:"off,omitempty"`
}

type schema = map[string]any

// openapi is the part of an OpenAPI v3 document that matters here.
type openapi struct {
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
	Paths map[string]map[string]json.RawMessage `json:"paths"`
}

type operation struct {
	GVK *struct{ Group, Version, Kind string } `json:"x-kubernetes-group-version-kind"`
}

// build reads a minor's OpenAPI files and the Go types beside them.
func (d document) build(lives table) ([]byte, error) {
	var specs, types string
	for _, s := range d.Sources {
		if s.Module == "k8s.io/api" {
			types = s.dir
		} else {
			specs = filepath.Join(s.dir, "pkg", "openapiclient", "builtins", fmt.Sprintf("1.%d", d.Minor))
		}
	}
	kinds, schemas := map[gvk]*kind{}, map[string]schema{}
	err := filepath.WalkDir(specs, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return readOpenAPI(path, kinds, schemas)
	})
	if err != nil {
		return nil, err
	}
	list, err := finish(kinds, schemas, lives)
	if err != nil {
		return nil, err
	}
	g := &goTypes{root: types, packages: map[string]*goPackage{}}
	slim := reachable(list, schemas)
	for name, s := range slim {
		slim[name] = strip(name, s, g)
	}
	return encode(list, slim)
}

func readOpenAPI(path string, kinds map[gvk]*kind, schemas map[string]schema) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var doc openapi
	if err := json.Unmarshal(text, &doc); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for name, s := range doc.Components.Schemas {
		if have, ok := schemas[name]; ok && !reflect.DeepEqual(have, s) {
			return fmt.Errorf("%s: %s differs from another file's", path, name)
		}
		schemas[name] = s
	}
	for at, operations := range doc.Paths {
		for verb, raw := range operations {
			if verb != "put" && verb != "post" {
				continue
			}
			var op operation
			if err := json.Unmarshal(raw, &op); err != nil {
				return fmt.Errorf("%s: %s: %w", path, at, err)
			}
			if op.GVK == nil || isSubresource(at) {
				continue
			}
			id := gvk(*op.GVK)
			k := kinds[id]
			if k == nil {
				k = &kind{Group: id.Group, Version: id.Version, Kind: id.Kind, Request: true}
				kinds[id] = k
			}
			k.Namespaced = k.Namespaced || strings.Contains(at, "/namespaces/{namespace}/")
			k.Request = k.Request && verb != "put"
		}
	}
	return nil
}

func isSubresource(at string) bool {
	_, rest, found := strings.Cut(at, "{name}")
	return found && rest != ""
}

// finish names each kind's schema and says which kinds are off by default:
// alpha ones, and beta ones of a kind that came with minor 24 or later. Before
// that, beta was on; flowcontrol's later versions stayed on with their group.
func finish(kinds map[gvk]*kind, schemas map[string]schema, lives table) ([]*kind, error) {
	const firstOff = 24
	for name, s := range schemas {
		ids, _ := s["x-kubernetes-group-version-kind"].([]any)
		for _, v := range ids {
			m := v.(map[string]any)
			id := gvk{m["group"].(string), m["version"].(string), m["kind"].(string)}
			if k := kinds[id]; k != nil {
				k.Schema = name
			}
		}
	}
	var out []*kind
	for id, k := range kinds {
		if k.Schema == "" {
			continue // options of a subresource
		}
		l := lives[id]
		beta := strings.Contains(k.Version, "beta")
		k.Off = strings.Contains(k.Version, "alpha") ||
			beta && k.Group != "flowcontrol.apiserver.k8s.io" && (l == nil || l.Introduced >= firstOff)
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b *kind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Version, b.Version))
	})
	if len(out) == 0 {
		return nil, fmt.Errorf("no kinds found")
	}
	return out, nil
}

const refPrefix = "#/components/schemas/"

// reachable keeps the schemas that the kinds need.
func reachable(kinds []*kind, all map[string]schema) map[string]schema {
	out := map[string]schema{}
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				name := strings.TrimPrefix(ref, refPrefix)
				if _, seen := out[name]; !seen {
					out[name] = all[name]
					visit(all[name])
				}
			}
			for _, x := range v {
				visit(x)
			}
		case []any:
			for _, x := range v {
				visit(x)
			}
		}
	}
	for _, k := range kinds {
		visit(schema{"$ref": refPrefix + k.Schema})
	}
	return out
}

func encode(kinds []*kind, schemas map[string]schema) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Kinds   []*kind           `json:"kinds"`
		Schemas map[string]schema `json:"schemas"`
	}{kinds, schemas})
	return buf.Bytes(), err
}
