package adopt

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n    - {name: p, image: 'registry.example.org/p:1'}\n"

const chartFile = "apiVersion: v2\nname: x\nversion: 0.1.0\n"

// valuesMap shows two of a chart's values.
const valuesMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  one: {{ .Values.one | quote }}\n  two: {{ .Values.two | quote }}\n"

// TestFeatures holds, one by one, what engines do beyond building: equal in the
// catalog, and nothing left.
func TestFeatures(t *testing.T) { //nolint:paralleltest // Flux's library resets kustomize's schema, which is the process's
	release := func(spec string) string {
		return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: r, namespace: f}\nspec:\n" + spec
	}
	application := func(source string) string {
		return "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a, namespace: argocd}\nspec:\n  destination: {name: in-cluster, namespace: n}\n" + source
	}
	chart := map[string]string{"x/Chart.yaml": chartFile, "x/values.yaml": "one: chart\ntwo: chart\n", "x/templates/m.yaml": valuesMap,
		"x/values-a.yaml": "one: file\n", "envs/b.yaml": "two: env\n"}
	with := func(files map[string]string, more map[string]string) map[string]string {
		out := map[string]string{}
		for _, m := range []map[string]string{files, more} {
			for k, v := range m {
				out[k] = v
			}
		}
		return out
	}
	cases := []struct {
		name, engine string
		files        map[string]string
		objects      int
	}{
		{"names, namespace, images and patches over a folder without a kustomization", Flux, map[string]string{
			"c/k.yaml": flux("k", "  path: ./x\n  targetNamespace: ns\n  namePrefix: a-\n  nameSuffix: -z\n  images: [{name: registry.example.org/p, newTag: '2'}]\n"+
				"  patches:\n    - target: {kind: Pod}\n      patch: |\n        apiVersion: v1\n        kind: Pod\n        metadata: {name: any, annotations: {patched: by-flux}}\n"),
			"x/pod.yaml": pod, "x/deep/m.yaml": configMap}, 2},
		{"a component", Flux, map[string]string{
			"c/k.yaml":             flux("k", "  path: ./x\n  components: [../part]\n"),
			"x/kustomization.yaml": "resources: [pod.yaml]\n", "x/pod.yaml": pod,
			"part/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{target: {kind: Pod}, patch: '[{\"op\": \"add\", \"path\": \"/metadata/labels\", \"value\": {\"part\": \"one\"}}]'}]\n"}, 1},
		{"an image that the kustomization sets too", Flux, map[string]string{
			"c/k.yaml":             flux("k", "  path: ./x\n  images: [{name: registry.example.org/p, newName: mirror.example.org/p}]\n"),
			"x/kustomization.yaml": "resources: [pod.yaml]\nimages: [{name: registry.example.org/p, newTag: '7'}]\n", "x/pod.yaml": pod}, 1},
		{"deprecated fields", Flux, map[string]string{
			"c/k.yaml":                flux("k", "  path: ./x\n"),
			"x/kustomization.yaml":    "bases: [../base]\nresources: [m.yaml]\ncommonLabels: {l: v}\npatchesJson6902: [{target: {version: v1, kind: Pod, name: p}, patch: '[{\"op\": \"add\", \"path\": \"/spec/hostname\", \"value\": \"h\"}]'}]\npatchesStrategicMerge:\n  - p.yaml\n  - |\n    apiVersion: v1\n    kind: Pod\n    metadata: {name: p, annotations: {inline: patch}}\n",
			"x/p.yaml":                "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {file: patch}}\n",
			"base/kustomization.yaml": "resources: [pod.yaml]\n", "base/pod.yaml": pod, "x/m.yaml": configMap}, 2},
		{"nothing but old fields", Flux, map[string]string{"c/k.yaml": flux("k", "  path: ./x\n"),
			"x/kustomization.yaml": "resources: [pod.yaml]\npatchesJson6902:\n  - {target: {version: v1, kind: Pod, name: p}, path: p.json}\n", "x/pod.yaml": pod,
			"x/p.json": `[{"op": "add", "path": "/spec/hostname", "value": "h"}]`}, 1},
		{"variables of a ConfigMap, with a default, and an object that is left alone", Flux, map[string]string{
			"c/vars.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vars, namespace: f}\ndata: {one: first}\n",
			"c/k.yaml":    flux("k", "  path: ./x\n  postBuild: {substituteFrom: [{kind: ConfigMap, name: vars}], substitute: {two: second}}\n"),
			"x/m.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  v: ${one}-${two}-${three:-third}\n",
			"x/n.yaml":    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, annotations: {kustomize.toolkit.fluxcd.io/substitute: disabled}}\ndata:\n  v: ${one}\n"}, 3},
		{"values files of a HelmRelease in the place of the chart's", Flux, with(chart, map[string]string{
			"c/r.yaml": release("  targetNamespace: ns\n  chart: {spec: {chart: ./x, sourceRef: {kind: GitRepository, name: flux-system}, valuesFiles: [x/values-a.yaml, envs/b.yaml]}}\n  values: {two: inline}\n")}), 1},
		{"values of an Application: files, a reference, parameters", ArgoCD, with(chart, map[string]string{
			"c/a.yaml": application("  sources:\n    - {repoURL: r, path: x, helm: {valueFiles: [values-a.yaml, $here/envs/b.yaml], parameters: [{name: one, value: 'set,too'}]}}\n    - {repoURL: r, ref: here}\n")}), 1},
		{"inline values of an Application", ArgoCD, with(chart, map[string]string{
			"c/a.yaml": application("  source:\n    repoURL: r\n    path: x\n    helm:\n      releaseName: named\n      values: |\n        one: inline\n")}), 1},
		{"a folder that recurses, with a choice", ArgoCD, map[string]string{
			"c/a.yaml": application("  source: {repoURL: r, path: x, directory: {recurse: true, exclude: '{skip.yaml,*.json}'}}\n"),
			"x/m.yaml": configMap, "x/deep/pod.yaml": pod, "x/skip.yaml": configMap, "x/a.json": `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}}`}, 2},
		{"an Application of Applications", ArgoCD, map[string]string{
			"c/a.yaml":      application("  source: {repoURL: r, path: apps}\n"),
			"apps/one.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: one, namespace: argocd}\nspec:\n  destination: {name: elsewhere, namespace: m}\n  source: {repoURL: r, path: x}\n",
			"x/m.yaml":      configMap}, 1},
	}
	for _, c := range cases {
		out, err := ofFiles(t, c.files, options(t, c.engine, "c"))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		equal := 0
		for _, cluster := range out.Clusters {
			equal += cluster.Equal
		}
		if diff := cmp.Diff([]string(nil), words(out)); diff != "" || equal != c.objects {
			t.Errorf("%s: %d objects are equal, want %d; words (-want +got):\n%s", c.name, equal, c.objects, diff)
		}
	}
}
