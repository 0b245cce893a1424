package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/fleet"
	"dualtrack.internal/platform/render"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// core is a provider without clusters: each name gives what the test says.
type core struct {
	start  func(ctx context.Context, name string) error // nil starts nothing and succeeds
	access map[string]error
	host   string // of every API server

	mu      sync.Mutex
	started []string
	now     int // starts under way
	most    int
}

func (c *core) Start(ctx context.Context, spec cluster.Spec, events cluster.Events) (cluster.Access, error) {
	name := spec.Cluster.Name
	events.Begin(name, "etcd", 0)
	c.mu.Lock()
	c.started = append(c.started, spec.Fleet+"/"+name+"/"+spec.Kubernetes)
	c.now++
	c.most = max(c.most, c.now)
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}()
	if c.start != nil {
		if err := c.start(ctx, name); err != nil {
			return cluster.Access{Changed: []string{"started etcd-1"}}, err
		}
	}
	return c.reach(name), nil
}

func (c *core) Access(_ context.Context, name string) (cluster.Access, error) {
	if err := c.access[name]; err != nil {
		return cluster.Access{}, fmt.Errorf("cluster %s: %w", name, err)
	}
	return c.reach(name), nil
}

func (c *core) reach(name string) cluster.Access {
	return cluster.Access{Name: name, Config: &rest.Config{Host: c.host}, Lacks: c.Lacks(nil)}
}

func (*core) Stop(context.Context, string) error   { return nil }
func (*core) Remove(context.Context, string) error { return nil }
func (*core) Knows(string) bool                    { return false }

func (*core) Lacks(*catalog.Cluster) []cluster.Ability { return []cluster.Ability{cluster.RunsPods} }

// silent is the address of a port on which nobody listens.
func silent(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return "http://" + l.Addr().String()
}

func bundles(names ...string) []*render.Bundle {
	var all []*render.Bundle
	for _, name := range names {
		all = append(all, &render.Bundle{Cluster: name, Digest: "sha256:1"})
	}
	return all
}

// told collects events.
type told struct {
	mu   sync.Mutex
	done []string
}

func (d *told) events() fleet.Events {
	return fleet.Events{Done: func(cluster, text string) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.done = append(d.done, cluster+": "+text)
	}}
}

func driver(c *core, change func(*fleet.Config)) *fleet.Driver {
	cat := &catalog.Catalog{Fleet: &catalog.Fleet{Name: "shop"}, Baseline: &catalog.Baseline{}}
	cat.Baseline.Spec.Kubernetes = "v1.99.0"
	for _, name := range []string{"a", "b", "c", "d"} {
		cat.Clusters = append(cat.Clusters, &catalog.Cluster{Name: name})
	}
	config := fleet.Config{Catalog: cat, Core: c, Timeout: time.Minute, RequestTimeout: 5 * time.Second}
	if change != nil {
		change(&config)
	}
	return fleet.New(config)
}

// outcome is what a test compares of a fleet.Outcome.
type outcome struct {
	Cluster                 string
	NotRunning, Unreachable bool
	Judged, Reachable       bool
	Err                     string
}

func short(all []fleet.Outcome) []outcome {
	var out []outcome
	for _, o := range all {
		s := outcome{Cluster: o.Cluster, NotRunning: o.NotRunning, Unreachable: o.Unreachable, Judged: o.Converge != nil}
		if o.Converge != nil {
			s.Reachable = o.Converge.Reachable
		}
		if o.Err != nil {
			s.Err = o.Err.Error()
		}
		out = append(out, s)
	}
	return out
}

// TestUpGoesOn: a cluster that does not start, and one that starts and does not
// answer, stop none of the others.
func TestUpGoesOn(t *testing.T) {
	t.Parallel()
	var heard told
	c := &core{host: silent(t), start: func(_ context.Context, name string) error {
		switch name {
		case "a":
			return errors.New("the disk is full")
		case "b":
			return fmt.Errorf("cluster b: %w", cluster.ErrUnreachable)
		}
		return nil
	}}
	got, err := driver(c, func(f *fleet.Config) { f.Events = heard.events() }).Up(t.Context(), bundles("a", "b", "c"))
	if err != nil {
		t.Fatal(err)
	}
	want := []outcome{
		{Cluster: "a", Err: "the disk is full"},
		{Cluster: "b", Unreachable: true, Err: "cluster b: the cluster does not answer"},
		{Cluster: "c", Judged: true},
	}
	if diff := cmp.Diff(want, short(got)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"started etcd-1"}, got[0].Started); diff != "" {
		t.Errorf("what the failed start began (-want +got):\n%s", diff)
	}
	if _, ok := got[0].Took["start"]; !ok {
		t.Errorf("a failed start took %v", got[0].Took)
	}
	slices.Sort(c.started)
	if diff := cmp.Diff([]string{"shop/a/v1.99.0", "shop/b/v1.99.0", "shop/c/v1.99.0"}, c.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	slices.Sort(heard.done)
	if diff := cmp.Diff([]string{"a: failed", "b: failed", "c: unreachable"}, heard.done); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestRunningOnly: every command on running clusters tells one that does not
// run, one that does not answer, and a fault apart.
func TestRunningOnly(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*fleet.Driver, context.Context, []*render.Bundle) ([]fleet.Outcome, error){
		"apply": (*fleet.Driver).Apply, "judge": (*fleet.Driver).Judge, "drift": (*fleet.Driver).Drift,
		"plan": (*fleet.Driver).Plan,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var heard told
			c := &core{host: silent(t), access: map[string]error{
				"a": cluster.ErrNotRunning, "b": cluster.ErrUnreachable, "c": errors.New("its kubeconfig is broken"),
			}}
			got, err := run(driver(c, func(f *fleet.Config) { f.Events = heard.events() }), t.Context(), bundles("a", "b", "c", "d"))
			if err != nil {
				t.Fatal(err)
			}
			want := []outcome{
				{Cluster: "a", NotRunning: true},
				{Cluster: "b", Unreachable: true, Err: "cluster b: the cluster does not answer"},
				{Cluster: "c", Err: "cluster c: its kubeconfig is broken"},
				{Cluster: "d", Judged: true},
			}
			if diff := cmp.Diff(want, short(got)); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			slices.Sort(heard.done)
			if diff := cmp.Diff([]string{"a: not running", "b: failed", "c: failed", "d: unreachable"}, heard.done); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if len(c.started) > 0 {
				t.Errorf("started %v", c.started)
			}
		})
	}
}

// TestStartsAreBounded: no more clusters start at once than asked for.
func TestStartsAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &core{start: func(context.Context, string) error {
			<-time.After(time.Second) // by the bubble's clock: all that may start have started
			return errors.New("far enough")
		}}
		if _, err := driver(c, func(f *fleet.Config) { f.Starts = 2 }).Up(t.Context(), bundles("a", "b", "c", "d")); err != nil {
			t.Fatal(err)
		}
		if c.most != 2 || len(c.started) != 4 {
			t.Errorf("%d starts, %d at once; want 4, 2", len(c.started), c.most)
		}
	})
}

// TestCancelled: the end of the context is the command's error and ends every
// cluster's step, also those that wait for their turn.
func TestCancelled(t *testing.T) {
	t.Parallel()
	stop := errors.New("Ctrl-C")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	c := &core{start: func(ctx context.Context, _ string) error {
		cancel(stop)
		<-ctx.Done()
		return context.Cause(ctx)
	}}
	got, err := driver(c, func(f *fleet.Config) { f.Starts = 1 }).Up(ctx, bundles("a", "b", "c"))
	if !errors.Is(err, stop) {
		t.Errorf("error is %v", err)
	}
	for _, o := range got {
		if !errors.Is(o.Err, stop) || o.Converge != nil {
			t.Errorf("%s: %v", o.Cluster, o.Err)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d outcomes", len(got))
	}
}

// TestWaitEnds: waiting for a cluster that never answers ends with the timeout.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	c := &core{host: silent(t)}
	got, err := driver(c, func(f *fleet.Config) { f.Timeout = time.Millisecond }).Wait(t.Context(), bundles("a"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]outcome{{Cluster: "a", Judged: true}}, short(got)); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}
