//go:build real

package otel_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// backend takes what the gateway sends, over mutual TLS, and remembers it.
type backend struct {
	url  string
	tls  *tls.Config
	addr string

	mu     sync.Mutex
	traces map[string]int // id → spans
	odd    int            // spans whose resource lacks cluster_env
	last   time.Time
}

// newBackend makes the certificates; it does not listen yet.
func newBackend(t *testing.T, dir string) *backend {
	t.Helper()
	addr := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, private := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
	for name, data := range map[string][]byte{"ca_file": certificate, "cert_file": certificate, "key_file": private} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.X509KeyPair(certificate, private)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return &backend{url: "https://" + addr, addr: addr, traces: map[string]int{},
		tls: &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}}
}

// listen lets the backend be reached from now on.
func (b *backend) listen(t *testing.T) {
	t.Helper()
	l, err := tls.Listen("tcp", b.addr, b.tls)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: b, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// export is the part of OTLP that is looked at.
type export struct {
	ResourceSpans []struct {
		Resource struct {
			Attributes []struct {
				Key string `json:"key"`
			} `json:"attributes"`
		} `json:"resource"`
		ScopeSpans []struct {
			Spans []struct {
				TraceID string `json:"traceId"`
			} `json:"spans"`
		} `json:"scopeSpans"`
	} `json:"resourceSpans"`
}

func (b *backend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		zip, err := gzip.NewReader(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		body = zip
	}
	var e export
	if err := json.NewDecoder(io.LimitReader(body, 64<<20)).Decode(&e); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	b.take(e)
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, "{}")
}

func (b *backend) take(e export) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last = time.Now()
	for _, rs := range e.ResourceSpans {
		named := false
		for _, a := range rs.Resource.Attributes {
			named = named || a.Key == "cluster_env"
		}
		for _, ss := range rs.ScopeSpans {
			for _, s := range ss.Spans {
				b.traces[s.TraceID]++
				if !named {
					b.odd++
				}
			}
		}
	}
}

// settled waits until nothing has come for a while.
func (b *backend) settled(t *testing.T, quiet, limit time.Duration) map[string]int {
	t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(200 * time.Millisecond) {
		b.mu.Lock()
		last, traces := b.last, b.traces
		b.mu.Unlock()
		if !last.IsZero() && time.Since(last) > quiet {
			return traces
		}
		if time.Now().After(deadline) {
			t.Fatalf("what arrives does not settle in %s: %d traces, the last at %s", limit, len(traces), last)
		}
	}
}

// post sends spans to the gateway, which must take them.
func post(t *testing.T, p places, spans []map[string]any) {
	t.Helper()
	data, err := json.Marshal(map[string]any{"resourceSpans": []any{map[string]any{"resource": map[string]any{}, "scopeSpans": []any{map[string]any{"spans": spans}}}}})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/v1/traces", p.traces), "application/json", bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK {
		t.Fatalf("the gateway does not take spans: %s: %s", answer.Status, text)
	}
}
