//go:build real

package prometheus_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// entrance stands for the hub's Envoy, which can't be had here: it ends mutual TLS
// and passes the one path that Envoy's routes pass. TestTheHubTakesWhatSitesSend
// holds that they do.
type entrance struct {
	addr   string
	config *tls.Config
	behind *url.URL
}

// newEntrance makes the certificates into a folder, as a site's enrolment does.
func newEntrance(t *testing.T, hub, dir string) *entrance {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "hub"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"gateway.hub.dualtrack.internal"}, IsCA: true, BasicConstraintsValid: true,
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
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"ca.crt": certificate, "tls.crt": certificate, "tls.key": private} {
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
	behind, err := url.Parse(hub)
	if err != nil {
		t.Fatal(err)
	}
	return &entrance{behind: behind, config: &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: pool, RootCAs: pool,
		ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13}}
}

// listen opens it until the test ends.
func (e *entrance) listen(t *testing.T) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	e.addr = l.Addr().String()
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/write", httputil.NewSingleHostReverseProxy(e.behind))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(tls.NewListener(l, e.config)) }()
	t.Cleanup(func() {
		_ = server.Close()
		<-done
	})
}

// get asks it for something, with or without a site's certificate.
func (e *entrance) get(path string, certificate bool) (int, error) {
	c := &tls.Config{RootCAs: e.config.RootCAs, ServerName: "gateway.hub.dualtrack.internal", MinVersion: tls.VersionTLS13}
	if certificate {
		c.Certificates = e.config.Certificates
	}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: c, DisableKeepAlives: true}}
	answer, err := client.Get("https://" + e.addr + path)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}
