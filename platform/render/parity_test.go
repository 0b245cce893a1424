package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"helm.sh/helm/v3/pkg/action"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	helmrelease "helm.sh/helm/v3/pkg/release"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/archive"
)

// What charts are rendered for, by Helm and by us.
const (
	parityName      = "demo"
	parityNamespace = "apps"
)

// parityKubernetes is the baseline's version.
var parityKubernetes = sync.OnceValue(func() string {
	cat, err := catalog.Load("../..")
	if err != nil {
		return err.Error()
	}
	return cat.Baseline.Spec.Kubernetes
})

func parityAPIs() []string { return []string{"shop.example/v1", "shop.example/v1/Tea"} }

// corpusChart is one chart of the corpus.
type corpusChart struct {
	files map[string][]byte
	over  map[string]any
}

func readCorpus(t *testing.T, file string) corpusChart {
	t.Helper()
	parsed, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := corpusChart{files: map[string][]byte{}, over: map[string]any{}}
	for _, f := range parsed.Files {
		if f.Name != "over.yaml" {
			c.files[f.Name] = f.Data
			continue
		}
		if err := yaml.Unmarshal(f.Data, &c.over); err != nil {
			t.Fatal(err)
		}
	}
	c.files["binary.bin"] = []byte{0, 1, 0xff, 0xfe} // no text, as an icon
	return c
}

// lay writes the chart's folder.
func (c corpusChart) lay(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "chart")
	for name, data := range c.files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// rendered is what a chart gives, each object as JSON, in no order.
type rendered struct{ Objects, Hooks []string }

// byHelm renders as `helm template --include-crds --kube-version` does: the same
// version of Helm, by the code that its command runs.
func byHelm(c *chart.Chart, over map[string]any) (rendered, error) {
	version, err := chartutil.ParseKubeVersion(parityKubernetes())
	if err != nil {
		return rendered{}, err
	}
	install := action.NewInstall(&action.Configuration{Log: func(string, ...any) {}})
	install.DryRun, install.ClientOnly, install.Replace, install.IncludeCRDs = true, true, true, true
	install.ReleaseName, install.Namespace = parityName, parityNamespace
	install.KubeVersion, install.APIVersions = version, parityAPIs()
	if c.Metadata.Type == "library" { // which the command refuses beforehand
		return rendered{}, errors.New("library charts are not installable")
	}
	if err := action.CheckDependencies(c, c.Metadata.Dependencies); err != nil {
		return rendered{}, err
	}
	release, err := install.Run(c, over)
	if err != nil {
		return rendered{}, err
	}
	out := rendered{Objects: documents(release.Manifest)}
	for _, h := range release.Hooks {
		if slices.ContainsFunc(h.Events, func(e helmrelease.HookEvent) bool { return e != helmrelease.HookTest }) {
			out.Hooks = append(out.Hooks, documents(h.Manifest)...)
		}
	}
	slices.Sort(out.Objects)
	slices.Sort(out.Hooks)
	return out, nil
}

// documents gives each document of a YAML stream as JSON, those that are empty
// left out. It splits as Kubernetes' own decoder does, and shares no code with
// what is tested.
func documents(stream string) []string {
	var out []string
	for doc := range strings.SplitSeq("\n"+stream, "\n---") {
		data, err := yaml.YAMLToJSON([]byte(strings.TrimPrefix(doc, " ")))
		if err != nil {
			out = append(out, "no YAML: "+err.Error())
		} else if string(data) != "null" {
			out = append(out, canonical(data))
		}
	}
	return out
}

func canonical(data []byte) string {
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		return err.Error()
	}
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// byUs renders the chart's files in memory.
func byUs(t *testing.T, files map[string][]byte, over map[string]any, packed bool) (rendered, error) {
	t.Helper()
	caps, err := capabilities(parityKubernetes(), parityAPIs())
	if err != nil {
		t.Fatal(err)
	}
	f := &folder{dir: "remote/c", data: map[string][]byte{}}
	for name, data := range files {
		f.data[path.Join(f.dir, name)] = data
	}
	f.names = sortedKeys(f.data)
	r := release{folder: f, dir: f.dir, name: parityName, namespace: parityNamespace, values: over, caps: caps, remote: true, packed: packed}
	objects, _, err := r.runForDays()
	var out rendered
	for _, o := range objects {
		data, err := json.Marshal(o.object.Object)
		if err != nil {
			t.Fatal(err)
		}
		if len(o.hooks) > 0 {
			out.Hooks = append(out.Hooks, canonical(data))
		} else {
			out.Objects = append(out.Objects, canonical(data))
		}
	}
	slices.Sort(out.Objects)
	slices.Sort(out.Hooks)
	return out, err
}

// TestAsHelm: every chart of the corpus gives what Helm gives, object for object,
// from its folder and from its archive.
func TestAsHelm(t *testing.T) {
	t.Parallel()
	corpus, err := filepath.Glob("testdata/charts/*.txtar")
	if err != nil || len(corpus) < 5 {
		t.Fatalf("%d charts, %v", len(corpus), err)
	}
	for _, file := range corpus {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			c := readCorpus(t, file)
			dir := c.lay(t)
			load := func(name string) *chart.Chart {
				loaded, err := loader.Load(name)
				if err != nil {
					t.Fatal(err)
				}
				return loaded
			}
			want, err := byHelm(load(dir), copied(t, c.over))
			if err != nil {
				t.Fatalf("Helm: %v", err)
			}
			if len(want.Objects) < 2 {
				t.Fatalf("Helm gives %d objects", len(want.Objects))
			}
			got, err := byUs(t, c.files, c.over, false)
			if err != nil {
				t.Fatalf("the folder: %v", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from the folder (-Helm +ours):\n%s", diff)
			}
			packedFile, err := chartutil.Save(load(dir), t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if want, err = byHelm(load(packedFile), copied(t, c.over)); err != nil {
				t.Fatalf("Helm: %v", err)
			}
			data, err := os.ReadFile(packedFile)
			if err != nil {
				t.Fatal(err)
			}
			files, err := archive.Chart(data)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = byUs(t, files, c.over, true); err != nil {
				t.Fatalf("the archive: %v", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("from the archive (-Helm +ours):\n%s", diff)
			}
		})
	}
}

// copied copies values: Helm changes those that it is given.
func copied(t *testing.T, values map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(values)
	out := map[string]any{}
	if err == nil {
		err = json.NewDecoder(bytes.NewReader(data)).Decode(&out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRefusedAsHelm: what Helm refuses we refuse, for the same reason.
func TestRefusedAsHelm(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		"Chart.yaml":         "apiVersion: v2\nname: c\nversion: 0.1.0\n",
		"values.yaml":        "port: 1\n",
		"templates/map.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n",
	}
	cases := []struct {
		name, file, text string
		helm, ours       string
	}{
		{"library", "Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\ntype: library\n", "library charts are not installable",
			"remote/c/Chart.yaml:4:1: type: is library: the chart is a part of others and can't be installed; name a chart of type application"},
		{"Kubernetes", "Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\nkubeVersion: '>=1.99.0-0'\n", "incompatible with Kubernetes " + parityKubernetes(),
			"remote/c/Chart.yaml:4:1: kubeVersion: is >=1.99.0-0, and the clusters have " + parityKubernetes() + "; take a version of the chart for this Kubernetes"},
		{"dependency", "Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\ndependencies: [{name: d, version: 1.0.0}]\n", "missing in charts/ directory: d",
			"subchart d does not stand in charts/"},
		{"required", "templates/r.yaml", "a: {{ required \"say a\" .Values.a }}\n", "say a", "remote/c/templates/r.yaml:1:7: say a"},
		{"fail", "templates/r.yaml", "{{ fail \"no way\" }}\n", "no way", "remote/c/templates/r.yaml:1:4: no way"},
		{"schema", "values.schema.json", `{"properties": {"port": {"type": "string"}}}`, "port", "port"},
		{"unknown function", "templates/r.yaml", "{{ nothing }}\n", `function "nothing" not defined`, `function "nothing" not defined`},
		{"no YAML", "templates/r.yaml", "a: b: c\n", "mapping values are not allowed", "mapping values are not allowed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := map[string][]byte{}
			for name, text := range good {
				files[name] = []byte(text)
			}
			files[c.file] = []byte(c.text)
			one := corpusChart{files: files}
			loaded, err := loader.Load(one.lay(t))
			if err == nil {
				_, err = byHelm(loaded, map[string]any{})
			}
			if err == nil || !strings.Contains(err.Error(), c.helm) {
				t.Errorf("Helm: %v, want %s", err, c.helm)
			}
			if _, err = byUs(t, files, nil, false); err == nil || !strings.Contains(err.Error(), c.ours) {
				t.Errorf("ours: %v, want %s", err, c.ours)
			}
		})
	}
}

// TestUnlikeHelm holds where we differ from Helm on purpose.
func TestUnlikeHelm(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
	cases := []struct {
		name, template string
		helm, ours     string
	}{
		{"an API that is no longer served", `{{ if not (.Capabilities.APIVersions.Has "policy/v1beta1") }}` + head + "{{ end }}", "0 objects", "1 objects"},
		{"a kind that is served", `{{ if .Capabilities.APIVersions.Has "policy/v1/PodDisruptionBudget" }}` + head + "{{ end }}", "0 objects", "1 objects"},
		{"a key that stands twice", head + "data: {a: b, a: c}\n", "1 objects", `key "a" already set in map`},
		{"random", head + "data: {a: {{ randAlphaNum 5 }}}\n", "1 objects", "remote/c/templates/t.yaml:4:14: randAlphaNum gives another result each time"},
		{"random, not reached", "{{ if false }}{{ randAlphaNum 5 }}{{ genCA \"a\" 3 }}{{ end }}" + head, "1 objects", "1 objects"},
		{"the clock", head + "data: {a: {{ now | date \"2006\" | quote }}}\n", "1 objects", "now reads the clock"},
		{"the clock, for a check alone", "{{ $_ := now | mustDateModify \"5m\" }}" + head, "1 objects", "1 objects"},
		{"the clock in a helper", `{{ define "x" }}{{ now }}{{ end }}` + head + "data: {a: {{ include \"x\" . | quote }}}\n", "1 objects", "remote/c/templates/t.yaml:1:20: now reads the clock"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := map[string][]byte{
				"Chart.yaml": []byte("apiVersion: v2\nname: c\nversion: 0.1.0\n"), "templates/t.yaml": []byte(c.template),
			}
			loaded, err := loader.Load(corpusChart{files: files}.lay(t))
			if err != nil {
				t.Fatal(err)
			}
			helm, err := byHelm(loaded, map[string]any{})
			if diff := cmp.Diff(c.helm, inWords(helm, err)); diff != "" {
				t.Errorf("Helm (-want +got):\n%s", diff)
			}
			ours, err := byUs(t, files, nil, false)
			if got := inWords(ours, err); !strings.Contains(got, c.ours) {
				t.Errorf("ours: %s, want %s", got, c.ours)
			}
		})
	}
}

// inWords says how many objects there are, or why none.
func inWords(r rendered, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d objects", len(r.Objects))
}
