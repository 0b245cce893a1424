package embedded

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"slices"
	"time"
)

const (
	caLife      = 10 * 365 * 24 * time.Hour
	leafLife    = 365 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	backdate    = 5 * time.Minute // other clocks of this machine do not matter; a stepped one does
)

// The authorities. They are apart so that a client certificate of the API, which
// the controller manager signs on request, opens neither etcd nor the
// aggregation layer.
const (
	clusterCA = "ca"
	etcdCA    = "etcd-ca"
	proxyCA   = "front-proxy-ca"
)

// leaf is a certificate to be issued.
type leaf struct {
	name, ca       string
	user           string   // common name
	groups         []string // organizations
	server, client bool
	names          []string // DNS names, when server
	ips            []string
}

// serviceIP is the first address of the service range, which is the same in
// every cluster: nothing routes it.
const (
	serviceCIDR = "10.96.0.0/16"
	serviceIP   = "10.96.0.1"
	podCIDR     = "10.244.0.0/16"
	loopback    = "127.0.0.1"
)

// leaves are the certificates that every cluster has.
func leaves() []leaf {
	local := []string{"localhost"}
	kube := []string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"}
	return []leaf{
		{name: "apiserver", ca: clusterCA, user: "kube-apiserver", server: true, names: kube, ips: []string{loopback, serviceIP}},
		{name: "managers", ca: clusterCA, user: "kube-controllers", server: true, names: local, ips: []string{loopback}},
		{name: "admin", ca: clusterCA, user: "dualtrack:admin", groups: []string{"system:masters"}, client: true},
		{name: "controller-manager", ca: clusterCA, user: "system:kube-controller-manager", client: true},
		{name: "scheduler", ca: clusterCA, user: "system:kube-scheduler", client: true},
		{name: "kwok", ca: clusterCA, user: "dualtrack:kwok", groups: []string{"system:masters"}, client: true},
		{name: "provider", ca: clusterCA, user: "dualtrack:provider", groups: []string{"system:masters"}, client: true},
		{name: "balancer", ca: clusterCA, user: "dualtrack:balancer", groups: []string{"system:monitoring"}, client: true},
		{name: "front-proxy", ca: proxyCA, user: "front-proxy-client", client: true},
		// etcd is its own client when it serves its HTTP gateway, and its peers' client.
		{name: "etcd-server", ca: etcdCA, user: "etcd", server: true, client: true, names: local, ips: []string{loopback}},
		{name: "etcd-peer", ca: etcdCA, user: "etcd-peer", server: true, client: true, names: local, ips: []string{loopback}},
		{name: "etcd-client", ca: etcdCA, user: "kube-apiserver", client: true},
	}
}

// ensurePKI makes what is missing and renews what is damaged or about to
// expire, or every leaf when fresh, of the common ones and further ones. It says what it renewed; the first issue of
// a certificate is no renewal.
func (l layout) ensurePKI(now time.Time, fresh bool, further ...leaf) (renewals, error) {
	var out renewals
	cas := map[string]*authority{}
	for _, name := range []string{clusterCA, etcdCA, proxyCA} {
		ca, made, err := l.ensureCA(name, now)
		if err != nil {
			return out, err
		}
		cas[name] = ca
		out.authority = out.authority || made
	}
	for _, want := range append(leaves(), further...) {
		why := l.leafWrong(want, cas[want.ca], now)
		if why == "" && fresh {
			why = "asked for"
		}
		if why == "" {
			continue
		}
		if err := l.issue(want, cas[want.ca], now); err != nil {
			return out, err
		}
		if why != missing {
			out.lines = append(out.lines, fmt.Sprintf("certificate %s: renewed (%s)", want.name, why))
		}
	}
	return out, l.ensureAccountKey()
}

// renewals is what ensurePKI had to do.
type renewals struct {
	lines     []string // one a renewed certificate
	authority bool     // an authority was made
}

// missing is why a certificate is issued for the first time.
const missing = "missing"

type authority struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (l layout) ensureCA(name string, now time.Time) (ca *authority, made bool, err error) {
	cert, key, err := l.load(name)
	if err == nil && now.Before(cert.NotAfter.Add(-renewBefore)) {
		return &authority{cert, key}, false, nil
	}
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, false, fmt.Errorf("key of %s: %w", name, err)
	}
	tmpl := &x509.Certificate{
		Subject:   pkix.Name{CommonName: "dualtrack " + l.name + " " + name},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(caLife),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true, IsCA: true,
	}
	if err := l.sign(name, tmpl, tmpl, key, key); err != nil {
		return nil, false, err
	}
	cert, key, err = l.load(name)
	if err != nil {
		return nil, false, err
	}
	return &authority{cert, key}, true, nil
}

// leafWrong says why a certificate must be issued, "" when it serves.
func (l layout) leafWrong(want leaf, ca *authority, now time.Time) string {
	cert, _, err := l.load(want.name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return missing
	case err != nil:
		return "damaged"
	case cert.CheckSignatureFrom(ca.cert) != nil:
		return "its authority is new"
	case now.After(cert.NotAfter):
		return "expired " + cert.NotAfter.UTC().Format(time.DateOnly)
	case now.Add(renewBefore).After(cert.NotAfter):
		return "expires " + cert.NotAfter.UTC().Format(time.DateOnly)
	}
	tmpl := want.template(now)
	sameIPs := slices.EqualFunc(cert.IPAddresses, tmpl.IPAddresses, net.IP.Equal)
	if cert.Subject.CommonName != want.user || !slices.Equal(cert.Subject.Organization, want.groups) ||
		!slices.Equal(cert.DNSNames, tmpl.DNSNames) || !sameIPs || !slices.Equal(cert.ExtKeyUsage, tmpl.ExtKeyUsage) {
		return "its names changed"
	}
	return ""
}

func (w leaf) template(now time.Time) *x509.Certificate {
	tmpl := &x509.Certificate{
		Subject:   pkix.Name{CommonName: w.user, Organization: w.groups},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(leafLife),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		DNSNames:              w.names,
	}
	if w.server {
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if w.client {
		tmpl.ExtKeyUsage = append(tmpl.ExtKeyUsage, x509.ExtKeyUsageClientAuth)
	}
	for _, ip := range w.ips {
		tmpl.IPAddresses = append(tmpl.IPAddresses, net.ParseIP(ip))
	}
	return tmpl
}

func (l layout) issue(want leaf, ca *authority, now time.Time) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("key of %s: %w", want.name, err)
	}
	return l.sign(want.name, want.template(now), ca.cert, key, ca.key)
}

// sign writes NAME.key and NAME.crt. A kill in between leaves a pair that does
// not match, which load refuses.
func (l layout) sign(name string, tmpl, parent *x509.Certificate, key *ecdsa.PrivateKey, signer crypto.Signer) error {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return fmt.Errorf("serial number of %s: %w", name, err)
	}
	tmpl.SerialNumber = serial
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
	if err != nil {
		return fmt.Errorf("certificate %s: %w", name, err)
	}
	if err := l.writeKey(name, key, tmpl.IsCA); err != nil {
		return err
	}
	return writeFile(l.pki(name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), tmpl.IsCA)
}

func (l layout) writeKey(name string, key *ecdsa.PrivateKey, durable bool) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("key of %s: %w", name, err)
	}
	return writeFile(l.pki(name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), durable)
}

// load reads a certificate and its key and checks that they belong together.
func (l layout) load(name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certDER, err := readPEM(l.pki(name + ".crt"))
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, nil, fmt.Errorf("certificate %s: %w", name, err)
	}
	key, err := l.loadKey(name)
	if err != nil {
		return nil, nil, err
	}
	if !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("certificate %s does not belong to its key", name)
	}
	return cert, key, nil
}

func (l layout) loadKey(name string) (*ecdsa.PrivateKey, error) {
	der, err := readPEM(l.pki(name + ".key"))
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("key of %s: %w", name, err)
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key of %s is no ECDSA key", name)
	}
	return key, nil
}

func readPEM(path string) ([]byte, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a certificate or key: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s holds no PEM block", path)
	}
	return block.Bytes, nil
}

// ensureAccountKey makes the key that signs service accounts' tokens. It is
// never renewed: that would end every token at once.
func (l layout) ensureAccountKey() error {
	key, err := l.loadKey("sa")
	if err != nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return fmt.Errorf("service account key: %w", err)
		}
		if err := l.writeKey("sa", key, true); err != nil {
			return err
		}
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("service account key: %w", err)
	}
	return writeChanged(l.pki("sa.pub"), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}
