package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// baseline is the Kubernetes version the distribution stands on.
func baseline(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../../components/baseline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Spec struct {
			Kubernetes string `json:"kubernetes"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Spec.Kubernetes
}

func open(t testing.TB, version string) *Validator {
	t.Helper()
	v, err := Open(version)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// objects reads YAML documents.
func objects(t testing.TB, text string) []render.Object {
	t.Helper()
	var out []render.Object
	for i, doc := range strings.Split(text, "\n---\n") {
		var m map[string]any
		b, err := yaml.YAMLToJSON([]byte(doc))
		if err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		u := &unstructured.Unstructured{}
		if err := u.UnmarshalJSON(b); err == nil {
			m = u.Object
		} else if err := yaml.Unmarshal([]byte(doc), &m); err != nil {
			t.Fatalf("document %d: %v", i, err)
		}
		if m != nil {
			out = append(out, render.Object{
				Unstructured: &unstructured.Unstructured{Object: m}, Component: "shop",
				Source: finding.Position{File: "shop.yaml", Line: i + 1, Column: 1},
			})
		}
	}
	return out
}

// lines shows findings one a line: severity rule pointer: message; mend.
func lines(all []finding.Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s %s %s: %s; %s\n", f.Severity, f.Rule, f.Pointer, f.Message, f.Mend)
	}
	return b.String()
}

func readGood(t testing.TB, name string) []render.Object {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata/good", name))
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, string(b))
}

func TestGoodObjects(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/good/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no good objects: %v", err)
	}
	for _, version := range Versions() {
		v := open(t, version)
		for _, name := range names {
			t.Run(version+"/"+filepath.Base(name), func(t *testing.T) {
				t.Parallel()
				objs := readGood(t, filepath.Base(name))
				if diff := cmp.Diff("", lines(v.Check(t.Context(), objs))); diff != "" {
					t.Errorf("%s is valid everywhere (-want +got):\n%s", name, diff)
				}
			})
		}
	}
}
