package scripts

import (
	"encoding/pem"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/rogpeppe/go-internal/testscript"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/repo"
)

// servers are what a script's remote sources come from: $SERVER/charts/ is a
// Helm repository in the folder charts, $REGISTRY an OCI registry, and
// $SERVER/git/ has the Git repositories of the folder git. They speak TLS; the
// program trusts them by SSL_CERT_FILE. After `servers down` they answer 403, after
// `servers hang` they begin answers without an end. $PROXY leads every name to
// them; their certificate is for example.com too.
func servers(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || !slices.Contains([]string{"up", "down", "hang", "again"}, args[0]) {
		ts.Fatalf("usage: servers up|down|hang|again")
	}
	mode, ok := ts.Value(modeKey{}).(*atomic.Value)
	if !ok {
		ts.Fatalf("no servers")
	}
	if mode.Store(args[0]); args[0] != "up" {
		return
	}
	mux := http.NewServeMux()
	mux.Handle("/charts/", http.StripPrefix("/charts/", http.FileServer(http.Dir(filepath.Join(ts.Getenv("WORK"), "charts")))))
	mux.Handle("/git/", &cgi.Handler{Root: "/git", Path: ts.Getenv("GIT_HTTP_BACKEND"),
		Env: []string{"GIT_PROJECT_ROOT=" + ts.MkAbs("git"), "GIT_HTTP_EXPORT_ALL=1"}, Stderr: io.Discard})
	mux.Handle("/v2/", registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch mode.Load() {
		case "down":
			http.Error(w, "down", http.StatusForbidden)
		case "hang":
			_, _ = w.Write([]byte{0x1f})
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		default:
			mux.ServeHTTP(w, r)
		}
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	ts.Defer(server.Close)
	authority := ts.MkAbs("authority.pem")
	ts.Check(os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}), 0o644))
	ts.Setenv("SSL_CERT_FILE", authority)
	ts.Setenv("SERVER", server.URL)
	proxy := httptest.NewServer(tunnel(server.Listener.Addr().String()))
	ts.Defer(proxy.Close)
	ts.Setenv("PROXY", proxy.URL)
	ts.Setenv("REGISTRY", "oci://"+strings.TrimPrefix(server.URL, "https://"))
}

// tunnel is a proxy that leads every name to one address.
func tunnel(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			http.Error(w, "only CONNECT", http.StatusMethodNotAllowed)
			return
		}
		far, err := (&net.Dialer{}).DialContext(r.Context(), "tcp", address)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		near, rest, err := http.NewResponseController(w).Hijack()
		if err != nil {
			_ = far.Close()
			return
		}
		_, _ = near.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
		var both sync.WaitGroup
		both.Go(func() { _, _ = io.Copy(far, rest); _ = far.Close() })
		both.Go(func() { _, _ = io.Copy(near, far); _ = near.Close() })
		both.Wait()
	})
}

// modeKey finds a script's switch of its servers.
type modeKey struct{}

// publish packages a chart's folder with a version into charts, as `helm
// package` and `helm repo index` do: publish FOLDER VERSION.
func publish(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: publish FOLDER VERSION")
	}
	c, err := loader.LoadDir(ts.MkAbs(args[0]))
	ts.Check(err)
	c.Metadata.Version = args[1]
	dir := filepath.Join(ts.Getenv("WORK"), "charts")
	ts.Check(os.MkdirAll(dir, 0o755))
	_, err = chartutil.Save(c, dir)
	ts.Check(err)
	index, err := repo.IndexDirectory(dir, "")
	ts.Check(err)
	ts.Check(index.WriteFile(filepath.Join(dir, "index.yaml"), 0o644))
}

// fill replaces $NAMES of the script's environment in a file.
func fill(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o644))
	}
}
