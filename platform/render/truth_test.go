package render

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8syaml "sigs.k8s.io/yaml"
)

// truthWords are what YAML 1.1 reads as truth values, and YAML 1.2 as texts.
func truthWords() []string {
	return strings.Fields("y Y yes Yes YES n N no No NO on On ON off Off OFF")
}

// TestManifestsAsKubectl: YAML that no kustomization stands over is what kubectl,
// which reads YAML 1.1, makes of it. kustomize reads YAML 1.2: see TestAsKustomize.
func TestManifestsAsKubectl(t *testing.T) {
	t.Parallel()
	for _, word := range truthWords() {
		text := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {%s: key, value: %s, quoted: %q, %q: quoted}\n", word, word, word, "q"+word)
		objects, problems := manifest("a.yaml", []byte(text))
		if len(problems) > 0 || len(objects) != 1 {
			t.Fatalf("%s: %d objects, %v", word, len(objects), problems)
		}
		var want map[string]any
		if err := k8syaml.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, objects[0].object.Object); diff != "" {
			t.Errorf("%s (-kubectl +ours):\n%s", word, diff)
		}
	}
}

// TestDocumentsAsKubectl: whoever reads a bundle reads the object that it was
// written from, as keys and as values.
func TestDocumentsAsKubectl(t *testing.T) {
	t.Parallel()
	data := map[string]any{}
	for _, word := range append(truthWords(), "true", "null", "~", "1", "010", "1:30", "1e3", "0x1", "1_0", "=", ".inf", "2001-01-01", "") {
		data["k"+word], data[word] = word, "v"
	}
	want := map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": data}
	text, err := document(Object{Unstructured: &unstructured.Unstructured{Object: want}})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := fromJSON(stored)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := k8syaml.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a bundle's document (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, kept.Object); diff != "" {
		t.Errorf("a kept rendering (-want +got):\n%s", diff)
	}
}
