package plain_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/plain"
	"dualtrack.internal/platform/render"
)

// told gives "file:line class: message" of every word about the sources.
func told(r *render.Result) []string {
	var out []string
	for _, f := range r.Findings {
		out = append(out, strings.Join([]string{f.Position.String(), string(f.Class), f.Message}, " "))
	}
	slices.Sort(out)
	return out
}

// loaded makes a catalog of files and renders it.
func loaded(t *testing.T, files map[string]string, o plain.Options) (*catalog.Catalog, *render.Result, error) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	o.Baseline = baseline(t)
	cat, err := plain.Load(t.Context(), catalog.TreeOf(tree, nil), o)
	if err != nil {
		return nil, nil, err
	}
	result, err := render.All(t.Context(), cat, render.Options{})
	return cat, result, err
}

// components gives each cluster's components by their own names.
func components(cat *catalog.Catalog) map[string][]string {
	out := map[string][]string{}
	for _, c := range cat.Clusters {
		for _, entry := range c.Spec.Components {
			out[c.Name] = append(out[c.Name], cat.Components[entry.Name].Name)
		}
		slices.Sort(out[c.Name])
	}
	return out
}

func TestFluxIsFollowed(t *testing.T) {
	t.Parallel()
	got, result := rendered(t, filepath.Join(testdata, "flux"), plain.Options{Trees: []string{"clusters/*"}})
	text := strings.Join(sorted(t, got["west"]), "---\n")
	for _, want := range []string{
		"replicas: 4\n", "tier: public\n", "image: registry.example.org/timetable:9\n", "value: west\n", "value: ${HOME}\n",
		"example.org/cluster: west\n", "example.org/region: west\n", "namespace: ferries\n", "kind: ResourceQuota\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("west lacks %q", want)
		}
	}
	if text := strings.Join(sorted(t, got["south"]), "---\n"); !strings.Contains(text, "counters: \"3\"\n  currency: NOK\n") {
		t.Error("the values of south's HelmRelease are not merged")
	}
	want := []string{"clusters/west/metrics.yaml:13:7 unknown not followed: HelmRelease flux-system/metrics takes chart metrics from HelmRepository metrics, https://charts.example.org"}
	if diff := cmp.Diff(want, told(result)); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}

func TestArgoIsFollowed(t *testing.T) {
	t.Parallel()
	got, result := rendered(t, filepath.Join(testdata, "argo"), plain.Options{Trees: []string{"bootstrap"}})
	var names []string
	for name := range got {
		names = append(names, name)
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"bootstrap", "depot-east", "depot-west"}, names); diff != "" {
		t.Fatalf("clusters (-want +got):\n%s", diff)
	}
	text := strings.Join(sorted(t, got["depot-west"]), "---\n")
	for _, want := range []string{"name: depot-signals\n", "registry.example.org/signals:5.1\n", "replicas: 2\n", "example.org/depot: depot-west\n", "namespace: signals\n", "minutes: \"5\"\n  zone: west-w\n", "name: clock\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("depot-west lacks %q", want)
		}
	}
	if strings.Contains(strings.Join(sorted(t, got["bootstrap"]), ""), "ignored") {
		t.Error("a folder below an Application's is read though it does not recurse")
	}
	want := []string{"apps/remote.yaml:9:5 unknown not followed: Application argocd/remote takes chart remote from https://charts.example.org"}
	if diff := cmp.Diff(want, told(result)); diff != "" {
		t.Errorf("words (-want +got):\n%s", diff)
	}
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\n"

// flux is a Flux Kustomization with further fields of its spec.
func flux(spec string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: k, namespace: f}\nspec:\n  sourceRef: {kind: GitRepository, name: flux-system}\n" + spec
}

// application is an Application with this source.
func application(source string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  destination: {name: in-cluster, namespace: n}\n  source:\n    repoURL: https://git.example.org/x\n" + source
}

// TestWhatIsSaidOfEngines holds what is said of what can't be followed, or is wrong.
func TestWhatIsSaidOfEngines(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		files map[string]string
		o     plain.Options
		want  []string
	}{
		{"a path that is not there", map[string]string{"c/k.yaml": flux("  path: ./nowhere\n")}, plain.Options{},
			[]string{"c/k.yaml:6:3  Kustomization f/k: spec.path ./nowhere does not exist"}},
		{"suspended", map[string]string{"c/k.yaml": flux("  path: ./x\n  suspend: true\n")}, plain.Options{},
			[]string{"c/k.yaml:1  Kustomization f/k is suspended: nothing of it is delivered"}},
		{"another repository", map[string]string{
			"c/k.yaml": strings.Replace(flux("  path: ./x\n"), "name: flux-system}", "name: other}", 1) +
				"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: other, namespace: f}\nspec: {url: https://git.example.org/other.git}\n",
			"x/a.yaml": configMap}, plain.Options{Remotes: []string{"git@git.example.org:mine.git"}},
			[]string{"c/k.yaml:5:3 unknown not followed: Kustomization f/k takes from GitRepository other, https://git.example.org/other.git"}},
		{"the same repository by another form of URL", map[string]string{
			"c/k.yaml": strings.Replace(flux("  path: ./x\n"), "name: flux-system}", "name: mine}", 1) +
				"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: GitRepository\nmetadata: {name: mine, namespace: f}\nspec: {url: 'ssh://git@git.example.org/mine'}\n",
			"x/a.yaml": configMap}, plain.Options{Remotes: []string{"git@git.example.org:mine.git"}}, nil},
		{"variables of a Secret", map[string]string{
			"c/k.yaml": flux("  path: ./x\n  postBuild: {substituteFrom: [{kind: Secret, name: s}]}\n"), "x/a.yaml": configMap + "data: {v: \"${v}\"}\n"}, plain.Options{},
			[]string{"c/k.yaml:7:15 unknown not followed: Kustomization f/k takes variables from Secret s: they stay as they are written"}},
		{"another cluster", map[string]string{"c/k.yaml": flux("  path: ./x\n  kubeConfig: {secretRef: {name: s}}\n"), "x/a.yaml": configMap}, plain.Options{},
			[]string{"c/k.yaml:7:3 unknown not followed: Kustomization f/k delivers to another cluster"}},
		{"a dependency that is not there", map[string]string{"c/k.yaml": flux("  path: ./x\n  dependsOn: [{name: other}]\n"), "x/a.yaml": configMap}, plain.Options{},
			[]string{"c/k.yaml:6:3 unknown dependsOn names Kustomization f/other, which is not among what was followed"}},
		{"a cycle", map[string]string{"c/k.yaml": flux("  path: ./x\n"), "x/k.yaml": flux("  path: ./x\n")}, plain.Options{},
			[]string{"x/k.yaml:1  Kustomization f/k is in the bundle twice: here and in component c, c/k.yaml:1"}},
		{"a plugin", map[string]string{"c/a.yaml": application("    path: x\n    plugin: {name: p}\n"), "x/a.yaml": configMap}, plain.Options{},
			[]string{"c/a.yaml:9:5 unknown not followed: Application argocd/a runs a plugin"}},
		{"a folder that only another repository has", map[string]string{"c/a.yaml": application("    path: x\n")}, plain.Options{},
			[]string{"c/a.yaml:8:5 unknown not followed: Application argocd/a takes x from https://git.example.org/x, and there is no such folder here"}},
		{"values of elsewhere", map[string]string{"c/a.yaml": application("    path: x\n    helm: {valueFiles: ['https://example.org/v.yaml', gone.yaml]}\n"),
			"x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n"}, plain.Options{},
			[]string{
				"c/a.yaml:9:25 unknown not followed: Application argocd/a takes values from https://example.org/v.yaml",
				"c/a.yaml:9:55  Application argocd/a: values file gone.yaml can't be read: x/gone.yaml: does not exist; add it",
			}},
		{"a generator that asks a forge", map[string]string{"c/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s, namespace: argocd}\nspec:\n  generators:\n    - pullRequest: {}\n  template: {}\n"}, plain.Options{},
			[]string{"c/a.yaml:6:7 unknown not followed: ApplicationSet argocd/s: generator pullRequest needs more than the repository, or is not known"}},
		{"clusters that only Argo CD knows", map[string]string{"c/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s, namespace: argocd}\nspec:\n  generators:\n    - clusters: {}\n  template: {}\n"}, plain.Options{},
			[]string{"c/a.yaml:6:7 unknown not followed: ApplicationSet argocd/s: its clusters generator asks Argo CD, and no Secret of the tree names a cluster"}},
		{"a template that can't be filled", map[string]string{"c/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s, namespace: argocd}\nspec:\n  goTemplate: true\n  generators:\n    - list: {elements: [{n: x}]}\n  template: {metadata: {name: '{{ .n | nothing }}'}}\n"}, plain.Options{},
			[]string{`c/a.yaml:8:3  ApplicationSet argocd/s: template "{{ .n | nothing }}": template: :1: function "nothing" not defined`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.o.Trees = []string{"c"}
			_, result, err := loaded(t, c.files, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, told(result)); diff != "" {
				t.Errorf("words (-want +got):\n%s", diff)
			}
		})
	}
}

// TestApplicationSets holds what generators make.
func TestApplicationSets(t *testing.T) {
	t.Parallel()
	set := func(generators, name, path string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: s, namespace: argocd}\nspec:\n  generators:\n" + generators +
			"  template:\n    metadata: {name: '" + name + "'}\n    spec:\n      destination: {name: '" + "{{where}}" + "'}\n      source: {repoURL: r, path: '" + path + "'}\n"
	}
	files := map[string]string{
		"apps/one/a.yaml": configMap, "apps/two/a.yaml": configMap, "apps/old/a.yaml": configMap, "envs/x/config.yaml": "app: {name: one}\nwhere: x\n",
	}
	cases := []struct {
		name, set string
		want      map[string][]string
	}{
		{"a list", set("    - list: {elements: [{app: one, where: x}, {app: two, where: in-cluster}]}\n", "{{app}}", "apps/{{app}}"),
			map[string][]string{"c": {"c", "two"}, "x": {"one"}}},
		{"folders", set("    - git: {repoURL: r, directories: [{path: 'apps/*'}, {path: apps/old, exclude: true}], values: {v: '{{path.basename}}'}}\n", "{{values.v}}", "{{path}}"),
			map[string][]string{"c": {"c"}, "{{where}}": {"one", "two"}}},
		{"files", set("    - git: {repoURL: r, files: [{path: 'envs/*/config.yaml'}]}\n", "{{path.basename}}-{{app.name}}", "apps/{{app.name}}"),
			map[string][]string{"c": {"c"}, "x": {"x-one"}}},
		{"a matrix", set("    - matrix: {generators: [{list: {elements: [{where: x}, {where: z}]}}, {git: {repoURL: r, directories: [{path: 'apps/t*'}]}}]}\n", "{{path.basename}}", "{{path}}"),
			map[string][]string{"c": {"c"}, "x": {"s"}, "z": {"s"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			all := map[string]string{"c/s.yaml": c.set}
			for name, text := range files {
				all[name] = text
			}
			cat, result, err := loaded(t, all, plain.Options{Trees: []string{"c"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, components(cat)); diff != "" {
				t.Errorf("components (-want +got):\n%s\n%v", diff, told(result))
			}
		})
	}
}

// TestBadTrees holds the words about patterns and folders that can't be used.
func TestBadTrees(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"clusters/prod/a.yaml": configMap, "clusters/test/a.yaml": configMap, "docs/README.md": "x",
		"both/Chart.yaml": "name: x\n", "both/kustomization.yaml": "resources: []\n", "charts/x/Chart.yaml": "apiVersion: v2\nname: x\nversion: 0.1.0\n",
		"policies/exceptions.yaml": "apiVersion: x\n", "apps/x/base/kustomization.yaml": "resources: []\n",
		"apps/x/overlays/prod/kustomization.yaml": "resources: [../../base]\n", "apps/x/overlays/test/kustomization.yaml": "bases: [../../base]\n",
	}
	cases := []struct {
		name string
		o    plain.Options
		want string
	}{
		{"misspelt", plain.Options{Trees: []string{"cluster/*"}}, "--tree cluster/* meets nothing; did you mean clusters/*? the repository's root holds the folders apps, both, charts, clusters, docs, policies"},
		{"misspelt below", plain.Options{Trees: []string{"clusters/prd"}}, "--tree clusters/prd meets nothing; did you mean clusters/prod? clusters holds the folders prod, test"},
		{"leaves", plain.Options{Trees: []string{"../x"}}, "the pattern ../x leaves the repository; write one from the repository's root, like clusters/*"},
		{"malformed", plain.Options{Trees: []string{"a[/b"}}, "the pattern a[/b is malformed; close the bracket"},
		{"nothing of Kubernetes", plain.Options{Trees: []string{"docs"}}, "docs: --tree docs meets nothing that holds a kustomization, a chart or YAML of Kubernetes; name the folders that do"},
		{"two kinds", plain.Options{Trees: []string{"both"}}, "both: holds both Chart.yaml and kustomization.yaml; say which one is meant: --tree both/Chart.yaml or --tree both/kustomization.yaml"},
		{"overlays of one base", plain.Options{Trees: []string{"apps/*"}}, "apps/x: holds 2 builds of apps/x/base, which can't be one cluster: apps/x/overlays/prod, apps/x/overlays/test; name those that are clusters: --tree apps/x/overlays/prod --tree apps/x/overlays/test"},
		{"values without a chart", plain.Options{Trees: []string{"clusters/nothing*"}, Values: []string{"x"}, MayBeEmpty: false}, "--tree clusters/nothing* meets nothing; clusters holds the folders prod, test"},
		{"values that are not there", plain.Options{Trees: []string{"charts/*"}, Values: []string{"charts/x/values-*.yaml"}}, "--values charts/x/values-*.yaml meets nothing; charts/x holds no folder"},
		{"exceptions", plain.Options{Trees: []string{"clusters/*"}}, "policies/exceptions.yaml:1:1: kind: is missing; add it"},
		{"exceptions that are not there", plain.Options{Trees: []string{"clusters/*"}, Exceptions: "waived.yaml"}, "waived.yaml: does not exist; add it"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := loaded(t, files, c.o)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("error %v\nwant  %s", err, c.want)
			}
			if found, _ := finding.Gather(err); len(found) == 0 {
				t.Error("it is no problem of the input")
			}
		})
	}
}

// TestNames holds how clusters are called.
func TestNames(t *testing.T) {
	t.Parallel()
	chart := "apiVersion: v2\nname: x\nversion: 0.1.0\n"
	cases := []struct {
		name  string
		files map[string]string
		o     plain.Options
		want  map[string][]string
	}{
		{"folders of one name", map[string]string{"a/prod/x.yaml": configMap, "b/prod/x.yaml": configMap, "b/test/x.yaml": configMap},
			plain.Options{Trees: []string{"*/*"}}, map[string][]string{"a/prod": {"prod"}, "b/prod": {"prod"}, "test": {"test"}}},
		{"the root", map[string]string{"x.yaml": configMap}, plain.Options{Trees: []string{"."}}, map[string][]string{"tree": {"tree"}}},
		{"folders at any depth", map[string]string{"a/b/prod/kustomization.yaml": "resources: []\n", "c/prod/x.txt": "", "base/kustomization.yaml": "resources: []\n"},
			plain.Options{Trees: []string{"**/prod"}}, map[string][]string{"prod": {"b"}}},
		{"the file that is meant", map[string]string{"a/Chart.yaml": chart, "a/kustomization.yaml": "resources: []\n"},
			plain.Options{Trees: []string{"a/Chart.yaml"}}, map[string][]string{"a": {"tree"}}},
		{"environments of two charts", map[string]string{"charts/x/Chart.yaml": chart, "charts/y/Chart.yaml": chart, "charts/z/Chart.yaml": chart,
			"charts/x/values-prod.yaml": "", "charts/x/values-test.yaml": "", "charts/y/envs/prod/values.yaml": ""},
			plain.Options{Trees: []string{"charts/*"}, Values: []string{"charts/*/values-*.yaml", "charts/*/envs/*/values.yaml"}},
			map[string][]string{"prod": {"x", "y"}, "test": {"x"}, "z": {"z"}}},
		{"values outside of charts are for all", map[string]string{"charts/x/Chart.yaml": chart, "charts/y/Chart.yaml": chart, "envs/prod.yaml": "", "envs/values.test.yaml": ""},
			plain.Options{Trees: []string{"charts/*"}, Values: []string{"envs/*.yaml"}}, map[string][]string{"prod": {"x", "y"}, "test": {"x", "y"}}},
		{"a folder of kustomizations and charts", map[string]string{"c/x/kustomization.yaml": "resources: []\n", "c/y/Chart.yaml": chart, "c/z/a.yaml": configMap, "c/x/deep/a.yaml": configMap},
			plain.Options{Trees: []string{"c"}}, map[string][]string{"c": {"c", "x", "y"}}},
		{"a base and what is built on it", map[string]string{"c/x/base/kustomization.yaml": "resources: []\n", "c/x/prod/kustomization.yaml": "resources: [../base]\ncomponents: [../part]\n", "c/x/part/kustomization.yaml": "kind: Component\n"},
			plain.Options{Trees: []string{"c/*"}}, map[string][]string{"x": {"prod", "x"}}},
		{"hidden folders", map[string]string{"c/.git/a.yaml": configMap, "c/x/a.yaml": configMap, "c/x/.b.yaml": configMap},
			plain.Options{Trees: []string{"c/*"}}, map[string][]string{"x": {"x"}}},
		{"nothing in the base of a change", map[string]string{"a.txt": ""}, plain.Options{Trees: []string{"c/*"}, Values: []string{"v*"}, MayBeEmpty: true}, map[string][]string{}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cat, _, err := loaded(t, c.files, c.o)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, components(cat)); diff != "" {
				t.Errorf("clusters and components (-want +got):\n%s", diff)
			}
		})
	}
}
