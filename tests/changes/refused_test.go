package changes

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/render"
)

// TestRefused says of each pair whether the API server will refuse the change, and
// asks a real one.
func TestRefused(t *testing.T) {
	api := server(t)
	refused := 0
	for _, p := range pairs() {
		before := object(t, p.object)
		if err := api.apply(t, before); err != nil {
			t.Errorf("%s: the server has not what is to be changed: %v", p.name, err)
			continue
		}
		api.settle(t, before)
		for patch, want := range p.patches {
			name := p.name + ", " + patch
			after := patched(t, before, patch)
			said := predicted(before, after, change.Refused)
			err := api.apply(t, after, metav1.DryRunAll)
			if err != nil && !apierrors.IsInvalid(err) && !apierrors.IsForbidden(err) {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if (err != nil) != want {
				t.Errorf("%s: the table says refused: %v, the server %v", name, want, err)
			}
			if (err != nil) != (len(said) > 0) {
				t.Errorf("%s: said %q, the server %v", name, said, err)
			}
			if err != nil {
				refused++
			}
		}
	}
	count := 0
	for _, p := range pairs() {
		count += len(p.patches)
	}
	count += api.restarts(t) + api.schemas(t)
	if count < 200 {
		t.Errorf("%d pairs: too few", count)
	}
	t.Logf("%d pairs of before and after, %d refused", count, refused)
	if refused < 20 {
		t.Errorf("the server refused %d changes: too few to learn from", refused)
	}
}

func predicted(before, after *unstructured.Unstructured, effect change.Effect) []string {
	bundle := func(u *unstructured.Unstructured) []*render.Bundle {
		return []*render.Bundle{{Cluster: "c", Objects: []render.Object{{Unstructured: u, Component: "test"}}}}
	}
	var out []string
	for _, c := range change.Between(bundle(before), bundle(after)) {
		for _, o := range c.Objects {
			for _, q := range o.Consequences {
				if q.Effect == effect {
					out = append(out, q.Why)
				}
			}
		}
	}
	return out
}

func object(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	u := &unstructured.Unstructured{}
	if err == nil {
		err = u.UnmarshalJSON(data)
	}
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return u
}

// patched applies a merge patch that is written in YAML.
func patched(t *testing.T, u *unstructured.Unstructured, patch string) *unstructured.Unstructured {
	t.Helper()
	was, err := json.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	change, err := yaml.YAMLToJSON([]byte(patch))
	if err != nil {
		t.Fatalf("%v in %s", err, patch)
	}
	now, err := jsonpatch.MergePatch(was, change)
	if err != nil {
		t.Fatal(err)
	}
	out := &unstructured.Unstructured{}
	if err := out.UnmarshalJSON(now); err != nil {
		t.Fatal(err)
	}
	return out
}

// apiServer is a real one.
type apiServer struct {
	client dynamic.Interface
	mapper meta.RESTMapper
}

func server(t *testing.T) apiServer {
	t.Helper()
	config := rest.CopyConfig(clustertest.Substrate(t, "c1").Config)
	config.WarningHandler = rest.NoWarnings{}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	found, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return apiServer{client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(found))}
}

// apply writes an object as the product does.
func (s apiServer) apply(t *testing.T, u *unstructured.Unstructured, dry ...string) error {
	t.Helper()
	_, err := s.applied(t, u, dry...)
	return err
}

// applied is what the API server makes of an object that is applied.
func (s apiServer) applied(t *testing.T, u *unstructured.Unstructured, dry ...string) (*unstructured.Unstructured, error) {
	t.Helper()
	return s.resource(t, u).Apply(t.Context(), u.GetName(), u, metav1.ApplyOptions{FieldManager: "dualtrack", Force: true, DryRun: dry})
}

// settle waits until a definition is established: until then more may change.
func (s apiServer) settle(t *testing.T, u *unstructured.Unstructured) {
	t.Helper()
	if u.GetKind() != "CustomResourceDefinition" {
		return
	}
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		live, err := s.resource(t, u).Get(ctx, u.GetName(), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		conditions, _, _ := unstructured.NestedSlice(live.Object, "status", "conditions")
		return slices.ContainsFunc(conditions, func(c any) bool {
			m, _ := c.(map[string]any)
			return m["type"] == "Established" && m["status"] == "True"
		}), nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (s apiServer) resource(t *testing.T, u *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	gvk := u.GroupVersionKind()
	mapping, err := s.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		t.Fatal(err)
	}
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		return s.client.Resource(mapping.Resource).Namespace(u.GetNamespace())
	}
	return s.client.Resource(mapping.Resource)
}
