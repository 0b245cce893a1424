package adopt

import (
	"errors"
	"os"
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

const testdata = "../../tests/plain/testdata"

// options are those of a test: the repository's own baseline, and a distribution of
// it alone.
func options(t *testing.T, engine, at string) Options {
	t.Helper()
	data, err := os.ReadFile("../../components/baseline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	baseline, err := catalog.ParseBaseline("components/baseline.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	base, err := catalog.NewBase(map[string][]byte{"components/baseline.yaml": data})
	if err != nil {
		t.Fatal(err)
	}
	return Options{Engine: engine, Path: at, Fleet: "taken", Baseline: baseline, Base: base}
}

func taken(t *testing.T, root string, o Options) *Outcome {
	t.Helper()
	tree, err := catalog.OpenTree(root)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tree.Close() })
	out, err := Run(t.Context(), tree, o)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func words(out *Outcome) []string {
	var all []string
	for _, f := range out.Left {
		all = append(all, f.Position.String()+" "+f.Message)
	}
	for _, c := range out.Clusters {
		for _, d := range c.Differences {
			all = append(all, c.Cluster+" "+d.Position.String()+" "+d.Object.String()+" "+d.What)
		}
	}
	slices.Sort(all)
	return all
}

// The tests of this package do not run side by side: Flux's library resets
// kustomize's schema, which is the process's.

func TestTreesAreTakenOver(t *testing.T) { //nolint:paralleltest // see above
	cases := []struct {
		engine, root, at string
		objects          map[string]int
		made             []string
		left             []string
	}{
		{Flux, "flux", ".", map[string]int{"north": 4, "south": 7, "west": 4},
			[]string{"apps-north", "apps-south", "apps-west", "infrastructure", "own-north", "own-south", "own-west", "tickets"},
			[]string{"clusters/west/metrics.yaml:13:7 not followed: HelmRelease flux-system/metrics takes chart metrics from HelmRepository metrics, https://charts.example.org"}},
		{ArgoCD, "argo", "bootstrap", map[string]int{"bootstrap": 4, "depot-east": 1, "depot-west": 2},
			[]string{"lamps", "own-bootstrap", "signals-depot-east", "signals-depot-west", "switches", "timers"},
			[]string{"apps/remote.yaml:9:5 not followed: Application argocd/remote takes chart remote from https://charts.example.org"}},
	}
	for _, c := range cases {
		out := taken(t, filepath.Join(testdata, c.root), options(t, c.engine, c.at))
		got := map[string]int{}
		for _, cluster := range out.Clusters {
			got[cluster.Cluster] = cluster.Objects
			if cluster.Equal != cluster.Objects || len(cluster.Differences) > 0 {
				t.Errorf("%s: %d of %d objects are equal", cluster.Cluster, cluster.Equal, cluster.Objects)
			}
		}
		if diff := cmp.Diff(c.objects, got); diff != "" {
			t.Errorf("%s: objects (-want +got):\n%s", c.root, diff)
		}
		if diff := cmp.Diff(c.made, out.Made); diff != "" {
			t.Errorf("%s: components (-want +got):\n%s", c.root, diff)
		}
		if diff := cmp.Diff(c.left, words(out)); diff != "" {
			t.Errorf("%s: words (-want +got):\n%s", c.root, diff)
		}
		if !out.Differs() {
			t.Errorf("%s: what was left counts as nothing", c.root)
		}
	}
}

func ofFiles(t *testing.T, files map[string]string, o Options) (*Outcome, error) {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return Run(t.Context(), catalog.TreeOf(tree, nil), o)
}

func flux(name, spec string) string {
	return "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: " + name + ", namespace: f}\nspec:\n  sourceRef: {kind: GitRepository, name: flux-system}\n" + spec
}

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: \"1\"}\n"

// TestOneComponentForSeveralClusters holds that overlays of a common base become
// one component, of which each cluster takes its own folder.
func TestOneComponentForSeveralClusters(t *testing.T) { //nolint:paralleltest // see above
	files := map[string]string{"apps/base/kustomization.yaml": "resources: [a.yaml]\n", "apps/base/a.yaml": configMap}
	for _, c := range []string{"x", "z"} {
		files["clusters/"+c+"/apps.yaml"] = flux("apps", "  path: ./apps/"+c+"\n  commonMetadata: {labels: {team: t}, annotations: {note: m}}\n")
		files["apps/"+c+"/kustomization.yaml"] = "resources: [../base]\nnamespace: " + c + "\n"
	}
	out, err := ofFiles(t, files, options(t, Flux, "."))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string(nil), words(out)); diff != "" || out.Differs() {
		t.Errorf("words (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"apps"}, out.Made); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	if text := string(out.files["clusters/z/cluster.yaml"]); !strings.Contains(text, "- name: apps\n    path: z\n") {
		t.Errorf("cluster z takes no folder of its own:\n%s", text)
	}
}

// TestNestedDeliveries holds that what an engine's objects deliver of their own
// kind becomes components too, and is left out itself.
func TestNestedDeliveries(t *testing.T) { //nolint:paralleltest // see above
	out, err := ofFiles(t, map[string]string{
		"c/k.yaml":                flux("all", "  path: ./all\n"),
		"all/kustomization.yaml":  "resources: [one.yaml, two.yaml]\n",
		"all/one.yaml":            flux("one", "  path: ./one\n"),
		"all/two.yaml":            flux("two", "  path: ./two\n  dependsOn: [{name: one}]\n") + "---\n" + configMap,
		"one/a.yaml":              strings.Replace(configMap, "name: a", "name: one", 1),
		"two/kustomization.yaml":  "resources: [a.yaml]\n",
		"two/a.yaml":              strings.Replace(configMap, "name: a", "name: two", 1),
		"all/left/unrelated.yaml": "a: b\n",
	}, options(t, Flux, "c"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string(nil), words(out)); diff != "" || out.Clusters[0].Equal != 3 {
		t.Errorf("%d are equal; words (-want +got):\n%s", out.Clusters[0].Equal, diff)
	}
	if diff := cmp.Diff([]string{"all", "one", "two"}, out.Made); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	if text := string(out.files["components/two/component.yaml"]); !strings.Contains(text, "dependsOn:\n  - one\n") {
		t.Errorf("two depends on nothing:\n%s", text)
	}
}

// TestWhatIsNotEqual holds that the proof can fail, with the object's own place.
func TestWhatIsNotEqual(t *testing.T) { //nolint:paralleltest // see above
	cases := []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"a text that a variable makes a number", map[string]string{
			"c/k.yaml": flux("k", "  path: ./x\n  postBuild: {substitute: {n: \"3\"}}\n"),
			"x/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: b}\ndata:\n  v: \"${n}\"\n"},
			[]string{"c x/a.yaml:1 ConfigMap b/a differs in data.v"}},
		{"a chart that is random", map[string]string{
			"c/r.yaml":      "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r, namespace: f}\nspec:\n  chart: {spec: {chart: ./r, sourceRef: {kind: GitRepository, name: flux-system}}}\n",
			"r/Chart.yaml":  "apiVersion: v2\nname: r\nversion: 0.1.0\n",
			"r/templates/a": "", "r/templates/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {v: {{ randNumeric 3 | quote }}}\n"},
			[]string{
				"c    component r does not render: components/r/templates/a.yaml:4:14: randNumeric gives another result each time: the rendering would not be reproducible; take it from values or from a Secret that is made once",
				"c r/templates/a.yaml:1 ConfigMap f/a is not in the catalog",
				"r/templates/a.yaml:4:14 randNumeric gives another result each time: the rendering would not be reproducible",
			}},
		{"a path that is not there", map[string]string{"c/k.yaml": flux("k", "  path: ./x\n"), "c/a.yaml": configMap},
			[]string{"c/k.yaml:6:3 Kustomization f/k: spec.path ./x does not exist"}},
	}
	for _, c := range cases {
		out, err := ofFiles(t, c.files, options(t, Flux, "c"))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if diff := cmp.Diff(c.want, words(out)); diff != "" || !out.Differs() {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestWhatCannotBeTakenOver(t *testing.T) { //nolint:paralleltest // see above
	cases := []struct {
		name  string
		files map[string]string
		o     func(*Options)
		want  string
	}{
		{"no folder", map[string]string{"c/a.yaml": configMap}, func(o *Options) { o.Path = "d" }, "d: is no folder of the repository; name the folder that holds the clusters' objects of flux"},
		{"nothing of Flux", map[string]string{"c/a.yaml": configMap}, func(*Options) {}, "c: nothing there is of flux; name the folder that holds its objects, or a pattern such as clusters/*"},
		{"all of it elsewhere", map[string]string{"c/a.yaml": strings.Replace(flux("k", "  path: ./x\n"), "kind: GitRepository, name: flux-system", "kind: Bucket, name: b", 1)}, func(*Options) {},
			"c: nothing could be taken over: what is delivered from there stands in other places, or does not render; see what `platform check --tree c` says"},
		{"another hub", map[string]string{"c/a.yaml": flux("k", "  path: ./x\n") + "---\n" + configMap, "x/a.yaml": configMap}, func(o *Options) { o.Hub = "h" }, "no cluster is called h; the clusters are c"},
	}
	for _, c := range cases {
		o := options(t, Flux, "c")
		c.o(&o)
		_, err := ofFiles(t, c.files, o)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v\nwant %s", c.name, err, c.want)
		}
		if found, _ := finding.Gather(err); len(found) == 0 {
			t.Errorf("%s is no problem of the input", c.name)
		}
	}
}

// TestNothingIsOverwritten holds what stands where the catalog is to be written.
func TestNothingIsOverwritten(t *testing.T) { //nolint:paralleltest // see above
	out, err := ofFiles(t, map[string]string{"c/k.yaml": flux("k", "  path: ./x\n"), "x/a.yaml": configMap}, options(t, Flux, "c"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "clusters"), 0o755); err != nil {
		t.Fatal(err)
	}
	fleet := filepath.Join(dir, "clusters", "fleet.yaml")
	if err := os.WriteFile(fleet, []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := out.Write(dir); err != nil {
		t.Fatal(err)
	}
	if text, _ := os.ReadFile(fleet); string(text) != "mine\n" {
		t.Error("a fleet that stood there was written over")
	}
	if diff := cmp.Diff([]string{"clusters/fleet.yaml"}, out.Kept); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(dir, "components", "k", "component.yaml")); err != nil {
		t.Error(err)
	}
	full := t.TempDir()
	out.files["components/z/"+strings.Repeat("n", 300)] = []byte("a name that no disk takes\n") // after all others
	if err := out.Write(full); err == nil {
		t.Error("what can't be written is written")
	}
	if left, _ := filepath.Glob(filepath.Join(full, "*", "*")); len(left) > 0 {
		t.Errorf("half a catalog stays: %v", left)
	}
	again := out.Write(dir)
	if !errors.Is(again, ErrTaken) || !strings.HasPrefix(again.Error(), "clusters/c, components/k: ") {
		t.Errorf("a second time: %v", again)
	}
}

func TestImagesAsKustomizeEdits(t *testing.T) { //nolint:paralleltest // see above
	app := func(images string) map[string]string {
		return map[string]string{
			"c/a.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  destination: {name: in-cluster, namespace: n}\n  source: {repoURL: r, path: x, kustomize: {namePrefix: p-, nameSuffix: -s, commonLabels: {k: v}, images: " + images +
				", patches: [{target: {kind: Pod}, patch: '[{\"op\": \"add\", \"path\": \"/metadata/annotations\", \"value\": {\"q\": \"r\"}}]'}]}}\n",
			"x/kustomization.yaml": "resources: [a.yaml]\nimages: [{name: old, newTag: '1', newName: kept}]\n",
			"x/a.yaml":             "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - {name: a, image: 'old:2'}\n    - {name: b, image: 'registry.example.org:5000/b'}\n    - {name: c, image: 'c@sha256:0000000000000000000000000000000000000000000000000000000000000000'}\n",
		}
	}
	for _, images := range []string{"[]", "['old=new:3']", "['old:4']", "['registry.example.org:5000/b:7', 'c=d@sha256:1111111111111111111111111111111111111111111111111111111111111111']"} {
		out, err := ofFiles(t, app(images), options(t, ArgoCD, "c"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string(nil), words(out)); diff != "" || out.Clusters[0].Equal != 1 {
			t.Errorf("images %s (-want +got):\n%s", images, diff)
		}
	}
}

// TestPlainModeIsWhatEnginesRender holds plain mode itself, on the trees of both
// engines, against the engines.
func TestPlainModeIsWhatEnginesRender(t *testing.T) { //nolint:paralleltest // see above
	for _, c := range []struct{ engine, root, tree string }{{Flux, "flux", "clusters/*"}, {ArgoCD, "argo", "bootstrap"}} {
		tree, err := catalog.OpenTree(filepath.Join(testdata, c.root))
		if err != nil {
			t.Fatal(err)
		}
		o := options(t, c.engine, ".")
		from, err := plain.Load(t.Context(), tree, plain.Options{Trees: []string{c.tree}, Baseline: o.Baseline})
		if err != nil {
			t.Fatal(err)
		}
		result, err := render.All(t.Context(), from, render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		e := &engines{ctx: t.Context(), tree: tree, kubernetes: o.Baseline.Spec.Kubernetes, catalog: from}
		nothingLeft := newWriter(tree, o, from)
		for i, cluster := range from.Clusters {
			theirs, problems := e.cluster(cluster, nothingLeft)
			for _, p := range problems {
				t.Error(p.Message)
			}
			compared := compare(cluster.Name, theirs, delivered(from, result.Bundles[i]), nil)
			for _, d := range compared.Differences {
				t.Errorf("%s: %s %s", cluster.Name, d.Object, d.What)
			}
			if compared.Equal < 1 {
				t.Errorf("%s: nothing was compared", cluster.Name)
			}
		}
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
	}
}

// delivered is a bundle without the engine's own objects, its charts' objects in
// the namespace of their release.
func delivered(cat *catalog.Catalog, b *render.Bundle) *render.Bundle {
	space := map[string]string{}
	for _, entry := range cat.Cluster(b.Cluster).Spec.Components {
		if c := cat.Components[entry.Name]; c.Spec.Source.Helm != nil {
			space[c.Name] = c.Spec.Namespace
		}
	}
	out := &render.Bundle{Cluster: b.Cluster}
	for _, o := range b.Objects {
		if delivers(o.GetAPIVersion(), o.GetKind()) {
			continue
		}
		if ns := space[o.Component]; ns != "" && o.GetNamespace() == "" && namespaced(o.Unstructured) {
			o.Unstructured = o.DeepCopy()
			o.SetNamespace(ns)
		}
		out.Objects = append(out.Objects, o)
	}
	return out
}
