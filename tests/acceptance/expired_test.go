package acceptance

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dualtrack.internal/platform/catalog"
)

// expired lets every certificate but those of the authorities expire, the
// administrator's in its kubeconfig too.
func expired(t *testing.T, f *fleet, site string) {
	identity, _ := f.identity(t, site)
	dir := filepath.Dir(identity)
	files, err := filepath.Glob(filepath.Join(dir, "pki", "*.crt"))
	check(t, err)
	authorities := map[string]*x509.Certificate{}
	keys := map[string]*ecdsa.PrivateKey{}
	for _, file := range files {
		if cert := certificate(t, file); cert.IsCA {
			authorities[cert.Subject.CommonName] = cert
			keys[cert.Subject.CommonName] = privateKey(t, strings.TrimSuffix(file, ".crt")+".key")
		}
	}
	n := 0
	for _, file := range files {
		cert := certificate(t, file)
		if cert.IsCA {
			continue
		}
		cert.NotBefore, cert.NotAfter = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
		der, err := x509.CreateCertificate(rand.Reader, cert, authorities[cert.Issuer.CommonName], cert.PublicKey, keys[cert.Issuer.CommonName])
		check(t, err)
		check(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
		n++
	}
	kubeconfig := f.kubeconfig(t, site)
	data, err := os.ReadFile(kubeconfig)
	check(t, err)
	admin, err := os.ReadFile(filepath.Join(dir, "pki", "admin.crt"))
	check(t, err)
	field := regexp.MustCompile(`client-certificate-data: \S+`)
	data = field.ReplaceAll(data, []byte("client-certificate-data: "+base64.StdEncoding.EncodeToString(admin)))
	check(t, os.WriteFile(kubeconfig, data, 0o600))

	seen := filepath.Join(t.TempDir(), "seen.yaml")
	got := f.run(t, "status", "-c", site, "--record", seen).want(t, 5)
	if !strings.Contains(got.stdout, "expired") || !strings.Contains(got.stdout, "platform up") {
		t.Errorf("status says neither that a certificate expired nor what renews it:\n%s", got.stdout)
	}
	renewed := 0
	for _, words := range f.inSync(t, site) {
		if strings.Contains(words, ": renewed (expired ") {
			renewed++
		}
	}
	if renewed != n {
		t.Errorf("%d certificates renewed, want %d", renewed, n)
	}
	f.run(t, "status", "-c", site, "--record", seen).want(t, 0)
	first := recorded(t, seen)
	f.run(t, "status", "-c", site, "--record", seen).want(t, 0)
	again := recorded(t, seen)
	if again.Since != first.Since || again.Observed < first.Observed || !again.Healthy || again.Pods != "simulated" || again.Bundle != first.Bundle {
		t.Errorf("recorded %+v, then %+v", first, again)
	}
}

// recorded is the one entry about a cluster in a file of evidence: a look that did not
// reach it left none.
func recorded(t *testing.T, file string) catalog.Held {
	t.Helper()
	data, err := os.ReadFile(file)
	check(t, err)
	e, err := catalog.ReadEvidence(file, data)
	check(t, err)
	if len(e.Spec.Health) != 1 {
		t.Fatalf("%d clusters were seen:\n%s", len(e.Spec.Health), data)
	}
	return e.Spec.Health[0]
}

func certificate(t *testing.T, file string) *x509.Certificate {
	t.Helper()
	cert, err := x509.ParseCertificate(block(t, file))
	check(t, err)
	return cert
}

func privateKey(t *testing.T, file string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := x509.ParsePKCS8PrivateKey(block(t, file))
	check(t, err)
	return key.(*ecdsa.PrivateKey)
}

func block(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	check(t, err)
	b, _ := pem.Decode(data)
	if b == nil {
		t.Fatalf("%s holds no PEM block", file)
	}
	return b.Bytes
}
