package policy

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// The edge cases that every rule about containers must stand.
var (
	edgeValues = []struct {
		name  string
		value any
	}{{"absent", nil}, {"null", nil}, {"empty", map[string]any{}}, {"wrong type", "odd"}, {"false", false}, {"0", int64(0)}}
	edgeFields = []string{
		"image", "securityContext", "securityContext.privileged", "securityContext.allowPrivilegeEscalation",
		"securityContext.runAsNonRoot", "securityContext.seccompProfile", "securityContext.seccompProfile.type",
		"securityContext.capabilities", "securityContext.capabilities.add", "securityContext.capabilities.drop",
		"securityContext.runAsUser", "securityContext.procMount", "securityContext.seLinuxOptions", "securityContext.seLinuxOptions.type",
		"securityContext.windowsOptions", "securityContext.windowsOptions.hostProcess", "securityContext.appArmorProfile", "ports", "env",
	}
	edgeLists = []string{"containers", "initContainers", "ephemeralContainers"}
	edgeKinds = []struct {
		version, kind string
		path          []string
	}{
		{"v1", "Pod", nil}, {"v1", "PodTemplate", []string{"template"}}, {"v1", "ReplicationController", []string{"spec", "template"}},
		{"apps/v1", "ReplicaSet", []string{"spec", "template"}}, {"apps/v1", "Deployment", []string{"spec", "template"}},
		{"apps/v1", "StatefulSet", []string{"spec", "template"}}, {"apps/v1", "DaemonSet", []string{"spec", "template"}},
		{"batch/v1", "Job", []string{"spec", "template"}}, {"batch/v1", "CronJob", []string{"spec", "jobTemplate", "spec", "template"}},
	}
)

// TestMatrix judges every edge value of every field, in every list of
// containers of every kind of workload, alone and inside a List. None may fail,
// and the list, the kind and the List must make no difference.
func TestMatrix(t *testing.T) {
	t.Parallel()
	in := testInput(t, namespace, denyAll)
	want := map[string]string{} // name of the object → case
	for _, field := range edgeFields {
		for v := range edgeValues {
			for _, list := range edgeLists {
				for k := range edgeKinds {
					for _, listed := range []bool{false, true} {
						name := fmt.Sprintf("o%d", len(want))
						want[name] = field + " " + edgeValues[v].name
						in.Objects = append(in.Objects, edgeObject(t, name, field, v, list, k, listed))
					}
				}
			}
		}
	}
	if cases := 19 * 6 * 3 * 9 * 2; len(want) != cases {
		t.Fatalf("%d cases, want %d", len(want), cases)
	}
	r, err := compiled(t).Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	said := map[string][]string{} // object → rules
	for _, f := range r.Findings {
		if f.Rule == "policy" && f.Class != finding.Unknown {
			t.Fatalf("%s: %s", want[f.Object.Name], f.Message)
		}
		if f.Rule == "DT-SEC-017" || strings.HasPrefix(f.Rule, "DT-REL-") {
			continue // these tell kinds of workloads and lists of containers apart
		}
		said[f.Object.Name] = append(said[f.Object.Name], strings.TrimSpace(f.Rule+" "+string(f.Class)))
	}
	outcome := map[string]string{} // case → rules
	for name, c := range want {
		slices.Sort(said[name])
		got := strings.Join(said[name], ", ")
		if first, ok := outcome[c]; ok && first != got {
			t.Fatalf("%s: %q for one object and %q for another", c, first, got)
		}
		outcome[c] = got
	}
	golden(t, "matrix.golden", outcome)
}

func edgeObject(t *testing.T, name, field string, value int, list string, kind int, listed bool) render.Object {
	t.Helper()
	container := map[string]any{
		"name": "a", "image": "registry.example/a:1",
		"securityContext": map[string]any{
			"privileged": false, "allowPrivilegeEscalation": false, "runAsNonRoot": true,
			"seccompProfile": map[string]any{"type": "RuntimeDefault"}, "procMount": "Default", "runAsUser": int64(10000),
			"seLinuxOptions": map[string]any{"type": "container_t"}, "windowsOptions": map[string]any{"hostProcess": false},
			"appArmorProfile": map[string]any{"type": "RuntimeDefault"},
			"capabilities":    map[string]any{"drop": []any{"ALL"}, "add": []any{}},
		},
	}
	path := strings.Split(field, ".")
	if edgeValues[value].name == "absent" {
		unstructured.RemoveNestedField(container, path...)
	} else if err := unstructured.SetNestedField(container, edgeValues[value].value, path...); err != nil {
		t.Fatal(err)
	}
	k := edgeKinds[kind]
	object := map[string]any{}
	spec := map[string]any{list: []any{container}, "automountServiceAccountToken": false}
	if err := unstructured.SetNestedField(object, spec, append(slices.Clone(k.path), "spec")...); err != nil {
		t.Fatal(err)
	}
	object["apiVersion"], object["kind"] = k.version, k.kind
	labels := map[string]any{"app.kubernetes.io/part-of": "shop"}
	object["metadata"] = map[string]any{"name": name, "namespace": "shop", "labels": labels}
	if len(k.path) > 0 {
		if err := unstructured.SetNestedField(object, labels, append(slices.Clone(k.path), "metadata", "labels")...); err != nil {
			t.Fatal(err)
		}
	}
	if listed {
		object = map[string]any{"apiVersion": "v1", "kind": "List", "items": []any{object}}
	}
	return render.Object{Unstructured: &unstructured.Unstructured{Object: object}, Component: "shop"}
}

// golden compares outcomes, one a line, with a file of testdata.
func golden(t *testing.T, name string, outcome map[string]string) {
	t.Helper()
	var text strings.Builder
	for _, field := range edgeFields {
		for _, v := range edgeValues {
			c := field + " " + v.name
			fmt.Fprintf(&text, "%s: %s\n", c, outcome[c])
		}
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text.String()); diff != "" {
		t.Errorf("outcomes differ from %s (-want +got):\n%s", path, diff)
	}
}
