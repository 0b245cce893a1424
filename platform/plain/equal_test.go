package plain_test

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/releaseutil"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	k8syaml "sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/plain"
	"dualtrack.internal/platform/render"
)

const testdata = "../../tests/plain/testdata"

// baseline is what the tests render for: the repository's own.
func baseline(t *testing.T) *catalog.Baseline {
	t.Helper()
	data, err := os.ReadFile("../../components/baseline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := catalog.ParseBaseline("components/baseline.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// rendered gives each cluster's objects, hooks among them, and all words about
// the sources.
func rendered(t *testing.T, root string, o plain.Options) (map[string][]*unstructured.Unstructured, *render.Result) {
	t.Helper()
	tree, err := catalog.OpenTree(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	o.Baseline = baseline(t)
	cat, err := plain.Load(t.Context(), tree, o)
	if err != nil {
		t.Fatal(err)
	}
	result, err := render.All(t.Context(), cat, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]*unstructured.Unstructured{}
	for _, b := range result.Bundles {
		for _, n := range b.NotRendered {
			t.Errorf("%s: %s: %v", b.Cluster, n.Component, n.Err)
		}
		for _, obj := range append(slices.Clone(b.Objects), b.Hooks...) {
			out[b.Cluster] = append(out[b.Cluster], obj.Unstructured)
		}
	}
	return out, result
}

// sorted is a set of objects as one text, to be compared.
func sorted(t *testing.T, objects []*unstructured.Unstructured) []string {
	t.Helper()
	slices.SortFunc(objects, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(a.GetKind(), b.GetKind()), cmp.Compare(a.GetNamespace(), b.GetNamespace()), cmp.Compare(a.GetName(), b.GetName()))
	})
	var out []string
	for _, o := range objects {
		text, err := k8syaml.Marshal(o.Object)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(text))
	}
	return out
}

func parsed(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var out []*unstructured.Unstructured
	for doc := range strings.SplitSeq(text, "\n---") {
		data, err := k8syaml.YAMLToJSON([]byte(strings.TrimPrefix(doc, "---") + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if string(data) == "null" {
			continue
		}
		o := &unstructured.Unstructured{}
		if err := o.UnmarshalJSON(data); err != nil {
			t.Fatalf("%v in %s", err, doc)
		}
		out = append(out, o)
	}
	return out
}

// kustomizeBuild is `kustomize build` on the disk, with its default options.
func kustomizeBuild(t *testing.T, dir string) []*unstructured.Unstructured {
	t.Helper()
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := objects.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return parsed(t, string(text))
}

// helmTemplate is what `helm template` does with a chart on the disk, by Helm's own
// engine; tests are left out.
func helmTemplate(t *testing.T, dir, name, namespace string, values map[string]any) []*unstructured.Unstructured {
	t.Helper()
	c, err := loader.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := chartutil.ProcessDependencies(c, values); err != nil {
		t.Fatal(err)
	}
	caps := *chartutil.DefaultCapabilities
	caps.APIVersions = append(caps.APIVersions, "networking.k8s.io/v1/Ingress")
	merged, err := chartutil.ToRenderValues(c, values, chartutil.ReleaseOptions{Name: name, Namespace: namespace, Revision: 1, IsInstall: true}, &caps)
	if err != nil {
		t.Fatal(err)
	}
	files, err := engine.Render(c, merged)
	if err != nil {
		t.Fatal(err)
	}
	for file := range files {
		if strings.HasSuffix(file, "NOTES.txt") {
			delete(files, file)
		}
	}
	hooks, manifests, err := releaseutil.SortManifests(files, nil, releaseutil.InstallOrder)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, crd := range c.CRDObjects() {
		text += "\n---\n" + string(crd.File.Data)
	}
	for _, m := range manifests {
		text += "\n---\n" + m.Content
	}
	for _, h := range hooks {
		if len(h.Events) > 0 && h.Events[0] != "test" {
			text += "\n---\n" + h.Manifest
		}
	}
	return parsed(t, text)
}

func same(t *testing.T, what string, want, got []*unstructured.Unstructured) {
	t.Helper()
	if len(want) == 0 {
		t.Errorf("%s: nothing to compare with", what)
	}
	if diff := gocmp.Diff(sorted(t, want), sorted(t, got)); diff != "" {
		t.Errorf("%s (-engine +ours):\n%s", what, diff)
	}
}

func TestOverlaysAreWhatKustomizeBuilds(t *testing.T) {
	t.Parallel()
	root := filepath.Join(testdata, "overlays")
	got, _ := rendered(t, root, plain.Options{Trees: []string{"overlays/*"}})
	if len(got) != 3 {
		t.Fatalf("%d clusters, want 3", len(got))
	}
	for name, objects := range got {
		same(t, name, kustomizeBuild(t, filepath.Join(root, "overlays", name)), objects)
	}
}

func TestChartIsWhatHelmTemplates(t *testing.T) {
	t.Parallel()
	root := filepath.Join(testdata, "chart")
	got, _ := rendered(t, root, plain.Options{Trees: []string{"charts/ledger"}, Values: []string{"charts/ledger/values-*.yaml"}})
	if len(got) != 3 {
		t.Fatalf("%d clusters, want 3", len(got))
	}
	built := dependencyBuild(t, filepath.Join(root, "charts"), "ledger", "labels")
	for name, objects := range got {
		same(t, name, helmTemplate(t, built, "ledger", "default", valuesIn(t, filepath.Join(root, "charts", "ledger", "values-"+name+".yaml"))), objects)
	}
	alone, _ := rendered(t, root, plain.Options{Trees: []string{"charts/ledger"}})
	same(t, "alone", helmTemplate(t, built, "ledger", "default", nil), alone["ledger"])
}

// dependencyBuild copies a chart with those that it names by path in charts/.
func dependencyBuild(t *testing.T, charts, name string, deps ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(charts, name))); err != nil {
		t.Fatal(err)
	}
	for _, dep := range deps {
		if err := os.CopyFS(filepath.Join(dir, "charts", dep), os.DirFS(filepath.Join(charts, dep))); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func valuesIn(t *testing.T, file string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := k8syaml.Unmarshal(data, &values); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestFlatIsWhatStandsThere(t *testing.T) {
	t.Parallel()
	root := filepath.Join(testdata, "flat")
	got, _ := rendered(t, root, plain.Options{Trees: []string{"*"}})
	want := map[string][]string{
		"harbour": {"10-namespace.yaml", "apps/cranes.yaml", "budget.json"},
		"quay":    {"10-namespace.yaml", "apps/cranes.yaml", "apps/list.yaml"},
		"yard":    {"10-namespace.yaml", "apps/cranes.yaml", "crd.yaml", "berth.yaml"},
	}
	for name, files := range want {
		var objects []*unstructured.Unstructured
		for _, file := range files {
			data, err := os.ReadFile(filepath.Join(root, name, filepath.FromSlash(file)))
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range parsed(t, string(data)) {
				if o.IsList() {
					list, err := o.ToList()
					if err != nil {
						t.Fatal(err)
					}
					for i := range list.Items {
						objects = append(objects, &list.Items[i])
					}
					continue
				}
				objects = append(objects, o)
			}
		}
		same(t, name, objects, got[name])
	}
	if len(got) != len(want) {
		t.Errorf("clusters: %s", fmt.Sprint(len(got)))
	}
}
