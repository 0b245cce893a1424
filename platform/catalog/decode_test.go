package catalog

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/tools/txtar"
)

func testModel(t testing.TB) model {
	t.Helper()
	m, err := newModel()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestDefaults holds every default in the tags against its own field's rules.
func TestDefaults(t *testing.T) {
	t.Parallel()
	for typ, fields := range testModel(t) {
		for _, f := range fields {
			if f.def == "" {
				continue
			}
			v := reflect.New(f.typ).Elem()
			if err := setText(v, f.def); err != nil {
				t.Errorf("%s.%s: default: %v", typ.Name(), f.name, err)
			}
			if what, _ := check(v, f.def, f); what != "" {
				t.Errorf("%s.%s: default %s", typ.Name(), f.name, what)
			}
			if f.required {
				t.Errorf("%s.%s: is required and has a default", typ.Name(), f.name)
			}
		}
	}
}

// TestTags holds what readers of the tags rely on.
func TestTags(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		typ  reflect.Type
		want string
	}{
		{"no doc", reflect.TypeFor[struct {
			A string `yaml:"a"`
		}](), ".A: has no doc"},
		{"pattern", reflect.TypeFor[struct {
			A string `yaml:"a" doc:"a" pattern:"("`
		}](), ".A: pattern: error parsing regexp: missing closing ): `(`"},
		{"example", reflect.TypeFor[struct {
			A []struct {
				B string `yaml:"b" doc:"b" pattern:"^x$"`
			} `yaml:"a" doc:"a"`
		}](), `.B: its example "" does not match its pattern`},
	}
	for _, c := range cases {
		got := "no error"
		if err := (model{}).add(c.typ); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// schemas compiles the published schemas by kind.
func schemas(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	texts, err := Schemas()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*jsonschema.Schema{}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for kindName, text := range texts {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatalf("%s: %v", kindName, err)
		}
		if err := compiler.AddResource(kindName, doc); err != nil {
			t.Fatalf("%s: %v", kindName, err)
		}
		if out[kindName], err = compiler.Compile(kindName); err != nil {
			t.Fatalf("%s: %v", kindName, err)
		}
	}
	return out
}

// obeys says whether a YAML text obeys a schema.
func obeys(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	root, problems := parse("f", []byte(text))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	d := &decoder{file: "f"}
	raw, err := json.Marshal(d.values(spot{node: root}).Map)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

// kindOf finds the kind of a catalog file by its text.
func kindOf(text string) (kind, bool) {
	for _, k := range kinds() {
		if strings.Contains(text, "\nkind: "+k.name+"\n") {
			return k, true
		}
	}
	return kind{}, false
}

func TestSchemasTakeTheGoodTree(t *testing.T) {
	t.Parallel()
	compiled := schemas(t)
	good, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range good.Files {
		k, ok := kindOf(string(f.Data))
		if !ok {
			continue
		}
		seen[k.name] = true
		if err := obeys(t, compiled[k.name], string(f.Data)); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(compiled)), slices.Sorted(maps.Keys(seen))); diff != "" {
		t.Errorf("kinds with a schema and kinds in the tree (-want +got):\n%s", diff)
	}
}

// TestSchemasAgree breaks one line at a time: reader and schema refuse both.
func TestSchemasAgree(t *testing.T) {
	t.Parallel()
	compiled := schemas(t)
	m := testModel(t)
	const good = `apiVersion: platform.dualtrack.internal/v1alpha1
kind: Cluster
metadata: {name: edge-1, labels: {a: b}}
spec:
  role: edge
  site: {country: NO}
  kubernetes: {apiServers: 2, extraArgs: {apiServer: {v: "2"}}}
  etcd: {members: 3, quota: 1Gi, batchInterval: 50ms}
  nodes: [{name: worker, capacity: {cpu: 4}}]
  components: [{name: base, values: {a: 1}}]
  windows: [{days: [sat], start: "02:00", duration: 1h30m}]
`
	cases := []struct{ old, new string }{
		{"v1alpha1", "v1"},
		{"kind: Cluster", "kind: Fleet"},
		{"name: edge-1", "name: Edge_1"},
		{"name: edge-1, ", ""},
		{"a: b", "a: 1"},
		{"role: edge", "role: edgy"},
		{"role: edge", "rolle: edge"},
		{"country: NO", "country: Norway"},
		{"apiServers: 2", "apiServers: 6"},
		{"apiServers: 2", "apiServers: two"},
		{`v: "2"`, "v: 2"},
		{"members: 3", "members: 4"},
		{"quota: 1Gi", "quota: 1GiB"},
		{"50ms", "50"},
		{"50ms", "soon"},
		{"cpu: 4", "cpu: true"},
		{"cpu: 4", "cpu: -4"},
		{"cpu: 4", "cpu: -4m"},
		{"values: {a: 1}", "values: [a]"},
		{"sat", "saturday"},
		{"02:00", "2:00"},
		{"name: base, ", ""},
	}
	refuses := func(text string) (reader, schema bool) {
		_, _, problems := decode(m, "f", "Cluster", []byte(text), &Cluster{})
		return len(problems) > 0, obeys(t, compiled["Cluster"], text) != nil
	}
	if reader, schema := refuses(good); reader || schema {
		t.Fatalf("the good text is refused: by the reader %v, by the schema %v", reader, schema)
	}
	for _, c := range cases {
		text := strings.Replace(good, c.old, c.new, 1)
		if reader, schema := refuses(text); text == good || !reader || !schema {
			t.Errorf("%q for %q is refused by the reader %v, by the schema %v", c.new, c.old, reader, schema)
		}
	}
}

func TestSchemasAreStable(t *testing.T) {
	t.Parallel()
	first, err := Schemas()
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		again, err := Schemas()
		if diff := cmp.Diff(first, again); err != nil || diff != "" {
			t.Fatalf("schemas differ between two runs: %v (-want +got):\n%s", err, diff)
		}
	}
}

func FuzzDecode(f *testing.F) {
	good, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range good.Files {
		f.Add(file.Data)
	}
	cases, err := filepath.Glob(filepath.Join("testdata", "broken", "*.txtar"))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range cases {
		ar, err := txtar.ParseFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range ar.Files {
			f.Add(file.Data)
		}
	}
	m := testModel(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > maxFile || checkText("f.yaml", data) != nil {
			return // Tree.Read refuses it before the decoder sees it
		}
		lines := bytes.Count(data, []byte("\n")) + 2 // the parser may mean the end of the file
		for _, k := range kinds() {
			out := reflect.New(k.typ).Interface()
			_, at, problems := decode(m, "f.yaml", k.name, data, out)
			for _, p := range problems {
				if p.File != "f.yaml" || p.Line > lines || p.What == "" {
					t.Errorf("%s: problem without a place in the file or a word: %v", k.name, p)
				}
			}
			for field, place := range at {
				if place.Line < 1 || place.Line > lines {
					t.Errorf("%s: %s stands nowhere: %v", k.name, field, place)
				}
			}
			if len(problems) == 0 {
				if _, err := json.Marshal(out); err != nil {
					t.Errorf("%s: a good file cannot be written as JSON: %v", k.name, err)
				}
			}
		}
	})
}
