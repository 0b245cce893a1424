package converge

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/cluster/embedded"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
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

// lacks is what simulated nodes lack.
func lacks() []cluster.Ability {
	return []cluster.Ability{cluster.RunsPods, cluster.MetricsAPI, cluster.Volumes}
}

// manifest reads one manifest.
func manifest(t testing.TB, text string) render.Object {
	t.Helper()
	u := &unstructured.Unstructured{}
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		err = u.UnmarshalJSON(raw)
	}
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	return render.Object{Unstructured: u, Component: "test"}
}

func bundleOf(t testing.TB, digest string, texts ...string) *render.Bundle {
	t.Helper()
	b := &render.Bundle{Cluster: "c1", Digest: digest}
	for _, text := range texts {
		b.Objects = append(b.Objects, manifest(t, text))
	}
	return b
}

func namespaceOf(name string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {pod-security.kubernetes.io/enforce: baseline}}\n"
}

func configMap(namespace, name, data string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: %s}\ndata: {%s}\n", name, namespace, data)
}

func deployment(namespace, name, more string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  %[3]s
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec:
      containers:
      - {name: web, image: "registry.test/web:1", env: [{name: A, value: "1"}], resources: {requests: {cpu: 10m}}}
`, namespace, name, more)
}

func loop(t testing.TB, change func(*Config)) *Loop {
	t.Helper()
	config := Config{Access: access(t), Lacks: lacks(), Settle: 300 * time.Millisecond, Interval: 100 * time.Millisecond, Timeout: 60 * time.Second}
	if change != nil {
		change(&config)
	}
	l, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

// converged runs the loop and fails the test unless the cluster converges.
func converged(t testing.TB, l *Loop, b *render.Bundle) *Outcome {
	t.Helper()
	out, err := l.Run(t.Context(), Fixed(b))
	if err != nil || !out.Converged {
		t.Fatalf("converge to %s: %v, %+v, %v", b.Digest, err, out.Waiting, out.Err)
	}
	return out
}

// turn is held by the test that uses the cluster's one inventory.
var turn = make(chan struct{}, 1)

// writer is a client of somebody else.
func writer(t testing.TB) client.Client {
	t.Helper()
	c, err := client.New(apply.Tune(access(t).Config, 30*time.Second), client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// alone gives the test the inventory, and leaves none behind.
func alone(t testing.TB) client.Client {
	t.Helper()
	c := writer(t)
	turn <- struct{}{}
	t.Cleanup(func() {
		cm := manifest(t, configMap(apply.InventoryNamespace, apply.InventoryName, "")).Unstructured
		if err := client.IgnoreNotFound(c.Delete(context.Background(), cm)); err != nil {
			t.Error(err)
		}
		<-turn
	})
	return c
}

func patchAs(t testing.TB, c client.Client, manager string, o render.Object, patch string) {
	t.Helper()
	u := o.DeepCopy()
	if err := c.Patch(t.Context(), u, client.RawPatch("application/strategic-merge-patch+json", []byte(patch)), client.FieldOwner(manager)); err != nil {
		t.Fatalf("patch %s as %s: %v", o.Ref(), manager, err)
	}
}

// counter counts the requests that write.
type counter struct {
	next   http.RoundTripper
	writes atomic.Int64
}

func (c *counter) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method != http.MethodGet && req.URL.Query().Get("dryRun") == "" {
		c.writes.Add(1)
	}
	return c.next.RoundTrip(req)
}

func counted(a cluster.Access) (cluster.Access, *counter) {
	c := &counter{}
	a.Config = rest.CopyConfig(a.Config)
	a.Config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		c.next = next
		return c
	})
	return a, c
}

// words are a track's word on an object: sync and health.
func words(out *Outcome, name track.Name, o finding.Object) string {
	for _, v := range out.Verdicts[name] {
		if v.Object == o {
			return string(v.Sync) + ", " + string(v.Health)
		}
	}
	return "no verdict"
}

func fieldsOf(fields []track.Field) []string {
	var out []string
	for _, f := range fields {
		by := strings.TrimSpace(f.Writer.Manager + " " + f.Writer.Operation + " " + f.Writer.Subresource)
		out = append(out, f.Pointer+" by "+by)
	}
	return out
}
