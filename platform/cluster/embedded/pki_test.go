package embedded

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"dualtrack.internal/platform/cluster"
)

func TestEnsurePKI(t *testing.T) {
	t.Parallel()
	now := time.Now()
	day := 24 * time.Hour
	for name, tc := range map[string]struct {
		age    time.Duration // of the certificates at the second look
		fresh  bool
		damage func(layout) error
		want   int    // leaves renewed
		why    string // of the first
		ca     bool
	}{
		"nothing to do":          {age: 300 * day},
		"within 30 days":         {age: 340 * day, want: 12, why: "(expires "},
		"expired":                {age: 400 * day, want: 12, why: "(expired "},
		"asked for":              {fresh: true, want: 12, why: "(asked for)"},
		"authorities near death": {age: 3640 * day, want: 12, why: "(its authority is new)", ca: true},
		"a damaged certificate": {
			damage: func(l layout) error { return os.WriteFile(l.pki("admin.crt"), []byte("x"), 0o600) }, want: 1, why: "admin: renewed (damaged)",
		},
		"a key of another certificate": {
			damage: func(l layout) error { return os.Rename(l.pki("kwok.key"), l.pki("scheduler.key")) }, want: 1, why: "scheduler: renewed (damaged)",
		},
		"a lost authority": {
			damage: func(l layout) error { return os.Remove(l.pki("front-proxy-ca.key")) }, want: 1, why: "front-proxy: renewed (its authority is new)", ca: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := tempLayout(t)
			first, err := l.ensurePKI(now.Add(-tc.age), false)
			if err != nil || len(first.lines) > 0 || !first.authority {
				t.Fatalf("first issue: %+v, %v", first, err)
			}
			account := read(t, l.pki("sa.key"))
			if tc.damage != nil {
				if err := tc.damage(l); err != nil {
					t.Fatal(err)
				}
			}
			got, err := l.ensurePKI(now, tc.fresh)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.lines) != tc.want || got.authority != tc.ca {
				t.Errorf("renewed %d (authority %v), want %d (%v): %v", len(got.lines), got.authority, tc.want, tc.ca, got.lines)
			}
			if tc.want > 0 && !strings.Contains(got.lines[0], tc.why) {
				t.Errorf("renewed %q, want %q", got.lines[0], tc.why)
			}
			if account != read(t, l.pki("sa.key")) {
				t.Error("the service account key changed, which ends every token")
			}
			if again, err := l.ensurePKI(now, false); err != nil || len(again.lines) > 0 || again.authority {
				t.Errorf("a third look renews %+v, %v", again, err)
			}
		})
	}
}

// tempLayout is the folder of a cluster that was never started.
func tempLayout(t *testing.T) layout {
	t.Helper()
	l := layout{name: "c", root: t.TempDir()}
	if err := l.makeFolders(); err != nil {
		t.Fatal(err)
	}
	return l
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// TestSecretsKey refuses to replace a key that something is encrypted with.
func TestSecretsKey(t *testing.T) {
	t.Parallel()
	l := tempLayout(t)
	first, err := cluster.SecretsKey(l.name, l.pki("secrets.key"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := cluster.SecretsKey(l.name, l.pki("secrets.key")); again != first || err != nil {
		t.Errorf("the key changed (%v)", err)
	}
	if err := os.WriteFile(l.pki("secrets.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.SecretsKey(l.name, l.pki("secrets.key")); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("a damaged key answers %v", err)
	}
}

func TestStorageError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"full":      {&os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}, "free disk space"},
		"read-only": {&os.PathError{Op: "open", Path: "f", Err: syscall.EROFS}, "make that folder writable"},
		"forbidden": {&os.PathError{Op: "open", Path: "f", Err: syscall.EACCES}, "make that folder writable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := storage("write x", "/state", tc.err)
			if !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "/state") || !errors.Is(err, tc.err) {
				t.Errorf("error is %q", err)
			}
		})
	}
}
