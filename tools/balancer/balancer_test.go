package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// server is a backend that says its name and can be made unready.
type server struct {
	*httptest.Server
	unready atomic.Bool
	checks  atomic.Int64
}

func (s *server) addr() string { return s.Listener.Addr().String() }

// pki is a CA, and files of a client's certificate from it.
type pki struct {
	opt  options
	cert tls.Certificate // of servers
	pool *x509.CertPool
}

func newPKI(t *testing.T) pki {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	opt := options{
		ca: filepath.Join(dir, "crt"), cert: filepath.Join(dir, "crt"), key: filepath.Join(dir, "key"),
		interval: 10 * time.Millisecond, timeout: time.Second,
	}
	for path, data := range map[string][]byte{opt.cert: certPEM, opt.key: keyPEM} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certPEM)
	return pki{opt: opt, cert: pair, pool: pool}
}

// newServer answers /readyz as Kubernetes does: to certificates only, and with
// an "ok" in the body of a failing answer.
func newServer(t *testing.T, p pki, name string) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			s.checks.Add(1)
		}
		if r.URL.Path == "/readyz" && s.unready.Load() {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(w, "[+]ping ok\n[-]etcd failed\n")
			return
		}
		_, _ = io.WriteString(w, name)
	}))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{p.cert}, ClientCAs: p.pool, ClientAuth: tls.RequireAndVerifyClientCert}
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// balance serves over the backends and returns the endpoint and what ends it.
func balance(t *testing.T, p pki, backends ...string) (endpoint string, stop func()) {
	t.Helper()
	p.opt.backends = backends
	check, err := readyzCheck(p.opt)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { newBalancer(p.opt, check, slog.New(slog.DiscardHandler)).serve(ctx, l) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return l.Addr().String(), stop
}

// client keeps one connection, or makes one a request.
func client(t *testing.T, p pki, keep bool) *http.Client {
	t.Helper()
	tr := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: p.pool, Certificates: []tls.Certificate{p.cert}},
		DisableKeepAlives: !keep,
	}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second}
}

func ask(c *http.Client, endpoint string) string {
	resp, err := c.Get("https://" + endpoint + "/")
	if err != nil {
		return "error: " + err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "error: " + err.Error()
	}
	return string(body)
}

// eventually asks until the answer is as wanted.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never seen: %s", what)
		}
	}
}

func TestSpreadsAndMovesOn(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	a, b := newServer(t, p, "a"), newServer(t, p, "b")
	endpoint, _ := balance(t, p, a.addr(), b.addr())
	c := client(t, p, false)
	seen := map[string]bool{}
	eventually(t, "both backends", func() bool { seen[ask(c, endpoint)] = true; return seen["a"] && seen["b"] })

	kept := client(t, p, true)
	eventually(t, "a connection to a", func() bool {
		kept.CloseIdleConnections()
		return ask(kept, endpoint) == "a"
	})
	a.unready.Store(true)
	eventually(t, "the kept connection moves to b", func() bool { return ask(kept, endpoint) == "b" })
	for range 10 {
		if got := ask(c, endpoint); got != "b" {
			t.Errorf("a connection went to %q", got)
		}
	}
	a.unready.Store(false)
	eventually(t, "a is back", func() bool { return ask(c, endpoint) == "a" })
}

func TestDeadBackendIsSkippedAtOnce(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	a, b := newServer(t, p, "a"), newServer(t, p, "b")
	p.opt.interval = time.Hour // no check will notice
	endpoint, _ := balance(t, p, a.addr(), b.addr())
	c := client(t, p, false)
	a.Close()
	for range 6 {
		if got := ask(c, endpoint); got != "b" {
			t.Errorf("answer is %q", got)
		}
	}
}

// TestNowhereElse holds that connections stay where they are while no backend is
// ready, and move once one is.
func TestNowhereElse(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	a, b := newServer(t, p, "a"), newServer(t, p, "b")
	endpoint, _ := balance(t, p, a.addr(), b.addr())
	kept := client(t, p, true)
	eventually(t, "a connection to a", func() bool {
		kept.CloseIdleConnections()
		return ask(kept, endpoint) == "a"
	})
	for _, s := range []*server{b, a} { // b first, or the connection would move to it
		s.unready.Store(true)
		enough := s.checks.Load() + 3*failures
		eventually(t, "checks that fail", func() bool { return s.checks.Load() > enough })
	}
	var again bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { again = i.Reused }})
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+endpoint+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := kept.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || !again {
		t.Errorf("the connection was ended with nowhere to go (%v)", err)
	}
	answer.Body.Close()
	b.unready.Store(false)
	eventually(t, "it moves to b", func() bool { return ask(kept, endpoint) == "b" })
}

func TestNoBackend(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	a := newServer(t, p, "a")
	a.Close()
	endpoint, stop := balance(t, p, a.addr())
	if got := ask(client(t, p, false), endpoint); !strings.HasPrefix(got, "error: ") {
		t.Errorf("answer is %q", got)
	}
	stop()
}

func TestStopEndsConnections(t *testing.T) {
	t.Parallel()
	p := newPKI(t)
	a := newServer(t, p, "a")
	endpoint, stop := balance(t, p, a.addr())
	kept := client(t, p, true)
	eventually(t, "an answer", func() bool { return ask(kept, endpoint) == "a" })
	done := make(chan struct{})
	go func() { stop(); close(done) }()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("it does not end while a connection is open")
	}
}

func TestWrongUse(t *testing.T) {
	t.Parallel()
	full := []string{"-listen=127.0.0.1:0", "-backend=127.0.0.1:1", "-ca=x", "-cert=x", "-key=x"}
	for name, tc := range map[string]struct {
		args []string
		code int
		text string
	}{
		"nothing":                   {nil, 2, "are required"},
		"a backend without a port":  {[]string{"-backend=127.0.0.1"}, 2, "missing port"},
		"an argument too many":      {append([]string{"x"}, full...), 2, "is not understood"},
		"a check without end":       {append(full, "-timeout=0s"), 2, "must be positive"},
		"certificates that are not": {full, 1, "CA certificates"},
	} {
		var out bytes.Buffer
		if code := run(t.Context(), tc.args, &out); code != tc.code || !strings.Contains(out.String(), tc.text) {
			t.Errorf("%s: code %d, want %d, saying %q:\n%s", name, code, tc.code, tc.text, out.String())
		}
	}
}
