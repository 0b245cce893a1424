package track

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

func manifest(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return u
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Method+" "+r.URL.RequestURI())
	}))
	t.Cleanup(server.Close)
	hc, err := rest.HTTPClientFor(ReadOnly(&rest.Config{Host: server.URL}))
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ method, path, want string }{
		{"GET", "/api/v1/pods?watch=true", "GET /api/v1/pods?watch=true"},
		{"HEAD", "/healthz", "HEAD /healthz"},
		{"PATCH", "/api/v1/namespaces/a/configmaps/b?fieldManager=evil&force=true", "PATCH /api/v1/namespaces/a/configmaps/b?dryRun=All&fieldManager=dualtrack&force=true"},
		{"PATCH", "/api/v1/namespaces/a/configmaps/b?dryRun=", "PATCH /api/v1/namespaces/a/configmaps/b?dryRun=All&fieldManager=dualtrack"},
		{"POST", "/api/v1/namespaces/a/configmaps", ""},
		{"POST", "/api/v1/namespaces/a/configmaps?dryRun=All", ""},
		{"PUT", "/api/v1/namespaces/a/configmaps/b", ""},
		{"DELETE", "/api/v1/namespaces/a/configmaps/b", ""},
		{"GET", "/api/v1/namespaces/a/pods/b/exec?command=rm", ""},
		{"GET", "/api/v1/namespaces/a/pods/b/portforward", ""},
		{"GET", "/api/v1/namespaces/a/services/b/proxy/x", ""},
		{"GET", "/api/v1/nodes/n/proxy/run", ""},
		{"GET", "/api/v1/namespaces/proxy/pods/exec", "GET /api/v1/namespaces/proxy/pods/exec"},
		{"GET", "/api/v1/namespaces/services/pods/proxy", "GET /api/v1/namespaces/services/pods/proxy"},
	} {
		seen = nil
		req, err := http.NewRequestWithContext(t.Context(), tc.method, server.URL+tc.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		res, err := hc.Do(req)
		if err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
		if got := strings.Join(seen, ", "); got != tc.want || (err != nil) != (tc.want == "") || err != nil && !errors.Is(err, ErrWrite) {
			t.Errorf("%s %s: the server saw %q, want %q; error %v", tc.method, tc.path, got, tc.want, err)
		}
	}
}

// entry is one managedFields entry; fields in its own JSON form.
func entry(manager, operation, subresource string, hour int, fields string) metav1.ManagedFieldsEntry {
	at := metav1.NewTime(time.Date(2030, 1, 1, hour, 0, 0, 0, time.UTC))
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationType(operation), Subresource: subresource, Time: &at,
		APIVersion: "apps/v1", FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}
}

const liveDeployment = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  finalizers: [a.test/x]
  annotations: {a.test/b~c: "1"}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    spec:
      containers:
      - name: sidecar
        image: s:1
      - name: web
        image: w:2
        args: [one, two]
        ports: [{containerPort: 80, protocol: TCP}]
        env: [{name: A, value: "1"}]
`

func TestLastWriter(t *testing.T) {
	t.Parallel()
	live := manifest(t, liveDeployment)
	container := func(inner string) string {
		return `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":` + inner + `}}}}}`
	}
	live.SetManagedFields([]metav1.ManagedFieldsEntry{
		entry("dualtrack", "Apply", "", 9, container(`{".":{},"f:name":{},"f:image":{},"f:args":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}}}`)),
		entry("early", "Update", "", 1, container(`{"f:image":{}}`)),
		entry("late", "Update", "", 2, container(`{"f:image":{}}`)),
		entry("kubectl", "Update", "scale", 3, `{"f:spec":{"f:replicas":{}}}`),
		entry("kube-controller-manager", "Update", "status", 8, `{"f:status":{},"f:spec":{"f:replicas":{}}}`),
		entry("annotator", "Update", "", 4, `{"f:metadata":{"f:annotations":{"f:a.test/b~c":{}},"f:finalizers":{"v:\"a.test/x\"":{}}}}`),
		entry("envoyer", "Update", "", 5, container(`{"f:env":{".":{},"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}}`)),
		entry("garbage", "Update", "", 7, `{"x":1}`),
	})
	for _, tc := range []struct{ name, pointer, want string }{
		{"newest of others", "/spec/template/spec/containers/1/image", "late Update"},
		{"scale subresource", "/spec/replicas", "kubectl Update scale"},
		{"only ours", "/spec/template/spec/containers/1/ports/0/containerPort", "dualtrack Apply"},
		{"inside an atomic list", "/spec/template/spec/containers/1/args/0", "dualtrack Apply"},
		{"a whole that others own part of", "/spec/template/spec/containers", "envoyer Update"},
		{"keyed item", "/spec/template/spec/containers/1/env/0/value", "envoyer Update"},
		{"set value", "/metadata/finalizers/0", "annotator Update"},
		{"escaped", "/metadata/annotations/a.test~1b~0c", "annotator Update"},
		{"another item", "/spec/template/spec/containers/0/image", ""},
		{"deleted", "/spec/template/spec/containers/1/resources", ""},
		{"no index", "/spec/template/spec/containers/-/image", ""},
		{"beyond the end", "/spec/template/spec/containers/7/image", ""},
		{"no pointer", "spec/replicas", ""},
	} {
		w := LastWriter(live, tc.pointer)
		got := strings.TrimSpace(w.Manager + " " + w.Operation + " " + w.Subresource)
		if got != tc.want {
			t.Errorf("%s: %s: writer %q, want %q", tc.name, tc.pointer, got, tc.want)
		}
		if (tc.want == "") != w.Time.IsZero() {
			t.Errorf("%s: time %v", tc.name, w.Time)
		}
	}
	wiped := manifest(t, liveDeployment)
	if w := LastWriter(wiped, "/spec/replicas"); w != (Writer{}) {
		t.Errorf("wiped managedFields: %+v, want unknown", w)
	}
	if w := Creator(live); w.Manager != "envoyer" {
		t.Errorf("creator %+v, want the newest that is not ours", w)
	}
}

func FuzzLastWriter(f *testing.F) {
	f.Add("/spec/template/spec/containers/1/image", `{"f:spec":{"f:replicas":{}}}`)
	f.Add("/metadata/annotations/a.test~1b~0c", `{"f:metadata":{"f:finalizers":{"v:\"a\"":{}}}}`)
	f.Add("/spec/template/spec/containers/0", `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":{}}}}}}`)
	f.Add("//~/~2/-1", `{"i:5":{},"k:{}":{},"v:":{}}`)
	live := manifest(f, liveDeployment)
	f.Fuzz(func(t *testing.T, pointer, fields string) {
		u := live.DeepCopy()
		// The API server stores JSON only, and answers are decoded before this.
		if !json.Valid([]byte(fields)) {
			fields = `{}`
		}
		u.SetManagedFields([]metav1.ManagedFieldsEntry{entry("someone", "Update", "", 1, fields)})
		w := LastWriter(u, pointer)
		segments, err := splitPointer(pointer)
		if w != (Writer{}) && (err != nil || !holds(u.Object, segments)) {
			t.Errorf("%s: %+v wrote a field that is not there", pointer, w)
		}
	})
}

func TestCompare(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, want, have string
		fields           []Field
	}{
		{"equal", "a: {b: [1, 2]}", "a: {b: [1, 2]}", nil},
		{"absent and empty", "a: {}\nb: []\nc: null", "d: {}", nil},
		{"value", "a: {b: 1}", "a: {b: 2}", []Field{{Pointer: "/a/b", Want: int64(1), Have: int64(2)}}},
		{"escaped", "a: {x/y~z: 1}", "a: {}", []Field{{Pointer: "/a/x~1y~0z", Want: int64(1)}}},
		{"added", "a: {}", "a: {b: c}", []Field{{Pointer: "/a/b", Have: "c"}}},
		{"item by index", "a: [1, 2]", "a: [1, 3]", []Field{{Pointer: "/a/1", Want: int64(2), Have: int64(3)}}},
		{"list got longer", "a: [1]", "a: [1, 3]", []Field{{Pointer: "/a", Want: []any{int64(1)}, Have: []any{int64(1), int64(3)}}}},
		{
			"named items in another order", "a: [{name: p, v: 1}, {name: q, v: 2}, {name: gone}]", "a: [{name: new}, {name: q, v: 3}, {name: p, v: 1}]",
			[]Field{
				{Pointer: "/a/0", Have: map[string]any{"name": "new"}},
				{Pointer: "/a/1/v", Want: int64(2), Have: int64(3)},
				{Pointer: "/a/2", Want: map[string]any{"name": "gone"}},
			},
		},
		{"another type", "a: 1", "a: {b: 1}", []Field{{Pointer: "/a", Want: int64(1), Have: map[string]any{"b": int64(1)}}}},
	} {
		wrap := func(text string) any {
			return manifest(t, "apiVersion: v1\nkind: X\nspec:\n  "+strings.ReplaceAll(text, "\n", "\n  ")).Object["spec"]
		}
		if diff := cmp.Diff(tc.fields, Compare(wrap(tc.want), wrap(tc.have))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
	if got := CompareExactly(map[string]any{"a": nil}, map[string]any{"a": []any{}}); len(got) != 1 {
		t.Errorf("exactly: %v, want the empty list told from null", got)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	t.Parallel()
	live := manifest(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s, labels: {a: b}, annotations: {kubectl.kubernetes.io/last-applied-configuration: hush}}\ndata: {k: aHVzaA==}\n")
	fields := Explain([]Field{
		{Pointer: "/data/k", Want: "hush", Have: "hush"},
		{Pointer: "/data", Want: map[string]any{"k": "hush"}, Have: map[string]any{"k": "hush"}},
		{Pointer: "", Want: map[string]any{"data": "hush"}},
		{Pointer: "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration", Have: "hush"},
		{Pointer: "/metadata/labels/a", Want: "shown", Have: "b"},
	}, live)
	raw, err := json.Marshal([]any{fields, MaskSecret(live)})
	if err != nil {
		t.Fatal(err)
	}
	if text := string(raw); strings.Contains(text, "hush") || strings.Contains(text, "aHVzaA") || !strings.Contains(text, "shown") {
		t.Errorf("not masked, or too much: %s", text)
	}
	if live.Object["data"].(map[string]any)["k"] != "aHVzaA==" {
		t.Error("the live object itself was changed")
	}
}

func TestDriftJoinsTheTracks(t *testing.T) {
	t.Parallel()
	ref := func(name string) finding.Object {
		return finding.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: "a", Name: name}
	}
	in := Input{
		Objects: []render.Object{{Unstructured: manifest(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one, namespace: a}\n")}},
		Live:    newLive(),
	}
	one, two := Field{Pointer: "/data/a"}, Field{Pointer: "/data/b"}
	got := Drift(in,
		[]Verdict{{Track: Flux, Object: ref("one"), Sync: Differs, Fields: []Field{one}}, {Track: Flux, Object: ref("same"), Sync: InSync}, {Track: Flux, Object: ref("old"), Sync: Extra}},
		[]Verdict{{Track: Argo, Object: ref("one"), Sync: InSync, Fields: []Field{two, one}}, {Track: Argo, Object: ref("gone"), Sync: Missing}, {Track: Argo, Object: ref("who knows"), Sync: SyncUnknown}},
	)
	var text []string
	for _, d := range got {
		text = append(text, d.Object.Name+" "+string(d.Class))
	}
	if diff := cmp.Diff([]string{"one differs", "old extra", "gone missing"}, text); diff != "" {
		t.Fatalf("drift (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Field{one, two}, got[0].Fields); diff != "" || got[0].Desired == nil || len(got[0].Verdicts) != 2 {
		t.Errorf("joined %+v (-want +got):\n%s", got[0], diff)
	}
}

func TestInputExtraIgnoresVersions(t *testing.T) {
	t.Parallel()
	in := Input{
		Objects:   []render.Object{{Unstructured: manifest(t, "apiVersion: apps/v2\nkind: Deployment\nmetadata: {name: a, namespace: b}\n")}},
		Inventory: []finding.Object{{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "b", Name: "a"}, {APIVersion: "v1", Kind: "Secret", Namespace: "b", Name: "a"}},
	}
	if got := in.Extra(); len(got) != 1 || got[0].Kind != "Secret" {
		t.Errorf("extra %v", got)
	}
}
