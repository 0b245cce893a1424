package track

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/apply"
)

// ErrWrite is what a judge gets that tries to write.
var ErrWrite = errors.New("judges only read: refused")

// ReadOnly copies a client configuration so that nothing made from it can
// write: GET and HEAD pass; a PATCH is turned into a server-side dry run by the
// platform's field manager; every other method, and the GETs that do things
// (exec, attach, port-forward, proxy), are refused with ErrWrite before they
// leave the process.
func ReadOnly(cfg *rest.Config) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return readOnly{next} })
	return cfg
}

type readOnly struct{ next http.RoundTripper }

// RoundTrip passes, changes or refuses the request.
func (r readOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case req.Method == http.MethodGet && !acts(req), req.Method == http.MethodHead:
		return r.next.RoundTrip(req)
	case req.Method == http.MethodPatch:
		return r.next.RoundTrip(dryRun(req))
	}
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper must, and nothing was read
	}
	return nil, fmt.Errorf("%w: %s %s", ErrWrite, req.Method, req.URL.Path)
}

// WrappedRoundTripper shows the transport below to client-go, which closes its
// idle connections through it.
func (r readOnly) WrappedRoundTripper() http.RoundTripper { return r.next }

// CloseIdleConnections reaches the transport below, for net/http.
func (r readOnly) CloseIdleConnections() { utilnet.CloseIdleConnectionsFor(r.next) }

// acts says that a GET opens a stream into something that runs.
func acts(req *http.Request) bool {
	if req.Header.Get("Upgrade") != "" {
		return true
	}
	parts := strings.Split(strings.Trim(req.URL.Path, "/"), "/")
	if len(parts) < 2 || parts[0] != "api" {
		return false // groups other than the core one have no such subresources
	}
	parts = parts[2:]
	if len(parts) > 3 && parts[0] == "namespaces" {
		parts = parts[2:]
	}
	return len(parts) > 2 && slices.Contains([]string{"exec", "attach", "portforward", "proxy"}, parts[2])
}

// dryRun copies the request: a RoundTripper may not change the one it is given.
func dryRun(req *http.Request) *http.Request {
	out := req.Clone(req.Context())
	query := out.URL.Query()
	query.Set("dryRun", "All")
	query.Set("fieldManager", apply.FieldManager)
	out.URL.RawQuery = query.Encode()
	return out
}
