package programs

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"dualtrack.internal/tools/dashboards/catalogue"
)

// controlPlane runs an etcd member and an API server on it.
func (r *runner) controlPlane(ctx context.Context, paths map[string]string) ([]catalogue.List, error) {
	defer r.stop()
	etcd, url, err := r.etcd(ctx, paths["etcd"])
	if err != nil {
		return nil, err
	}
	api, err := r.apiServer(ctx, paths["controlplane"], url)
	if err != nil {
		return nil, err
	}
	base := strings.TrimSuffix(api.url, "/metrics")
	crowd := target{process: api.process, client: api.client, token: api.token + "crowd"}
	fromAPI, err := observe(ctx, func(ctx context.Context) error {
		if err := useAPI(ctx, api, base); err != nil {
			return err
		}
		return crowdAPI(ctx, api, crowd, base)
	}, api)
	if err != nil {
		return nil, err
	}
	fromEtcd, err := observe(ctx, func(ctx context.Context) error { return useEtcd(ctx, url) },
		target{process: etcd, client: http.DefaultClient, url: url + "/metrics"})
	if err != nil {
		return nil, err
	}
	return []catalogue.List{
		list("etcd", "etcd", "/metrics of one member, under an API server and after puts, reads, leases, a compaction and a defragmentation", fromEtcd),
		list("kube-apiserver", "kube-apiserver", "/metrics of one API server, after reads, writes, deletions, a watch, refusals, and a crowd that its fairness turned away", fromAPI),
	}, nil
}

func (r *runner) etcd(ctx context.Context, path string) (*process, string, error) {
	client, err := freePort(ctx)
	if err != nil {
		return nil, "", err
	}
	peer, err := freePort(ctx)
	if err != nil {
		return nil, "", err
	}
	dir, err := r.dir("etcd")
	if err != nil {
		return nil, "", err
	}
	clientURL, peerURL := "http://127.0.0.1:"+client, "http://127.0.0.1:"+peer
	p, err := r.start(ctx, "etcd", path, []string{
		"--name=member", "--data-dir=" + dir, "--listen-client-urls=" + clientURL, "--advertise-client-urls=" + clientURL,
		"--listen-peer-urls=" + peerURL, "--initial-advertise-peer-urls=" + peerURL, "--initial-cluster=member=" + peerURL,
	}, nil)
	if err != nil {
		return nil, "", err
	}
	return p, clientURL, p.ready(ctx, http.DefaultClient, clientURL+"/health", "")
}

// useEtcd does what an API server and its keepers do to a member.
func useEtcd(ctx context.Context, url string) error {
	word := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	for _, call := range []struct{ path, body string }{
		{"/v3/kv/put", fmt.Sprintf(`{"key":%q,"value":%q}`, word("key"), word("value"))},
		{"/v3/kv/range", fmt.Sprintf(`{"key":%q}`, word("key"))},
		{"/v3/kv/deleterange", fmt.Sprintf(`{"key":%q}`, word("key"))},
		{"/v3/kv/txn", fmt.Sprintf(`{"success":[{"requestPut":{"key":%q,"value":%q}}]}`, word("key"), word("value"))},
		{"/v3/lease/grant", `{"TTL":"1"}`},
		{"/v3/kv/compaction", `{"revision":"2"}`},
		{"/v3/maintenance/defragment", `{}`},
		{"/v3/maintenance/status", `{}`},
	} {
		if out, err := ask(ctx, http.DefaultClient, http.MethodPost, url+call.path, "", call.body); err != nil && !strings.Contains(string(out), "compacted") {
			return err // a second compaction to the same revision is refused, and counted
		}
	}
	return nil
}

// apiServer runs an API server that knows two users, by tokens: a master, and one of
// a crowd.
func (r *runner) apiServer(ctx context.Context, path, etcd string) (target, error) {
	port, err := freePort(ctx)
	if err != nil {
		return target{}, err
	}
	dir, err := r.dir("apiserver")
	if err != nil {
		return target{}, err
	}
	t := target{url: "https://127.0.0.1:" + port + "/metrics", token: rand.Text()}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return t, fmt.Errorf("making the API server's key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return t, fmt.Errorf("making the API server's key: %w", err)
	}
	signing, tokens := filepath.Join(dir, "sa.key"), filepath.Join(dir, "tokens.csv")
	for name, text := range map[string][]byte{
		signing: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
		tokens:  []byte(t.token + ",catalogue,catalogue,system:masters\n" + t.token + "crowd,crowd,crowd\n"),
	} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			return t, fmt.Errorf("writing the API server's files: %w", err)
		}
	}
	t.process, err = r.start(ctx, "kube-apiserver", path, []string{
		"kube-apiserver", "--etcd-servers=" + etcd, "--bind-address=127.0.0.1", "--advertise-address=127.0.0.1", "--secure-port=" + port,
		"--endpoint-reconciler-type=none", "--cert-dir=" + dir, "--token-auth-file=" + tokens, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + signing,
		"--service-account-signing-key-file=" + signing, "--service-cluster-ip-range=10.96.0.0/16",
	}, nil)
	if err != nil {
		return t, err
	}
	t.client, err = trusting(ctx, t.process, filepath.Join(dir, "apiserver.crt"))
	if err != nil {
		return t, err
	}
	return t, t.process.ready(ctx, t.client, strings.TrimSuffix(t.url, "/metrics")+"/readyz", t.token)
}

// trusting is a client that trusts the certificate which the server makes itself.
func trusting(ctx context.Context, p *process, file string) (*http.Client, error) {
	pool := x509.NewCertPool()
	err := p.until(ctx, func() bool {
		data, err := os.ReadFile(file)
		return err == nil && pool.AppendCertsFromPEM(data)
	})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}, nil
}

// useAPI reads, writes and is refused.
func useAPI(ctx context.Context, t target, base string) error {
	const maps = "/api/v1/namespaces/default/configmaps"
	for _, call := range []struct {
		method, path, body string
		refused            bool
	}{
		{http.MethodGet, "/api/v1/namespaces", "", false},
		{http.MethodPost, maps, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"catalogue"}}`, false},
		{http.MethodPost, maps, `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"catalogue"}}`, true},
		{http.MethodGet, maps + "?watch=true&timeoutSeconds=1", "", false},
		{http.MethodDelete, maps + "/catalogue", "", false},
		{http.MethodGet, maps + "/catalogue", "", true},
		{http.MethodGet, "/openapi/v2", "", false},
	} {
		if _, err := ask(ctx, t.client, call.method, base+call.path, t.token, call.body); err != nil && !call.refused {
			return fmt.Errorf("%w: %s", err, t.process.words())
		}
	}
	return nil
}
