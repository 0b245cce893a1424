//go:build real

package prometheus_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dualtrack.internal/platform/etcdbench"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/tests/real/rendered"
)

// apiServer is a real one, at the port that kubeadm gives it on an address of its
// own, with the rights that the rendered component gives Prometheus.
type apiServer struct {
	target
	url, ca, token string // the token is that of Prometheus' account
	master         string
	client         *http.Client
}

const apiServerIP = "127.0.77.2"

func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	dir := t.TempDir()
	paths := rendered.Programs(t, tool.ControlPlane, tool.Etcd)
	etcd, err := etcdbench.Start(t.Context(), etcdbench.Setting{Binary: paths[tool.Etcd]}, 1, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := etcd.Stop(); err != nil {
			t.Error(err)
		}
	})
	a := &apiServer{
		target: target{address: "discovered:0", app: "kube-apiserver", namespace: "kube-system", ip: apiServerIP},
		url:    "https://" + apiServerIP + ":6443", ca: filepath.Join(dir, "apiserver.crt"), token: filepath.Join(dir, "token"), master: rand.Text(),
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	signing, users := filepath.Join(dir, "sa.key"), filepath.Join(dir, "users.csv")
	for name, data := range map[string][]byte{
		signing: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}),
		users:   []byte(a.master + ",master,master,system:masters\n" + a.master + "crowd,crowd,crowd\n"),
	} {
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run(t, paths[tool.ControlPlane], []string{
		"kube-apiserver", "--etcd-servers=" + strings.Join(etcd.Endpoints, ","), "--bind-address=" + apiServerIP, "--advertise-address=" + apiServerIP,
		"--endpoint-reconciler-type=none", "--cert-dir=" + dir, "--token-auth-file=" + users, "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + signing,
		"--service-account-signing-key-file=" + signing, "--service-cluster-ip-range=10.96.0.0/16",
	})
	pool := x509.NewCertPool()
	until(t, time.Minute, func() string { return "no certificate" }, func() bool {
		data, err := os.ReadFile(a.ca)
		return err == nil && pool.AppendCertsFromPEM(data)
	})
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	a.client = &http.Client{Timeout: 30 * time.Second, Transport: transport}
	words := ""
	until(t, 2*time.Minute, func() string { return "the API server is not ready: " + words }, func() bool {
		code, text := a.ask(t, http.MethodGet, "/readyz?verbose", a.master, nil)
		words = string(text)
		return code == http.StatusOK
	})
	a.account(t)
	return a
}

// ask asks it as whoever has the token; 0 where it does not answer.
func (a *apiServer) ask(t *testing.T, method, path, token string, body io.Reader) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, a.url+path, body)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	answer, err := a.client.Do(req)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, []byte(err.Error())
	}
	return answer.StatusCode, data
}

// create makes an object as the master.
func (a *apiServer) create(t *testing.T, path string, object any) []byte {
	t.Helper()
	body, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	code, out := a.ask(t, http.MethodPost, path, a.master, bytes.NewReader(body))
	if code != http.StatusCreated && code != http.StatusConflict {
		t.Fatalf("POST %s: %d: %s", path, code, out)
	}
	return out
}

// account makes what the component renders for Prometheus' rights, and a token of its
// account.
func (a *apiServer) account(t *testing.T) {
	t.Helper()
	const rights = "/apis/rbac.authorization.k8s.io/v1"
	made := map[string]int{}
	for _, b := range rendered.Bundles(t, siteName) {
		for _, o := range b.Objects {
			if o.Component != "prometheus" {
				continue
			}
			namespace := o.GetNamespace()
			if namespace != "" && made[namespace] == 0 {
				a.create(t, "/api/v1/namespaces", map[string]any{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": namespace}})
				made[namespace]++
			}
			path := map[string]string{
				"ServiceAccount": "/api/v1/namespaces/" + namespace + "/serviceaccounts",
				"ClusterRole":    rights + "/clusterroles", "ClusterRoleBinding": rights + "/clusterrolebindings",
				"Role": rights + "/namespaces/" + namespace + "/roles", "RoleBinding": rights + "/namespaces/" + namespace + "/rolebindings",
			}[o.GetKind()]
			if path != "" {
				a.create(t, path, o.Object)
				made[o.GetKind()]++
			}
		}
	}
	if made["ClusterRole"] != 1 || made["ClusterRoleBinding"] != 1 || made["ServiceAccount"] != 1 || made["Role"] != made["RoleBinding"] {
		t.Errorf("the component's rights are %v", made)
	}
	var token struct {
		Status struct {
			Token string `json:"token"`
		} `json:"status"`
	}
	out := a.create(t, "/api/v1/namespaces/observability/serviceaccounts/prometheus/token",
		map[string]any{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": map[string]any{"expirationSeconds": 3600}})
	if err := json.Unmarshal(out, &token); err != nil || token.Status.Token == "" {
		t.Fatalf("no token: %v: %s", err, out)
	}
	if err := os.WriteFile(a.token, []byte(token.Status.Token), 0o600); err != nil {
		t.Fatal(err)
	}
}

// refuses holds that Prometheus' account may do what it must, and no more.
func (a *apiServer) refuses(t *testing.T) {
	t.Helper()
	token, err := os.ReadFile(a.token)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/metrics": http.StatusOK, "/api/v1/namespaces/kube-system/pods": http.StatusOK, "/api/v1/namespaces/orders/pods?watch=true&timeoutSeconds=1": http.StatusOK,
		"/api/v1/pods": http.StatusForbidden, "/api/v1/namespaces/default/pods": http.StatusForbidden, "/api/v1/nodes": http.StatusForbidden,
		"/api/v1/namespaces/observability/secrets": http.StatusForbidden, "/api/v1/namespaces/observability/configmaps": http.StatusForbidden,
		"/metrics/slis": http.StatusForbidden, "/debug/pprof/": http.StatusForbidden, "/logs/": http.StatusForbidden,
	} {
		if code, out := a.ask(t, http.MethodGet, path, string(token), nil); code != want {
			t.Errorf("GET %s as Prometheus: %d, want %d: %.200s", path, code, want, out)
		}
	}
}

// late is a body that comes after a second, so that its request holds its seat.
type late struct{ wait *time.Timer }

func (l *late) Read([]byte) (int, error) {
	<-l.wait.C
	return 0, io.EOF
}

// crowd has more writes at once than their level has seats.
func (a *apiServer) crowd(t *testing.T) {
	t.Helper()
	const flow, version = "/apis/flowcontrol.apiserver.k8s.io/v1beta3/", "flowcontrol.apiserver.k8s.io/v1beta3"
	user := map[string]any{"kind": "User", "user": map[string]any{"name": "crowd"}}
	all := []string{"*"}
	a.create(t, flow+"prioritylevelconfigurations", map[string]any{"apiVersion": version, "kind": "PriorityLevelConfiguration", "metadata": map[string]any{"name": "crowd"},
		"spec": map[string]any{"type": "Limited", "limited": map[string]any{"nominalConcurrencyShares": 1, "borrowingLimitPercent": 0,
			"limitResponse": map[string]any{"type": "Queue", "queuing": map[string]any{"queues": 1, "handSize": 1, "queueLengthLimit": 1}}}}})
	a.create(t, flow+"flowschemas", map[string]any{"apiVersion": version, "kind": "FlowSchema", "metadata": map[string]any{"name": "crowd"},
		"spec": map[string]any{"matchingPrecedence": 500, "priorityLevelConfiguration": map[string]any{"name": "crowd"},
			"rules": []any{map[string]any{"subjects": []any{user}, "resourceRules": []any{map[string]any{
				"verbs": all, "apiGroups": all, "resources": all, "namespaces": all, "clusterScope": true}}}}}})
	a.create(t, "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", map[string]any{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
		"metadata": map[string]any{"name": "crowd"}, "roleRef": map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
		"subjects": []any{map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "crowd"}}})
	until(t, time.Minute, func() string { return "nobody of the crowd is turned away" }, func() bool {
		var wait sync.WaitGroup
		codes := make([]int, 12)
		for i := range codes {
			wait.Go(func() {
				codes[i], _ = a.ask(t, http.MethodPost, "/api/v1/namespaces/default/configmaps", a.master+"crowd", &late{time.NewTimer(time.Second)})
			})
		}
		wait.Wait()
		return slices.Contains(codes, http.StatusTooManyRequests)
	})
}

// trust puts its certificate and the account's token where the configuration's job
// looks for them.
func (a *apiServer) trust(t *testing.T, c map[string]any) {
	t.Helper()
	for _, job := range c["scrape_configs"].([]any) {
		job := job.(map[string]any)
		if job["job_name"] == "kube-apiserver" {
			job["authorization"].(map[string]any)["credentials_file"] = a.token
			job["tls_config"].(map[string]any)["ca_file"] = a.ca
			job["scrape_interval"], job["scrape_timeout"] = "2s", "2s"
		}
	}
}

// few holds how many of its series are kept, and that nothing that a rule records of
// them is missing.
func (a *apiServer) few(t *testing.T, site *server) {
	t.Helper()
	number := func(expr string) float64 {
		found := site.query(t, expr)
		if len(found) != 1 {
			t.Fatalf("%s: %v\n%s", expr, found, site.words())
		}
		n, err := strconv.ParseFloat(fmt.Sprint(found[0].Value[1]), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	shown, kept := number(`scrape_samples_scraped{job="kube-apiserver"}`), number(`scrape_samples_post_metric_relabeling{job="kube-apiserver"}`)
	t.Logf("of %.0f series of the API server %.0f are kept", shown, kept)
	if kept < 200 || kept > 2000 || kept > shown/5 {
		t.Errorf("of %.0f series %.0f are kept", shown, kept)
	}
	until(t, time.Minute, site.words, func() bool {
		return len(site.query(t, `count by (__name__) ({__name__=~"site:apiserver_.+"})`)) == 9
	})
	// The first was seen when the series came: a rate needs a second.
	a.crowd(t)
	until(t, 30*time.Second, func() string { return "the crowd was turned away, and no rule says so" }, func() bool {
		return len(site.query(t, `site:apiserver_turned_away:rate5m{priority_level="crowd"} > 0`)) > 0
	})
}
