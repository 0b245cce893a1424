package converge

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// judgeGiven lets both tracks judge one live object in a given state, on a
// server that answers dry runs with the object itself.
func judgeGiven(t *testing.T, live render.Object) *Outcome {
	t.Helper()
	gvk := live.GroupVersionKind()
	resource := metav1.APIResource{
		Name: strings.ToLower(gvk.Kind) + "s", SingularName: strings.ToLower(gvk.Kind), Kind: gvk.Kind,
		Namespaced: live.GetNamespace() != "", Verbs: metav1.Verbs{"get", "list", "patch"},
	}
	version := metav1.GroupVersionForDiscovery{GroupVersion: gvk.GroupVersion().String(), Version: gvk.Version}
	answers := map[string]any{
		"/version": map[string]string{"major": "1"},
		"/api":     metav1.APIVersions{Versions: []string{"v1"}},
		"/api/v1":  metav1.APIResourceList{GroupVersion: "v1"},
		"/apis":    metav1.APIGroupList{},
	}
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList"}, GroupVersion: version.GroupVersion, APIResources: []metav1.APIResource{resource}}
	if gvk.Group == "" {
		answers["/api/v1"] = list
	} else {
		group := metav1.APIGroup{Name: gvk.Group, Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version}
		answers["/apis"] = metav1.APIGroupList{Groups: []metav1.APIGroup{group}}
		answers["/apis/"+gvk.Group] = group
		answers["/apis/"+version.GroupVersion] = list
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.URL.Path]
		switch {
		case strings.HasSuffix(r.URL.Path, "/"+resource.Name+"/"+live.GetName()):
			answer = live.Object
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			answer = metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound}
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	l, err := New(Config{Access: cluster.Access{Name: "given", Config: &rest.Config{Host: server.URL}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	desired := render.Object{Unstructured: live.DeepCopy()}
	delete(desired.Object, "status")
	metadata := desired.Object["metadata"].(map[string]any)
	for _, key := range []string{"deletionTimestamp", "finalizers", "generation"} {
		delete(metadata, key)
	}
	r := &run{loop: l, out: l.outcome(metav1.Now().Time), inventory: apply.Inventory{}}
	if err := r.judge(t.Context(), &render.Bundle{Cluster: "given", Objects: []render.Object{desired}}); err != nil {
		t.Fatal(err)
	}
	for _, v := range r.out.Verdicts[track.Flux] {
		if v.Sync != track.InSync {
			t.Fatalf("flux: %+v", v)
		}
	}
	return r.out
}
