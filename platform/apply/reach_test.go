package apply

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// silent is a listener that takes connections and never answers, as an API
// server under SIGSTOP does.
func silent(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return "http://" + l.Addr().String()
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = c.Close()
		}
	}))
	t.Cleanup(broken.Close)
	for name, host := range map[string]string{"refused": closed.URL, "silent": silent(t), "hangs up": broken.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := applier(t, cluster.Access{Name: "lost", Config: &rest.Config{Host: host}}, Config{RequestTimeout: 300 * time.Millisecond})
			begin := time.Now()
			_, err := a.Apply(t.Context(), &render.Bundle{Cluster: "lost"}, Options{})
			if !errors.Is(err, ErrUnreachable) {
				t.Errorf("error %v, want %v", err, ErrUnreachable)
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	t.Run("cancelled", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		a := applier(t, cluster.Access{Name: "lost", Config: &rest.Config{Host: silent(t)}}, Config{})
		_, err := a.Apply(ctx, &render.Bundle{Cluster: "lost"}, Options{})
		if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnreachable) {
			t.Errorf("error %v, want cancelled and not unreachable", err)
		}
	})
}

func TestKinds(t *testing.T) {
	t.Parallel()
	gr := schema.GroupResource{Resource: "things"}
	for _, tc := range []struct {
		name string
		err  error
		want error
	}{
		{"forbidden", apierrors.NewForbidden(gr, "x", errors.New("no")), ErrForbidden},
		{"conflict", apierrors.NewConflict(gr, "x", errors.New("moved")), ErrConflict},
		{"invalid", apierrors.NewInvalid(schema.GroupKind{Kind: "Thing"}, "x", nil), ErrInvalid},
		{"server timeout", apierrors.NewServerTimeout(gr, "get", 1), ErrTimeout},
		{"no such thing", apierrors.NewNotFound(gr, "x"), ErrNotServed},
		{"immutable by a webhook", apierrors.NewBadRequest("spec is immutable"), ErrImmutable},
		{"other", apierrors.NewInternalError(errors.New("boom")), nil},
	} {
		o := finding.Object{APIVersion: "v1", Kind: "Thing", Name: "x"}
		got := objectError(o, tc.err)
		if diff := cmp.Diff(tc.want, got.Kind, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
		if !errors.Is(got, tc.err) {
			t.Errorf("%s: the server's error is lost", tc.name)
		}
	}
}

func TestWordsHoldNoSecret(t *testing.T) {
	t.Parallel()
	refused := apierrors.NewBadRequest("data.password: swordfish is no number")
	for kind, shown := range map[string]bool{"ConfigMap": true, "Secret": false} {
		err := objectError(finding.Object{APIVersion: "v1", Kind: kind, Name: "x"}, refused)
		if got := strings.Contains(err.Error(), "swordfish"); got != shown {
			t.Errorf("%s: %v", kind, err)
		}
	}
}
