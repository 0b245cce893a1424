package remote_test

import (
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/repo"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/source/remote"
)

// requests notes what a server was asked for, and by whom.
type requests struct {
	mu   sync.Mutex
	seen []string
	auth []string
}

func (r *requests) note(req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, req.Method+" "+req.URL.Path)
	user, _, _ := req.BasicAuth()
	r.auth = append(r.auth, user)
}

func (r *requests) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// serve starts a server on loopback with TLS and notes its requests.
func serve(t *testing.T, handler http.Handler) (*httptest.Server, *requests) {
	t.Helper()
	noted := &requests{}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		noted.note(r)
		handler.ServeHTTP(w, r)
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // clients that hang up
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, noted
}

// trusting is a pool with the authority of httptest's servers: they share one.
func trusting(server *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return pool
}

// packaged writes the archive of the chart app, as `helm package` does.
func packaged(t *testing.T, dir, version, text string) string {
	t.Helper()
	file, err := chartutil.Save(&chart.Chart{
		Metadata: &chart.Metadata{APIVersion: "v2", Name: "app", Version: version},
		Raw:      []*chart.File{{Name: "values.yaml", Data: []byte("text: " + text + "\n")}},
		Templates: []*chart.File{{Name: "templates/map.yaml", Data: []byte(
			"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  text: {{ .Values.text }}\n  version: {{ .Chart.Version }}\n")}},
	}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// helmRepository makes a repository's folder and its index, as `helm repo index`
// does.
func helmRepository(t *testing.T, versions ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, v := range versions {
		packaged(t, dir, v, "of-"+v)
	}
	reindex(t, dir)
	return dir
}

func reindex(t *testing.T, dir string) {
	t.Helper()
	index, err := repo.IndexDirectory(dir, "")
	if err == nil {
		err = index.WriteFile(filepath.Join(dir, "index.yaml"), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func ociRegistry(t *testing.T) (*httptest.Server, *requests) {
	t.Helper()
	return serve(t, registry.New(registry.Logger(log.New(io.Discard, "", 0))))
}

// gitServer serves the repositories of a folder by Git's own server program.
func gitServer(t *testing.T, dir string) (*httptest.Server, *requests) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", "--exec-path").Output()
	if err != nil {
		t.Fatalf("this test needs git: %v", err)
	}
	return serve(t, &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(string(out)), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"}, Stderr: io.Discard,
	})
}

// gitRepository makes a repository with one commit of these files and gives the
// commit.
func gitRepository(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	git(t, "", "init", "-q", "-b", "main", dir)
	return commit(t, dir, files)
}

func commit(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	git(t, dir, "add", "-A")
	git(t, dir, "commit", "-q", "-m", "change")
	return git(t, dir, "rev-parse", "HEAD")
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + t.TempDir(), "GIT_CONFIG_NOSYSTEM=1", "PATH=" + os.Getenv("PATH"), "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2024-01-01T00:00:00Z", "GIT_COMMITTER_DATE=2024-01-01T00:00:00Z"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// one is a catalog of one component, called app.
func one(src catalog.Source, lock *catalog.Lock) *catalog.Catalog {
	c := &catalog.Component{Name: "app", File: "components/app/component.yaml", Spec: catalog.ComponentSpec{Source: src}}
	return &catalog.Catalog{Components: map[string]*catalog.Component{"app": c}, Lock: lock}
}

// locked pins the sources of a catalog.
func locked(t *testing.T, o remote.Options, cat *catalog.Catalog) *catalog.Catalog {
	t.Helper()
	store := remote.New(o)
	t.Cleanup(store.Close)
	l, err := store.Lock(t.Context(), cat, remote.LockOptions{})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := catalog.ParseLock(catalog.LockSpec{Sources: l.Sources}.Write())
	if err != nil {
		t.Fatal(err)
	}
	cat.Lock = lock
	return cat
}

// read reads the files of app.
func read(t *testing.T, o remote.Options, cat *catalog.Catalog) (map[string]string, error) {
	t.Helper()
	store := remote.New(o)
	t.Cleanup(store.Close)
	cat.Remotes = store
	files, err := cat.RemoteFiles(t.Context(), cat.Components["app"])
	out := map[string]string{}
	for name, data := range files {
		out[name] = string(data)
	}
	return out, err
}
