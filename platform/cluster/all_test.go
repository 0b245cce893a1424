package cluster_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/cluster"
)

var errBroken = errors.New("broken")

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
