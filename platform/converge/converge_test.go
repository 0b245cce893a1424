package converge

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

func TestConvergesAndThenWritesNothing(t *testing.T) {
	alone(t)
	a, spy := counted(access(t))
	l := loop(t, func(c *Config) { c.Access = a })
	later := manifest(t, configMap("conv", "late", "a: b"))
	later.Stage = 1
	b := bundleOf(t, "sha256:conv", namespaceOf("conv"), deployment("conv", "web", "replicas: 2"),
		"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: conv}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n")
	b.Objects = append(b.Objects, later)
	out := converged(t, l, b)
	if out.Apply == nil || out.Applied != b.Digest || len(out.Verdicts[track.Flux]) != 4 || len(out.Verdicts[track.Argo]) != 4 {
		t.Errorf("outcome %+v", out)
	}
	before := spy.writes.Load()
	again := converged(t, l, b)
	if n := spy.writes.Load() - before; n != 0 || again.Apply != nil {
		t.Errorf("the second run sent %d mutating requests and applied %v", n, again.Apply)
	}
}

const driftAutoscaler = `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: scaled, namespace: drift}
spec: {minReplicas: 1, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: scaled}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}
`

// TestDrift is what people and programs do to a cluster, and what is told of it.
func TestDrift(t *testing.T) {
	c := alone(t)
	l := loop(t, nil)
	b := bundleOf(t, "sha256:drift", namespaceOf("drift"), deployment("drift", "web", "replicas: 2"), configMap("drift", "settings", "a: b"),
		"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: drift}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: drift}\nstringData: {password: swordfish}\n",
		deployment("drift", "scaled", "replicas: 2"), driftAutoscaler)
	converged(t, l, b)
	begin := time.Now().Add(-time.Second)

	scale := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "autoscaling/v1", "kind": "Scale", "spec": map[string]any{"replicas": int64(3)}}}
	if err := c.SubResource("scale").Update(t.Context(), b.Objects[1].DeepCopy(), client.WithSubResourceBody(scale), client.FieldOwner("a-person")); err != nil {
		t.Fatal(err)
	}
	patchAs(t, c, "a-script", b.Objects[2], `{"data":{"a":"changed"}}`)
	patchAs(t, c, "a-script", b.Objects[4], `{"data":{"password":"bWFja2VyZWw="}}`)
	patchAs(t, c, "an-autoscaler", b.Objects[5], `{"spec":{"replicas":5}}`)
	if err := errors.Join(c.Delete(t.Context(), b.Objects[3].DeepCopy()),
		c.Create(t.Context(), manifest(t, configMap("drift", "stray", "a: b")).Unstructured, client.FieldOwner("a-passer-by"))); err != nil {
		t.Fatal(err)
	}

	out, drift, err := l.Drift(t.Context(), Fixed(b))
	if err != nil || out.Converged {
		t.Fatalf("drift: %v, converged %v", err, out.Converged)
	}
	var got []string
	for _, d := range drift {
		line := d.Object.String() + " " + string(d.Class)
		for _, f := range fieldsOf(d.Fields) {
			line += " " + f
		}
		if d.Writer.Manager != "" {
			line += " by " + d.Writer.Manager
		}
		got = append(got, line)
		for _, f := range d.Fields {
			// The API server notes no time for writes through the scale subresource.
			if f.Writer.Subresource == "" && f.Writer.Time.Before(begin) {
				t.Errorf("%s %s: written at %s", d.Object, f.Pointer, f.Writer.Time)
			}
		}
	}
	want := []string{
		"Deployment drift/web differs /spec/replicas by a-person Update scale",
		"ConfigMap drift/settings differs /data/a by a-script Update",
		"Service drift/web missing",
		"Secret drift/keys differs /data/password by a-script Update",
		"ConfigMap drift/stray unmanaged by a-passer-by",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("drift (-want +got):\n%s", diff)
	}
	checkDriftWords(t, out, drift, b)
	checkMended(t, c, l, b)
	converged(t, l, bundleOf(t, "sha256:drift-end", namespaceOf("drift")))
}

// checkDriftWords holds both tracks' words, and that no Secret's value is told.
func checkDriftWords(t *testing.T, out *Outcome, drift []track.Drifted, b *render.Bundle) {
	t.Helper()
	for _, name := range []track.Name{track.Flux, track.Argo} {
		for i, want := range map[int]string{2: "differs, healthy", 3: "missing, missing", 5: "in sync, ", 6: "in sync, not judgeable here"} {
			if got := words(out, name, b.Objects[i].Ref()); !strings.HasPrefix(got, want) {
				t.Errorf("%s on %s: %q, want %q", name, b.Objects[i].Ref(), got, want)
			}
		}
	}
	for _, d := range drift {
		for _, f := range d.Fields {
			if f.Have == "bWFja2VyZWw=" || f.Want == "bWFja2VyZWw=" {
				t.Error("a Secret's value is shown")
			}
		}
	}
}

// checkMended applies again: what the bundle owns is as it was, what it does not
// own is still there.
func checkMended(t *testing.T, c client.Client, l *Loop, b *render.Bundle) {
	t.Helper()
	out := converged(t, l, b)
	acts := map[string]apply.Action{}
	for _, change := range out.Apply.Changes {
		acts[change.Object.String()] = change.Action
	}
	wantActs := map[string]apply.Action{
		"Namespace drift": apply.Unchanged, "Deployment drift/web": apply.Configured, "ConfigMap drift/settings": apply.Configured,
		"Service drift/web": apply.Created, "Secret drift/keys": apply.Configured,
		"Deployment drift/scaled": apply.Unchanged, "HorizontalPodAutoscaler drift/scaled": apply.Unchanged,
	}
	if diff := cmp.Diff(wantActs, acts); diff != "" {
		t.Errorf("mended (-want +got):\n%s", diff)
	}
	if err := c.Get(t.Context(), client.ObjectKey{Namespace: "drift", Name: "stray"}, manifest(t, configMap("drift", "stray", "")).Unstructured); err != nil {
		t.Errorf("the unmanaged object: %v", err)
	}
}

func TestExtraAndKept(t *testing.T) {
	alone(t)
	l := loop(t, nil)
	b := bundleOf(t, "sha256:extra", namespaceOf("extra"), configMap("extra", "one", "a: b"), namespaceOf("extra-2"))
	converged(t, l, b)
	less := bundleOf(t, "sha256:extra-less", namespaceOf("extra"))
	out, err := l.Judge(t.Context(), Fixed(less))
	if err != nil || out.Converged {
		t.Fatalf("judge: %v, converged %v with extra objects", err, out.Converged)
	}
	for _, name := range []track.Name{track.Flux, track.Argo} {
		for _, i := range []int{1, 2} {
			if got := words(out, name, b.Objects[i].Ref()); got != "extra, healthy" {
				t.Errorf("%s on %s: %s", name, b.Objects[i].Ref(), got)
			}
		}
	}
	less.NotRendered = []render.NotRendered{{Component: "test", Err: errors.New("broken")}}
	out, err = l.Judge(t.Context(), Fixed(less))
	if err != nil || out.Converged || len(out.Verdicts[track.Flux]) != 1 {
		t.Errorf("not rendered: %v, converged %v, %d verdicts", err, out.Converged, len(out.Verdicts[track.Flux]))
	}
	less.NotRendered = nil
	out = converged(t, l, less)
	if len(out.Kept) != 1 || out.Kept[0].Object != b.Objects[2].Ref() {
		t.Errorf("kept %+v, want the namespace", out.Kept)
	}
}

func TestUnschedulable(t *testing.T) {
	alone(t)
	l := loop(t, func(c *Config) { c.Timeout = 6 * time.Second })
	stuck := strings.Replace(deployment("stuck", "big", "replicas: 1"), "10m", "1000", 1)
	b := bundleOf(t, "sha256:stuck", namespaceOf("stuck"), stuck)
	out, err := l.Run(t.Context(), Fixed(b))
	if err != nil || out.Converged || !out.Reachable {
		t.Fatalf("run: %v, converged %v, reachable %v", err, out.Converged, out.Reachable)
	}
	if len(out.Waiting) != 1 || !strings.Contains(out.Waiting[0].Why, "nodes are available") {
		t.Errorf("waiting %+v, want the scheduler's words", out.Waiting)
	}
	converged(t, loop(t, nil), bundleOf(t, "sha256:unstuck", namespaceOf("stuck")))
}

func TestRefusedForGoodStopsEarly(t *testing.T) {
	alone(t)
	l := loop(t, nil)
	begin := time.Now()
	b := bundleOf(t, "sha256:refused", namespaceOf("refused"), configMap("refused", "fine", "a: b"),
		"apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: refused}\nspec: {ports: [{port: 99999}]}\n")
	out, err := l.Run(t.Context(), Fixed(b))
	if err != nil || out.Converged {
		t.Fatalf("run: %v, converged %v", err, out.Converged)
	}
	if took := time.Since(begin); took > 20*time.Second {
		t.Errorf("it took %s of its minute", took)
	}
	if !errors.Is(out.Err, apply.ErrInvalid) || len(out.Waiting) != 1 || !strings.HasPrefix(out.Waiting[0].Why, "refused: ") {
		t.Errorf("error %v, waiting %+v", out.Err, out.Waiting)
	}
	if got := words(out, track.Argo, b.Objects[1].Ref()); got != "in sync, healthy" {
		t.Errorf("the object beside it: %s", got)
	}
}

// TestUnreachable has a server that takes connections and never answers, as
// under SIGSTOP, and one that is not there.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	gone, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	for name, host := range map[string]string{"silent": silent.Addr().String(), "gone": gone.Addr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := New(Config{Access: cluster.Access{Name: "lost", Config: &rest.Config{Host: "http://" + host}}, RequestTimeout: 300 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(l.Close)
			b := &render.Bundle{Cluster: "lost", Digest: "sha256:x"}
			ran, err := l.Run(t.Context(), Fixed(b))
			judged, err2 := l.Judge(t.Context(), Fixed(b))
			_, _, err3 := l.Drift(t.Context(), Fixed(b))
			if err := errors.Join(err, err2, err3); err != nil {
				t.Fatal(err)
			}
			for _, out := range []*Outcome{ran, judged} {
				if out.Reachable || out.Converged || !errors.Is(out.Err, apply.ErrUnreachable) || len(out.Verdicts) > 0 {
					t.Errorf("outcome %+v, want unreachable and no verdicts", out)
				}
			}
		})
	}
}

func TestCancelled(t *testing.T) {
	alone(t)
	l := loop(t, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	stuck := strings.Replace(deployment("cancelled", "big", "replicas: 1"), "10m", "1000", 1)
	begin := time.Now()
	_, err := l.Run(ctx, Fixed(bundleOf(t, "sha256:cancelled", namespaceOf("cancelled"), stuck)))
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 10*time.Second {
		t.Errorf("error %v after %s", err, time.Since(begin))
	}
	converged(t, l, bundleOf(t, "sha256:cancelled-end", namespaceOf("cancelled")))
}

// eighty is a bundle of the size of a site's.
func eighty(t testing.TB) *render.Bundle {
	var texts []string
	for _, ns := range []string{"bench-1", "bench-2", "bench-3", "bench-4"} {
		texts = append(texts, namespaceOf(ns))
		for _, n := range []string{"a", "b", "c", "d"} {
			texts = append(texts, configMap(ns, n, "a: b"), deployment(ns, n, "replicas: 0"),
				"apiVersion: v1\nkind: Service\nmetadata: {name: "+n+", namespace: "+ns+"}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
				"apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: "+n+", namespace: "+ns+"}\n")
		}
		for _, n := range []string{"r1", "r2", "r3"} {
			texts = append(texts, "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: "+n+", namespace: "+ns+"}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n")
		}
	}
	return bundleOf(t, "sha256:eighty", texts...)
}

// BenchmarkJudge judges 80 objects by both tracks.
func BenchmarkJudge(b *testing.B) {
	alone(b)
	l := loop(b, nil)
	bundle := eighty(b)
	converged(b, l, bundle)
	for b.Loop() {
		out, err := l.Judge(b.Context(), Fixed(bundle))
		if err != nil || !out.Converged {
			b.Fatalf("%v %+v", err, out.Waiting)
		}
	}
	b.StopTimer()
	converged(b, l, bundleOf(b, "sha256:eighty-end", slices.Collect(func(yield func(string) bool) {
		for _, ns := range []string{"bench-1", "bench-2", "bench-3", "bench-4"} {
			if !yield(namespaceOf(ns)) {
				return
			}
		}
	})...))
}
