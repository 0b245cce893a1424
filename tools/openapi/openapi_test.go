package main

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// module writes a small k8s.io/api and gives its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFields(t *testing.T) {
	t.Parallel()
	g := &goTypes{packages: map[string]*goPackage{}, root: module(t, map[string]string{
		"core/v1/types.go": `package v1

// Colour of a thing.
// +enum
type Colour string

// Shade is another name.
type Shade = Colour

// Open may be anything.
type Open string

const (
	Red  Colour = "red"
	Blue Colour = "blue"
	X    Open   = "x"
)

type Inner struct {
	Shade *Shade ` + "`json:\"shade,omitempty\"`" + `
}
`,
		"apps/v1/types.go": `package v1

import core "k8s.io/api/core/v1"

type Outer struct {
	core.Inner ` + "`json:\",inline\"`" + `
	Colours []core.Colour ` + "`json:\"colours\"`" + `
	Open core.Open ` + "`json:\"open\"`" + `
	Other string ` + "`json:\"other\"`" + `
}
`})}
	values := []string{"blue", "red"}
	want := map[string]field{"shade": {values: values}, "colours": {values: values, items: true}}
	if got := g.fields("k8s.io/api/apps/v1", "Outer"); !reflect.DeepEqual(got, want) {
		t.Errorf("fields are %v, want %v", got, want)
	}
	if got := g.fields("k8s.io/other/v1", "Outer"); len(got) != 0 {
		t.Errorf("a package of another module has fields %v", got)
	}
}

func TestLifecycles(t *testing.T) {
	t.Parallel()
	const register = "package v1beta1\n\nconst GroupName = \"shop.example.org\"\n"
	old := module(t, map[string]string{
		"shop/v1beta1/register.go": register,
		"shop/v1beta1/zz_generated.prerelease-lifecycle.go": `package v1beta1

func (in *Basket) APILifecycleIntroduced() (major, minor int) { return 1, 7 }
func (in *Basket) APILifecycleRemoved() (major, minor int) { return 1, 20 }
func (in *BasketList) APILifecycleRemoved() (major, minor int) { return 1, 20 }
func (in *Crate) APILifecycleRemoved() (major, minor int) { return 1, 9 }
`})
	fresh := module(t, map[string]string{
		"shop/v1beta1/register.go": register,
		"shop/v1beta1/zz_generated.prerelease-lifecycle.go": `package v1beta1

func (in *Basket) APILifecycleIntroduced() (major, minor int) { return 1, 7 }
func (in *Basket) APILifecycleReplacement() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: "", Version: "v1", Kind: "Bag"}
}
`,
		"shop/v1beta1/lifecycle.go": `package v1beta1

func (in *Basket) APILifecycleDeprecated() (major, minor int) { return 1, 19 }
func (in *Basket) Other() {}
`})
	got, err := lifecycles([]*source{{dir: old}, {dir: fresh}})
	if err != nil {
		t.Fatal(err)
	}
	text, err := got.encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `[
{"group":"shop.example.org","version":"v1beta1","kind":"Basket","introduced":7,"deprecated":19,"replacement":"v1 Bag"},
{"group":"shop.example.org","version":"v1beta1","kind":"Crate","removed":9}
]
`
	if string(text) != want {
		t.Errorf("the table is\n%s\nwant\n%s", text, want)
	}
}

func TestSlim(t *testing.T) {
	t.Parallel()
	got := slim(schema{
		"description": "long", "type": "object", "default": map[string]any{}, "x-kubernetes-patch-strategy": "merge",
		"properties": schema{
			"a":           schema{"allOf": []any{schema{"$ref": refPrefix + "A"}}, "default": map[string]any{}},
			"description": schema{"type": "string", "default": "x", "description": "long"},
		},
	})
	want := schema{"type": "object", "properties": schema{
		"a": schema{"$ref": "A"}, "description": schema{"type": "string", "default": "x"},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("slim gives %v, want %v", got, want)
	}
}
