package apply

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/cluster/embedded"
	"dualtrack.internal/platform/render"
)

// cluster1 is the package's one real cluster. The first test that asks starts
// it, TestMain removes it.
var cluster1 struct {
	once   sync.Once
	access cluster.Access
	err    error
	remove func() error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if cluster1.remove != nil {
		if err := cluster1.remove(); err != nil {
			fmt.Fprintln(os.Stderr, "remove the cluster:", err)
			code = 1
		}
	}
	// Connections that a client keeps for the next request are no leak.
	kept := []goleak.Option{
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"),
		goleak.IgnoreAnyFunction("golang.org/x/net/http2.(*clientConnReadLoop).run"), goleak.IgnoreAnyFunction("net/http.(*http2clientConnReadLoop).run"),
		goleak.IgnoreAnyFunction("k8s.io/klog/v2.(*flushDaemon).run.func1"),
	}
	if err := goleak.Find(kept...); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// access reaches the package's cluster.
func access(t testing.TB) cluster.Access {
	t.Helper()
	cluster1.once.Do(func() {
		dir, err := os.MkdirTemp("", "dualtrack-test-")
		if err != nil {
			cluster1.err = err
			return
		}
		provider, err := embedded.New(embedded.Config{StateDir: dir, Programs: clustertest.Programs(t)})
		if err != nil {
			cluster1.err = err
			return
		}
		cluster1.remove = func() error {
			return errors.Join(provider.Remove(context.Background(), "c1"), os.RemoveAll(dir))
		}
		// The cluster outlives the test that happens to be the first.
		cluster1.access, cluster1.err = provider.Start(context.Background(), clustertest.Spec(t, "c1"), cluster.Events{})
	})
	if cluster1.err != nil {
		t.Fatalf("start the cluster: %v", cluster1.err)
	}
	return cluster1.access
}

// manifest reads one manifest.
func manifest(t testing.TB, component string, stage int, text string) render.Object {
	t.Helper()
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return render.Object{Unstructured: u, Component: component, Stage: stage}
}

// objects reads manifests of one component and stage.
func objects(t testing.TB, manifests ...string) []render.Object {
	t.Helper()
	var out []render.Object
	for _, m := range manifests {
		out = append(out, manifest(t, "test", 0, m))
	}
	return out
}

func bundleOf(digest string, objects ...render.Object) *render.Bundle {
	return &render.Bundle{Cluster: "c1", Digest: digest, Objects: objects}
}

// spy counts and, where told to, fails the requests that write. It stands below
// everything, so it sees what reaches the network.
type spy struct {
	next   http.RoundTripper
	writes atomic.Int64
	// failFrom is the write from which on every request fails; 0 means never.
	failFrom int64
}

func (s *spy) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && req.URL.Query().Get("dryRun") == "" {
		s.writes.Add(1)
	}
	if s.failFrom > 0 && s.writes.Load() >= s.failFrom {
		return nil, context.DeadlineExceeded
	}
	return s.next.RoundTrip(req)
}

// spied is the access with a spy in it.
func spied(a cluster.Access, failFrom int64) (cluster.Access, *spy) {
	s := &spy{failFrom: failFrom}
	a.Config = rest.CopyConfig(a.Config)
	a.Config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		s.next = next
		return s
	})
	return a, s
}

func applier(t testing.TB, a cluster.Access, config Config) *Applier {
	t.Helper()
	out, err := New(a, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Close)
	return out
}

// mustApply applies and fails the test on an error.
func mustApply(t testing.TB, a *Applier, b *render.Bundle, opt Options) *Result {
	t.Helper()
	opt.Timeout = 60 * time.Second
	result, err := a.Apply(t.Context(), b, opt)
	if err != nil {
		t.Fatalf("apply %s: %v", b.Digest, err)
	}
	return result
}

// actions are a result's actions by object.
func actions(r *Result) map[string]Action {
	out := map[string]Action{}
	for _, c := range r.Changes {
		out[c.Object.String()] = c.Action
	}
	return out
}

// get reads an object, nil when it is not there or on its way out.
func get(t testing.TB, a *Applier, o render.Object) *unstructured.Unstructured {
	t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(o.GroupVersionKind())
	err := a.client.Get(t.Context(), client.ObjectKeyFromObject(o), u)
	if client.IgnoreNotFound(err) != nil {
		t.Fatal(err)
	}
	if err != nil || u.GetDeletionTimestamp() != nil {
		return nil
	}
	return u
}

// alone gives the test the cluster's one inventory, and leaves none behind.
func alone(t testing.TB, a *Applier) {
	t.Helper()
	turn <- struct{}{}
	t.Cleanup(func() {
		cm := &unstructured.Unstructured{}
		cm.SetAPIVersion("v1")
		cm.SetKind("ConfigMap")
		cm.SetNamespace(InventoryNamespace)
		cm.SetName(InventoryName)
		if err := client.IgnoreNotFound(a.client.Delete(context.Background(), cm)); err != nil {
			t.Error(err)
		}
		<-turn
	})
}

// turn is held by the test that uses the inventory.
var turn = make(chan struct{}, 1)

// asManager applies or patches as somebody else.
func asManager(t testing.TB, a *Applier, manager string, o render.Object, patch string) {
	t.Helper()
	u := &unstructured.Unstructured{}
	u.SetGroupVersionKind(o.GroupVersionKind())
	u.SetNamespace(o.GetNamespace())
	u.SetName(o.GetName())
	err := a.client.Patch(t.Context(), u, client.RawPatch("application/strategic-merge-patch+json", []byte(patch)), client.FieldOwner(manager))
	if err != nil {
		t.Fatalf("patch as %s: %v", manager, err)
	}
}

func managers(u *unstructured.Unstructured) []string {
	var out []string
	for _, m := range u.GetManagedFields() {
		if m.Operation == metav1.ManagedFieldsOperationApply {
			out = append(out, m.Manager)
		}
	}
	return out
}
