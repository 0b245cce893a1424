package schema

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/render"
)

// FuzzCheck: any YAML is judged without a crash, twice the same, and stays as it
// was.
func FuzzCheck(f *testing.F) {
	for _, pattern := range []string{"testdata/good/*.yaml", "testdata/crds/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			for doc := range strings.SplitSeq(string(b), "\n---\n") {
				f.Add([]byte(doc))
			}
		}
	}
	f.Add([]byte(deployment(`replicas: "3"`, "ports: [null, 1, {}]")))
	f.Add([]byte(widget("size: [], template: {}")))
	v := open(f, baseline(f))
	crds := widgets(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := yaml.YAMLToJSON(text)
		if err != nil || len(b) > 1<<16 {
			return
		}
		u := &unstructured.Unstructured{}
		if u.UnmarshalJSON(b) != nil && json.Unmarshal(b, &u.Object) != nil || u.Object == nil {
			return
		}
		objs := append([]render.Object{{Unstructured: u}}, crds...)
		before := u.DeepCopy()
		first := v.Check(t.Context(), objs)
		objs[0].Unstructured = u.DeepCopy() // so that a definition is read anew
		if diff := cmp.Diff(first, v.Check(t.Context(), objs)); diff != "" {
			t.Errorf("judged twice, differently (-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(before.Object, u.Object); diff != "" {
			t.Errorf("Check changed the object:\n%s", diff)
		}
		for _, found := range first {
			if found.Message == "" || found.Pointer != "" && !strings.HasPrefix(found.Pointer, "/") || found.Patch != nil && !json.Valid(found.Patch) {
				t.Errorf("finding %+v", found)
			}
		}
	})
}

func FuzzOpen(f *testing.F) {
	for _, s := range append(Versions(), "", "v1", "v1.30.0-rc.1+x", "1.99999") {
		f.Add(s)
	}
	known := map[string]bool{}
	for _, s := range Versions() {
		known[s] = true
	}
	f.Fuzz(func(t *testing.T, version string) {
		v, err := Open(version)
		if (err == nil) != (v != nil) || v != nil && !known[v.Version()] {
			t.Errorf("Open(%q) = %v, %v", version, v, err)
		}
	})
}
