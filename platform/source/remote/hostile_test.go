package remote_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/remote"
)

// pinnedChart is a repository, and a catalog whose lock pins its one chart.
func pinnedChart(t *testing.T) (dir string, cat *catalog.Catalog) {
	t.Helper()
	dir = helmRepository(t, "1.2.3")
	server, _ := serve(t, http.FileServer(http.Dir(dir)))
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
	return dir, locked(t, o, one(catalog.Source{Helm: &catalog.Helm{Repo: server.URL, Chart: "app", Version: "1.2.3"}}, nil))
}

// aim lets the lock fetch from another server.
func aim(cat *catalog.Catalog, address string) {
	pin := cat.Lock.Spec.Sources["app"]
	pin.URL = address
	cat.Lock.Spec.Sources["app"] = pin
}

// TestHostileServers: whatever a server sends in place of what is pinned is
// refused in its words, within the deadline, and leaves nothing behind.
func TestHostileServers(t *testing.T) {
	t.Parallel()
	dir, cat := pinnedChart(t)
	chart, err := os.ReadFile(filepath.Join(dir, "app-1.2.3.tgz"))
	if err != nil {
		t.Fatal(err)
	}
	swapped := bytes.Clone(chart)
	swapped[len(swapped)/2] ^= 1
	cases := []struct {
		name  string
		serve http.HandlerFunc
		want  string
	}{
		{"another byte", bytesOf(swapped), fmt.Sprintf("platform.lock:8:5: spec.sources.app: pins %d bytes of sha256:", len(chart))},
		{"short", bytesOf(chart[:len(chart)-9]), fmt.Sprintf("gives %d bytes of sha256:", len(chart)-9)},
		{"truncated", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(chart)))
			_, _ = w.Write(chart[:9])
		}, "the connection ended after 9 bytes"},
		{"one more", bytesOf(append(bytes.Clone(chart), 0)), fmt.Sprintf("gives more than %d bytes", len(chart))},
		{"without end", func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, fmt.Sprintf("gives more than %d bytes", len(chart))},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "sent nothing for 300ms"},
		{"hangs in the middle", func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write(chart[:9])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, "sent nothing for 300ms"},
		{"a byte now and then", func(w http.ResponseWriter, r *http.Request) {
			for i := 0; r.Context().Err() == nil; i++ {
				_, _ = w.Write(chart[i : i+1])
				_ = http.NewResponseController(w).Flush()
				select {
				case <-r.Context().Done():
				case <-time.After(100 * time.Millisecond):
				}
			}
		}, "took longer than 1s"},
		{"gone", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }, "answers 410 Gone to https://"},
		{"busy for good", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "answers 503 Service Unavailable"},
		{"to HTTP", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+r.Host+"/x", http.StatusFound)
		}, "is redirected to http://127.0.0.1"},
		{"round and round", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path+"x", http.StatusFound)
		}, "is redirected more than 5 times"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server, _ := serve(t, c.serve)
			o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server), Stall: 300 * time.Millisecond, Timeout: time.Second}
			hostile := one(cat.Components["app"].Spec.Source, copied(cat.Lock))
			aim(hostile, server.URL+"/app.tgz")
			begun := time.Now()
			_, err := read(t, o, hostile)
			if !strings.Contains(errText(err), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("took %s", took)
			}
			if left := tree(t, o.CacheDir); len(left) != 0 {
				t.Errorf("the cache holds %q", left)
			}
		})
	}
}

func bytesOf(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) }
}

func copied(l *catalog.Lock) *catalog.Lock {
	out := *l
	out.Spec.Sources = map[string]catalog.LockedSource{}
	for name, pin := range l.Spec.Sources {
		out.Spec.Sources[name] = pin
	}
	return &out
}

// TestHostileArchives: an archive that is bad is never pinned, and where a lock
// pins one all the same it is not used.
func TestHostileArchives(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		entry tar.Header
		want  string
	}{
		{"zip slip", tar.Header{Typeflag: tar.TypeReg, Name: "app/../../x", Size: 1}, "which is no path within it"},
		{"symlink", tar.Header{Typeflag: tar.TypeSymlink, Name: "app/values.yaml", Linkname: "/etc/passwd"}, "a link to"},
		{"hard link", tar.Header{Typeflag: tar.TypeLink, Name: "app/values.yaml", Linkname: "app/Chart.yaml"}, "a link to"},
		{"device", tar.Header{Typeflag: tar.TypeBlock, Name: "app/disk"}, "which is no plain file"},
		{"bomb", tar.Header{Typeflag: tar.TypeReg, Name: "app/zero", Size: 5 << 20}, "unpacks to more than 200 times its size"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			data := archived(t, tar.Header{Typeflag: tar.TypeReg, Name: "app/Chart.yaml", Size: 5}, c.entry)
			server, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "index.yaml") {
					fmt.Fprint(w, "apiVersion: v1\nentries:\n  app:\n  - {name: app, version: 1.2.3, urls: [app.tgz]}\n")
					return
				}
				_, _ = w.Write(data)
			}))
			o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
			store := remote.New(o)
			t.Cleanup(store.Close)
			cat := one(catalog.Source{Helm: &catalog.Helm{Repo: server.URL, Chart: "app", Version: "1.2.3"}}, nil)
			if _, err := store.Lock(t.Context(), cat, remote.LockOptions{}); !strings.Contains(errText(err), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			if left := tree(t, o.CacheDir); len(left) != 0 {
				t.Errorf("the cache holds %q", left)
			}
		})
	}
}

func archived(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	for _, h := range headers {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestCredentials: they go to their own host and port, and no further; no error
// shows them.
func TestCredentials(t *testing.T) {
	t.Parallel()
	const secret = "canary-8f2"
	dir, cat := pinnedChart(t)
	var handed atomic.Value
	other, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handed.Store(r.Header.Get("Authorization"))
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	server, seen := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != secret {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
	}))
	home := t.TempDir()
	netrc := "# a comment\nmachine elsewhere.example login x password y\nmachine 127.0.0.1\n  login me\n  password " + secret + "\ndefault login z password z\n"
	if err := os.WriteFile(filepath.Join(home, ".netrc"), []byte(netrc), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"HOME": home}[name] }
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server), Getenv: getenv}
	aim(cat, server.URL+"/app-1.2.3.tgz")
	if _, err := read(t, o, cat); err != nil {
		t.Errorf("with a login: %v", err)
	}
	if diff := cmp.Diff([]string{"me"}, seen.auth); diff != "" {
		t.Errorf("logins (-want +got):\n%s", diff)
	}
	if got := handed.Load(); got != "" {
		t.Errorf("the other server was handed %q", got)
	}
	for name, wrong := range map[string]func(string) string{
		"no login": nil,
		"another": func(string) string {
			file := filepath.Join(t.TempDir(), "netrc")
			if err := os.WriteFile(file, []byte("default login me password wrong-"+secret), 0o600); err != nil {
				t.Error(err)
			}
			return file
		},
	} {
		o.CacheDir, o.Getenv = t.TempDir(), wrong
		_, err := read(t, o, cat)
		if !strings.Contains(errText(err), "401 Unauthorized") || !strings.Contains(errText(err), ".netrc") || strings.Contains(errText(err), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRegistryCredentials: Docker's configuration has them for a registry.
func TestRegistryCredentials(t *testing.T) {
	t.Parallel()
	registry, _ := ociRegistry(t)
	guarded, _ := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "word" {
			w.Header().Set("WWW-Authenticate", `Basic realm="registry"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		registry.Config.Handler.ServeHTTP(w, r)
	}))
	_, cat := pinnedChart(t)
	dir := t.TempDir()
	host := strings.TrimPrefix(guarded.URL, "https://")
	config := `{"auths":{"` + host + `":{"auth":"bWU6d29yZA=="}}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	getenv := func(name string) string { return map[string]string{"DOCKER_CONFIG": dir}[name] }
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(guarded), Getenv: getenv}
	store := remote.New(o)
	t.Cleanup(store.Close)
	if _, err := store.Vendor(t.Context(), cat, "oci://"+host+"/mirror"); err != nil {
		t.Errorf("vendor: %v", err)
	}
	o.CacheDir, o.Mirror = t.TempDir(), "oci://"+host+"/mirror"
	if files, err := read(t, o, cat); err != nil || files["remote/app/values.yaml"] == "" {
		t.Errorf("from the mirror: %q, %v", files, err)
	}
	o.CacheDir, o.Getenv = t.TempDir(), nil
	if _, err := read(t, o, cat); !strings.Contains(errText(err), "401") && !strings.Contains(errText(err), "basic credential not found") {
		t.Errorf("without credentials: %v", err)
	}
}

// TestDamagedCache: an archive that is not what its name says is fetched again.
func TestDamagedCache(t *testing.T) {
	t.Parallel()
	dir, cat := pinnedChart(t)
	server, seen := serve(t, http.FileServer(http.Dir(dir)))
	aim(cat, server.URL+"/app-1.2.3.tgz")
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
	for i, damage := range []func(string) error{
		func(string) error { return nil },
		func(file string) error { return os.WriteFile(file, []byte("x"), 0o600) },
		func(file string) error { return os.Truncate(file, 0) },
		func(file string) error { return errors.Join(os.Remove(file), os.Symlink("/etc/passwd", file)) },
		// What a process leaves that is killed while it writes.
		func(file string) error {
			return errors.Join(os.Rename(file, file+".part"), os.Truncate(file+".part", 40))
		},
	} {
		for _, file := range tree(t, o.CacheDir) {
			if err := damage(file); err != nil {
				t.Fatal(err)
			}
		}
		if files, err := read(t, o, cat); err != nil || files["remote/app/values.yaml"] != "text: of-1.2.3\n" {
			t.Errorf("%d: %q, %v", i, files, err)
		}
		if left := tree(t, o.CacheDir); len(left) != 1 {
			t.Errorf("%d: the cache holds %q", i, left)
		}
	}
	if seen.count() != 5 {
		t.Errorf("%d requests, want 5", seen.count())
	}
}

// TestParallel: several readers of one cache fetch once, and all get the files.
func TestParallel(t *testing.T) {
	t.Parallel()
	dir, cat := pinnedChart(t)
	server, seen := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
		http.FileServer(http.Dir(dir)).ServeHTTP(w, r)
	}))
	aim(cat, server.URL+"/app-1.2.3.tgz")
	o := remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)}
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			store := remote.New(o)
			defer store.Close()
			files, err := store.Files(t.Context(), cat.Components["app"], cat.Lock.Spec.Sources["app"])
			if err != nil || len(files) == 0 {
				t.Errorf("%d files, %v", len(files), err)
			}
		})
	}
	wait.Wait()
	if seen.count() != 1 {
		t.Errorf("%d requests, want 1", seen.count())
	}
}

// TestInterrupted: the caller's end is the reader's.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	_, cat := pinnedChart(t)
	server, _ := serve(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	aim(cat, server.URL+"/app-1.2.3.tgz")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	store := remote.New(remote.Options{CacheDir: t.TempDir(), Roots: trusting(server)})
	defer store.Close()
	if _, err := store.Files(ctx, cat.Components["app"], cat.Lock.Spec.Sources["app"]); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v", err)
	}
}

// TestUntrusted: a server whose authority is unknown is not read.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	_, cat := pinnedChart(t)
	server, _ := serve(t, http.NotFoundHandler())
	aim(cat, server.URL+"/app.tgz")
	if _, err := read(t, remote.Options{CacheDir: t.TempDir()}, cat); !strings.Contains(errText(err), "certificate signed by unknown authority") {
		t.Errorf("error %v", err)
	}
}
