package independent_test

import (
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/tests/independent"
)

const rendered = `
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
`

const (
	namespace  = "/api/v1/namespaces/shop"
	deployment = "/apis/apps/v1/namespaces/shop/deployments/web"
	configMap  = "/api/v1/namespaces/shop/configmaps/settings"
)

// api answers as an API server that holds some objects, by path.
func api(held map[string]string) http.Handler {
	answers := map[string]string{
		"/version": `{"major":"1","minor":"99","gitVersion":"v1.99.3"}`,
		"/api":     `{"kind":"APIVersions","versions":["v1"]}`,
		"/apis":    `{"kind":"APIGroupList","apiVersion":"v1","groups":[{"name":"apps","versions":[{"groupVersion":"apps/v1","version":"v1"}],"preferredVersion":{"groupVersion":"apps/v1","version":"v1"}}]}`,
		"/api/v1": `{"kind":"APIResourceList","groupVersion":"v1","resources":[
			{"name":"namespaces","kind":"Namespace","namespaced":false,"verbs":["get"]},
			{"name":"configmaps","kind":"ConfigMap","namespaced":true,"verbs":["get"]}]}`,
		"/apis/apps/v1": `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"apps/v1","resources":[
			{"name":"deployments","kind":"Deployment","namespaced":true,"verbs":["get"]}]}`,
	}
	maps.Copy(answers, held)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		text, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			text = `{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}`
		}
		if r.Method != http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		fmt.Fprint(w, text)
	})
}

// holding are the rendered objects as a server gives them, changed by a case.
func holding(changes map[string]string) map[string]string {
	held := map[string]string{
		namespace:  `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop"}}`,
		configMap:  `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"settings","namespace":"shop"}}`,
		deployment: live(2, 2, `{"type":"Available","status":"True"}`),
	}
	for path, text := range changes {
		if text == "" {
			delete(held, path)
		} else {
			held[path] = text
		}
	}
	return held
}

func live(generation, observed int, conditions string) string {
	return fmt.Sprintf(`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop","generation":%d},"status":{"observedGeneration":%d,"conditions":[%s]}}`,
		generation, observed, conditions)
}

func kubeconfig(t *testing.T, url string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Config", "current-context": "it",
		"clusters": []any{map[string]any{"name": "it", "cluster": map[string]any{"server": url}}},
		"contexts": []any{map[string]any{"name": "it", "context": map[string]any{"cluster": "it", "user": "it"}}},
		"users":    []any{map[string]any{"name": "it", "user": map[string]any{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWrong(t *testing.T) {
	t.Parallel()
	settings := independent.Object{Kind: "ConfigMap", Namespace: "shop", Name: "settings"}
	for _, c := range []struct {
		name     string
		changes  map[string]string // what the server holds otherwise
		more     string            // rendered beside the three objects
		version  string
		withheld []independent.Object
		want     []string
	}{
		{name: "all there"},
		{name: "an object is missing", changes: map[string]string{configMap: ""}, want: []string{"ConfigMap shop/settings is not there"}},
		{name: "missing and withheld", changes: map[string]string{configMap: ""}, withheld: []independent.Object{settings}},
		{name: "there and withheld", withheld: []independent.Object{settings}, want: []string{"ConfigMap shop/settings should be withheld and is there"}},
		{name: "withheld and never rendered", withheld: []independent.Object{{Kind: "ConfigMap", Name: "other"}},
			want: []string{"ConfigMap other is on the list of withheld objects and was not rendered"}},
		{name: "version", version: "v1.99.4", want: []string{"the API server is v1.99.3, want v1.99.4"}},
		{name: "kind not served", more: "---\n{apiVersion: example.org/v1, kind: Widget, metadata: {name: w}}\n",
			want: []string{"Widget w: the cluster serves no example.org/v1, Kind=Widget"}},
		{name: "not available", changes: map[string]string{deployment: live(1, 1, `{"type":"Available","status":"False","reason":"MinimumReplicasUnavailable","message":"too few"}`)},
			want: []string{"Deployment shop/web is not Available: MinimumReplicasUnavailable: too few"}},
		{name: "not yet judged", changes: map[string]string{deployment: live(1, 1, `{"type":"Progressing","status":"True"}`)},
			want: []string{"Deployment shop/web has no condition Available"}},
		{name: "judged in an older generation", changes: map[string]string{deployment: live(3, 2, `{"type":"Available","status":"True"}`)},
			want: []string{"Deployment shop/web: its controller saw generation 2, it is at 3"}},
		{name: "going", changes: map[string]string{namespace: `{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"shop","deletionTimestamp":"2024-05-01T10:00:00Z"}}`},
			want: []string{"Namespace shop is being deleted"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(api(holding(c.changes)))
			defer server.Close()
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "00-shop.yaml"), []byte(rendered+c.more), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.version == "" {
				c.version = "v1.99.3"
			}
			got, err := independent.Cluster{
				Kubeconfig: kubeconfig(t, server.URL), Files: []string{dir}, Version: c.version, Withheld: c.withheld,
			}.Wrong(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

// What can't be read is an error, never silence.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer broken.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(rendered), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		cluster independent.Cluster
	}{
		{"server gone", independent.Cluster{Kubeconfig: kubeconfig(t, gone.URL), Files: []string{file}}},
		{"server broken", independent.Cluster{Kubeconfig: kubeconfig(t, broken.URL), Files: []string{file}}},
		{"no kubeconfig", independent.Cluster{Kubeconfig: "nowhere", Files: []string{file}}},
		{"no file", independent.Cluster{Kubeconfig: kubeconfig(t, broken.URL), Files: []string{"nowhere"}}},
		{"nothing rendered", independent.Cluster{Kubeconfig: kubeconfig(t, broken.URL), Files: []string{t.TempDir()}}},
	} {
		if wrong, err := c.cluster.Wrong(t.Context()); err == nil {
			t.Errorf("%s: no error, wrong: %v", c.name, wrong)
		}
	}
}

// recorder is a test that notes whether it was failed.
type recorder struct {
	testing.TB
	errors []string
}

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func TestCheckFailsItsTest(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(api(holding(map[string]string{configMap: ""})))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "shop.yaml")
	if err := os.WriteFile(file, []byte(rendered), 0o600); err != nil {
		t.Fatal(err)
	}
	c := independent.Cluster{Kubeconfig: kubeconfig(t, server.URL), Files: []string{file}, Version: "v1.99.3"}
	r := &recorder{TB: t}
	independent.Check(r, c)
	if len(r.errors) != 1 || !strings.HasSuffix(r.errors[0], "ConfigMap shop/settings is not there") {
		t.Errorf("a missing object gives %q", r.errors)
	}
	c.Files = []string{"nowhere"}
	r = &recorder{TB: t}
	independent.Check(r, c)
	if len(r.errors) != 1 {
		t.Errorf("a missing file gives %q", r.errors)
	}
}

// The word is independent only while it imports nothing of the product.
func TestSharesNoCode(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "independent.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	for _, imported := range file.Imports {
		path := strings.Trim(imported.Path.Value, `"`)
		first, _, _ := strings.Cut(path, "/")
		if strings.Contains(first, ".") && first != "k8s.io" {
			t.Errorf("independent.go imports %s", path)
		}
	}
}
