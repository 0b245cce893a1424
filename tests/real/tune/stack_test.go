//go:build real

package tune_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/tests/real/tune"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func programs(t *testing.T) map[string]string {
	t.Helper()
	built, err := tune.Programs(t.Context(), root(t))
	if err != nil {
		t.Fatal(err)
	}
	return built
}

// member is one real member of etcd with a site's settings.
func member(t *testing.T, program string, gogc int) string {
	t.Helper()
	c, err := etcdbench.Start(t.Context(), etcdbench.Setting{Binary: program, Env: []string{fmt.Sprintf("GOGC=%d", gogc)}}, 1, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
	})
	return c.Endpoints[0]
}

type prometheus struct{ *tune.Prometheus }

func startPrometheus(t *testing.T, program, target string) prometheus {
	t.Helper()
	p, err := tune.Watch(t.Context(), program, root(t), target, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("Prometheus: %s", p.Words())
		}
	})
	return prometheus{p}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// firing are the names of the alerts that fire.
func (p prometheus) firing(t *testing.T) []string {
	t.Helper()
	names, err := p.Firing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// fires waits for an alert.
func (p prometheus) fires(t *testing.T, name string, limit time.Duration, exprs ...string) {
	t.Helper()
	begun := time.Now()
	for ; ; time.Sleep(500 * time.Millisecond) {
		if slices.Contains(p.firing(t), name) {
			break
		}
		if time.Since(begun) > limit {
			t.Errorf("%s does not fire in %s", name, limit)
			break
		}
	}
	t.Logf("%s after %s", name, time.Since(begun).Round(time.Second))
	for _, e := range exprs {
		value, err := p.Value(t.Context(), e)
		t.Logf("  %s = %s (%v)", e, value, err)
	}
}
