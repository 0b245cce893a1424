package cluster_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

// counting is a core that notes how many starts run at once.
type counting struct {
	cluster.Core
	mu       sync.Mutex
	now, max int
	gate     chan struct{}
	open     sync.Once
}

var errBroken = errors.New("broken")

func (c *counting) Start(ctx context.Context, spec cluster.Spec, _ cluster.Events) (cluster.Access, error) {
	c.mu.Lock()
	c.now++
	c.max = max(c.max, c.now)
	if c.now == 3 {
		c.open.Do(func() { close(c.gate) }) // as many as may run at once are there
	}
	c.mu.Unlock()
	defer func() { c.mu.Lock(); c.now--; c.mu.Unlock() }()
	select {
	case <-c.gate:
	case <-ctx.Done():
	}
	if spec.Cluster.Name == "c" {
		return cluster.Access{}, errBroken
	}
	return cluster.Access{Name: spec.Cluster.Name}, nil
}

func specs(names ...string) []cluster.Spec {
	var out []cluster.Spec
	for _, n := range names {
		out = append(out, cluster.Spec{Cluster: &catalog.Cluster{Name: n}})
	}
	return out
}

func TestStartAll(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	core := &counting{gate: make(chan struct{})}
	var got []string
	for _, s := range cluster.StartAll(ctx, core, specs("a", "b", "c", "d", "e"), 3, cluster.Events{}) {
		word := "ok"
		if s.Err != nil {
			word = s.Err.Error()
		}
		got = append(got, s.Name+" "+s.Access.Name+" "+word)
	}
	if diff := cmp.Diff([]string{"a a ok", "b b ok", "c  broken", "d d ok", "e e ok"}, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if core.max != 3 {
		t.Errorf("%d at once, want 3", core.max)
	}
}

func TestStartAllCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, s := range cluster.StartAll(ctx, nil, specs("a", "b"), 1, cluster.Events{}) { // a nil core: nothing may start
		if !errors.Is(s.Err, context.Canceled) || s.Name == "" {
			t.Errorf("%+v", s)
		}
	}
}

func TestForEach(t *testing.T) {
	t.Parallel()
	errs := cluster.ForEach(t.Context(), []string{"a", "b", "c"}, 2, func(_ context.Context, name string) error {
		if name == "b" {
			return errBroken
		}
		return nil
	})
	if len(errs) != 3 || errs[0] != nil || !errors.Is(errs[1], errBroken) || errs[2] != nil {
		t.Errorf("errors are %v", errs)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("[+]ping ok"))
			return
		}
		_, _ = w.Write([]byte(r.URL.Path))
	}))
	defer srv.Close()
	access := cluster.Access{Name: "c", Config: &rest.Config{Host: srv.URL}}
	if err := cluster.Wait(t.Context(), access); err != nil || asked.Load() != 3 {
		t.Errorf("asked %d times, %v", asked.Load(), err)
	}
	srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if err := cluster.Wait(ctx, access); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "last answer") {
		t.Errorf("a dead server answers %v", err)
	}
}
