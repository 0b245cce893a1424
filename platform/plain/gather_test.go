package plain_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/plain"
	"dualtrack.internal/platform/render"
)

// TestWhatIsSaidOfKustomizations holds what is said of a kustomization's sources.
func TestWhatIsSaidOfKustomizations(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"remote bases", map[string]string{"c/kustomization.yaml": "resources:\n  - https://example.org/x.yaml\n  - github.com/example/x?ref=v1\n  - git@example.org:x.git\n  - a.yaml\n", "c/a.yaml": configMap},
			[]string{
				"c/kustomization.yaml:2:5 unknown not followed: resources: https://example.org/x.yaml is a remote source",
				"c/kustomization.yaml:3:5 unknown not followed: resources: github.com/example/x?ref=v1 is a remote source",
				"c/kustomization.yaml:4:5 unknown not followed: resources: git@example.org:x.git is a remote source",
			}},
		{"a patch of what a remote base holds", map[string]string{"c/kustomization.yaml": "resources: [https://example.org/x.yaml]\npatches:\n  - path: p.yaml\n", "c/p.yaml": configMap},
			[]string{
				"c/kustomization.yaml unknown not rendered: no resource matches strategic merge patch \"ConfigMap.v1.[noGrp]/a.b\": no matches for Id ConfigMap.v1.[noGrp]/a.b; failed to find unique target for patch ConfigMap.v1.[noGrp]/a.b",
				"c/kustomization.yaml:1:13 unknown not followed: resources: https://example.org/x.yaml is a remote source",
			}},
		{"a remote patch", map[string]string{"c/kustomization.yaml": "resources: [a.yaml]\npatches: [{path: 'https://example.org/p.yaml'}]\nconfigMapGenerator: [{name: m, files: ['k=https://example.org/f']}]\n", "c/a.yaml": configMap},
			[]string{
				"c/kustomization.yaml:2:18 unknown not followed: patches: https://example.org/p.yaml is a remote source",
				"c/kustomization.yaml:2:18 unknown not rendered: patches needs it",
				"c/kustomization.yaml:3:40 unknown not followed: configMapGenerator: https://example.org/f is a remote source",
				"c/kustomization.yaml:3:40 unknown not rendered: configMapGenerator needs it",
			}},
		{"a folder that is named like a repository", map[string]string{"c/kustomization.yaml": "resources: [github.com/x/y, a.yaml]\n", "c/github.com/x/y/kustomization.yaml": "resources: []\n", "c/a.yaml": configMap},
			[]string{"c/kustomization.yaml:1:13 unknown not followed: resources: github.com/x/y is a remote source"}},
		{"a field in another case", map[string]string{"c/kustomization.yaml": "Resources: ['https://example.org/x.yaml']\n"},
			[]string{"c/kustomization.yaml:1:1  not rendered: Resources: unknown field"}},
		{"a generator that fetches", map[string]string{"c/kustomization.yaml": "resources: [a.yaml]\ngenerators: [g.yaml]\n", "c/a.yaml": configMap,
			"c/g.yaml": "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: g}\nfiles: ['https://example.org/f']\n"},
			[]string{"c/kustomization.yaml  not rendered: generators: may fetch something"}},
		{"charts that kustomize would inflate", map[string]string{"c/kustomization.yaml": "resources: [a.yaml]\nhelmCharts: [{name: x}]\n", "c/a.yaml": configMap},
			[]string{"c/kustomization.yaml:2:1 unknown not followed: helmCharts: kustomize inflates charts by running helm, which is not done here"}},
		{"what is not there", map[string]string{"c/kustomization.yaml": "resources:\n  - ../bse\n  - a.yaml\nconfigMapGenerator:\n  - name: x\n    files: [k=v.txt]\n"},
			[]string{
				"c/kustomization.yaml:2:5  not rendered: resources: ../bse does not exist",
				"c/kustomization.yaml:3:5  not rendered: resources: a.yaml does not exist",
				"c/kustomization.yaml:6:13  not rendered: configMapGenerator: v.txt does not exist",
			}},
		{"out of the repository", map[string]string{"c/kustomization.yaml": "resources: [../../x]\n"},
			[]string{"c/kustomization.yaml:1:13  not rendered: resources: ../../x leaves the repository"}},
		{"a folder without a kustomization", map[string]string{"c/kustomization.yaml": "resources: [../b]\n", "b/a.yaml": configMap},
			[]string{"c/kustomization.yaml:1:13  not rendered: resources: ../b is a folder without a kustomization"}},
		{"a file of another folder", map[string]string{"c/kustomization.yaml": "resources: [../b/a.yaml]\n", "b/a.yaml": configMap},
			[]string{"c/kustomization.yaml:1:13  ../b/a.yaml lies outside the kustomization's folder: kustomize build takes it only with --load-restrictor LoadRestrictionsNone, as Flux does"}},
		{"a misspelt field", map[string]string{"c/kustomization.yaml": "resources: [a.yaml]\nnamespce: x\n", "c/a.yaml": configMap},
			[]string{"c/kustomization.yaml:2:1  not rendered: namespce: unknown field"}},
		{"a cycle", map[string]string{"c/kustomization.yaml": "resources: [../d]\n", "d/kustomization.yaml": "resources: [../c]\n"},
			[]string{"c/kustomization.yaml  not rendered: cycle detected: candidate root 'c' contains visited root 'c'"}},
		{"an LFS pointer", map[string]string{"c/kustomization.yaml": "resources: [a.yaml]\n", "c/a.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n"},
			[]string{"c/a.yaml:1  not rendered: is a Git LFS pointer: the file itself is not in Git's object store, and is not fetched"}},
		{"a file that is too long", map[string]string{"c/a.yaml": strings.Repeat("#", 17<<20)},
			[]string{"c/a.yaml  not rendered: is 17825792 bytes long; a file may have 16777216"}},
		{"charts that name each other", map[string]string{
			"c/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\ndependencies: [{name: d, version: 0.1.0, repository: 'file://../d'}]\n",
			"d/Chart.yaml": "apiVersion: v2\nname: d\nversion: 0.1.0\ndependencies: [{name: c, version: 0.1.0, repository: 'file://../c'}]\n"},
			[]string{"c/Chart.yaml:4:23  not rendered: charts name each other more than 8 deep"}},
		{"a submodule", map[string]string{"c/kustomization.yaml": "resources: [../lib/a.yaml]\n", "lib/a.yaml": configMap, ".gitmodules": "[submodule \"lib\"]\n\tpath = lib\n\turl = https://example.org/lib\n"},
			[]string{
				"c/kustomization.yaml:1:13  ../lib/a.yaml lies outside the kustomization's folder: kustomize build takes it only with --load-restrictor LoadRestrictionsNone, as Flux does",
				"lib  not rendered: is a Git submodule, whose files are in another repository; submodules are not followed",
			}},
		{"broken YAML", map[string]string{"c/a.yaml": configMap + "---\nkind: [\n"},
			[]string{"c/a.yaml:5  not rendered: is not valid YAML: did not find expected node content"}},
		{"an object twice", map[string]string{"c/a.yaml": configMap, "c/b.yaml": configMap},
			[]string{"c/b.yaml:1  ConfigMap b/a is in the bundle twice: here and in component c, c/a.yaml:1"}},
		{"an object without a name", map[string]string{"c/a.yaml": "apiVersion: v1\nkind: ConfigMap\n"},
			[]string{"c/a.yaml:1  not rendered: metadata: is missing or has a wrong type in a rendered ConfigMap object"}},
		{"a file of no object among others", map[string]string{"c/a.yaml": configMap, "c/values.yaml": "a: b\n", "c/package.json": "{}"},
			[]string{"c/values.yaml  left out, for no Kubernetes object stands there: c/values.yaml"}},
		{"a subchart that would be downloaded", map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\ndependencies:\n  - {name: redis, version: 1.0.0, repository: https://charts.example.org}\n"},
			[]string{
				"c/Chart.yaml:5:12 unknown not followed: subchart redis comes from https://charts.example.org and does not stand in charts/",
				"c/Chart.yaml:5:12 unknown not rendered: dependencies: subchart redis does not stand in charts/",
			}},
		{"values files that nobody asked for", map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n", "c/values-prod.yaml": ""},
			[]string{"c/values-prod.yaml  not used: c/values-prod.yaml"}},
		{"a chart that is random", map[string]string{"c/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n", "c/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ randAlpha 3 | lower }}\n"},
			[]string{"c/templates/a.yaml:4:12  randAlpha gives another result each time: the rendering would not be reproducible"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, result, err := loaded(t, c.files, plain.Options{Trees: []string{"c"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, told(result)); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFieldsStandInTheirFiles holds that findings can be placed in bases, patches
// and subcharts.
func TestFieldsStandInTheirFiles(t *testing.T) {
	t.Parallel()
	_, result, err := loaded(t, map[string]string{
		"c/kustomization.yaml":    "resources: [../base]\npatches: [{path: p.yaml}]\n",
		"base/kustomization.yaml": "resources: [d.yaml]\n",
		"base/d.yaml":             "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  paused: true\n  replicas: 1\n",
		"c/p.yaml":                "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 3\n",
	}, plain.Options{Trees: []string{"c"}})
	if err != nil {
		t.Fatal(err)
	}
	o := result.Bundles[0].Objects[0]
	got := []string{result.Locate(o, "/spec/paused").String(), result.Locate(o, "/spec/replicas").String()}
	if diff := cmp.Diff([]string{"base/d.yaml:5:3", "c/p.yaml:5:3"}, got); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

// FuzzLoad holds that no kustomization, manifest or engine's object makes a panic,
// and that two readings give the same.
func FuzzLoad(f *testing.F) {
	for _, seed := range []string{"resources: [../b, x?y]\n", flux("  path: ./b\n"), application("    path: b\n"), "patches: [{path: 1}]\nresources: 3\n",
		"apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s}\nspec: {generators: [{matrix: {generators: [{list: {elements: [1, {a: b}]}}]}}], template: {spec: {source: {path: '{{a}}'}}}}\n"} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, text string, kustomization bool) {
		name := "c/a.yaml"
		if kustomization {
			name = "c/kustomization.yaml"
		}
		tree := fstest.MapFS{name: {Data: []byte(text)}, "b/a.yaml": {Data: []byte(configMap)}}
		var before string
		for range 2 {
			cat, err := plain.Load(t.Context(), catalog.TreeOf(tree, nil), plain.Options{Trees: []string{"c"}, Baseline: baseline(t)})
			if err != nil {
				return
			}
			result, err := render.All(t.Context(), cat, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			now := result.Revision + strings.Join(told(result), "\n")
			if before != "" && now != before {
				t.Errorf("two readings differ:\n%s\n%s", before, now)
			}
			before = now
		}
	})
}
