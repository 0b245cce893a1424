//go:build linux

package embedded_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
)

// TestSettings asks the running programs whether they were given what the
// cluster declares.
func TestSettings(t *testing.T) {
	t.Parallel()
	dir, spec := t.TempDir(), clustertest.Spec(t, "settings")
	spec.Cluster.Spec.Etcd = catalog.Etcd{
		Members: 1, GOGC: 75, GOMemLimit: "300Mi", BatchInterval: catalog.Duration(50 * time.Millisecond),
		BatchLimit: 5000, SnapshotCount: 20000, Quota: "1Gi",
		HeartbeatInterval: catalog.Duration(200 * time.Millisecond), ElectionTimeout: catalog.Duration(2 * time.Second),
		ExtraArgs: map[string]string{"auto-compaction-retention": "8h"},
	}
	k := &spec.Cluster.Spec.Kubernetes
	k.Audit = catalog.Audit{Level: "Request", MaxSizeMB: 7, MaxBackups: 2}
	k.AdmissionPlugins = []string{"DenyServiceExternalIPs"}
	k.Requests = catalog.Requests{Inflight: 800, MutatingInflight: 300}
	k.ExtraArgs.APIServer = map[string]string{"event-ttl": "30m"}
	p := provider(t, dir, "settings", nil)
	access := start(t, p, spec)
	root := filepath.Join(dir, "settings")
	etcd, client := etcdClient(t, root)

	t.Run("etcd's own metrics", func(t *testing.T) {
		m := metrics(t, get(t, client, etcd+"/metrics"))
		want := map[string]float64{"go_gc_gogc_percent": 75, "go_gc_gomemlimit_bytes": 300 << 20, "etcd_server_quota_backend_bytes": 1 << 30}
		got := map[string]float64{}
		for name := range want {
			got[name] = m[name]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("metrics (-want +got):\n%s", diff)
		}
	})
	t.Run("flags of the running programs", func(t *testing.T) {
		for program, flags := range map[string][]string{
			"etcd": {"--backend-batch-interval=50ms", "--backend-batch-limit=5000", "--snapshot-count=20000", "--quota-backend-bytes=1073741824",
				"--heartbeat-interval=200", "--election-timeout=2000", "--auto-compaction-retention=8h"},
			"kube-apiserver": {
				"--audit-log-maxsize=7", "--audit-log-maxbackup=2", "--event-ttl=30m", "--authorization-mode=Node,RBAC",
				"--enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs", "--anonymous-auth=false",
				"--max-requests-inflight=800", "--max-mutating-requests-inflight=300",
			},
		} {
			running := argv(t, processes(t, dir)[program])
			for _, flag := range flags {
				if !slices.Contains(running, flag) {
					t.Errorf("%s runs without %s:\n%s", program, flag, strings.Join(running, "\n"))
				}
			}
		}
	})
	t.Run("secrets are encrypted in the store and absent from the audit log", func(t *testing.T) { secrets(t, access, root) })
	t.Run("Pod Security refuses by default", func(t *testing.T) {
		yes := true
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "root"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name: "c", Image: "example.org/c:1", SecurityContext: &corev1.SecurityContext{Privileged: &yes},
		}}}}
		_, err := clustertest.Core(t, access).Pods("default").Create(t.Context(), pod, metav1.CreateOptions{})
		if !apierrors.IsForbidden(err) {
			t.Errorf("a privileged pod is answered %v", err)
		}
	})
	t.Run("nobody enters without a certificate", func(t *testing.T) { anonymous(t, access, etcd) })
	t.Run("secret files are the owner's alone", func(t *testing.T) { modes(t, root) })
	t.Run("requests are shared out as component api-fairness says", func(t *testing.T) { fairness(t, access) })
	t.Run("no program was given what is deprecated", func(t *testing.T) { deprecated(t, root) })
	t.Run("everything listens on loopback", func(t *testing.T) { loopbackOnly(t, dir, root) })
}

func etcdClient(t *testing.T, root string) (string, *http.Client) {
	t.Helper()
	var id struct{ Ports map[string]int }
	readJSON(t, filepath.Join(root, "cluster.json"), &id)
	pki := filepath.Join(root, "pki")
	cert, err := tls.LoadX509KeyPair(filepath.Join(pki, "etcd-client.crt"), filepath.Join(pki, "etcd-client.key"))
	if err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(filepath.Join(pki, "etcd-ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: roots}}
	t.Cleanup(transport.CloseIdleConnections)
	return "https://127.0.0.1:" + strconv.Itoa(id.Ports["etcd client"]), &http.Client{Transport: transport, Timeout: time.Minute}
}

func secrets(t *testing.T, access cluster.Access, root string) {
	const secret = "correct horse battery staple"
	core := clustertest.Core(t, access)
	_, err := core.Secrets("default").Create(t.Context(),
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s"}, StringData: map[string]string{"k": secret}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = core.Services("default").Create(t.Context(), // its body is logged, which shows that bodies are
		&corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "logged"}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	etcd, client := etcdClient(t, root)
	query := `{"key":"` + base64.StdEncoding.EncodeToString([]byte("/registry/secrets/default/s")) + `"}`
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, etcd+"/v3/kv/range", strings.NewReader(query))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Kvs []struct{ Value []byte } }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || len(answer.Kvs) != 1 {
		t.Fatalf("read the store: %v, %v", answer, err)
	}
	if !bytes.HasPrefix(answer.Kvs[0].Value, []byte("k8s:enc:secretbox:v1:key-1:")) || bytes.Contains(answer.Kvs[0].Value, []byte(secret)) {
		t.Errorf("the store holds %q", answer.Kvs[0].Value)
	}
	log := auditLog(t, root, `"resource":"secrets","namespace":"default","name":"s"`, `"name":"logged"`)
	if strings.Contains(log, secret) || strings.Contains(log, base64.StdEncoding.EncodeToString([]byte(secret))) {
		t.Error("the audit log holds a secret")
	}
}

// auditLog reads the audit log once it holds all of want: an entry may be
// written just after its request was answered.
func auditLog(t *testing.T, root string, want ...string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; pause(t, 100*time.Millisecond) {
		data, err := os.ReadFile(filepath.Join(root, "audit", "kube-apiserver.log"))
		if err != nil {
			t.Fatal(err)
		}
		missing := slices.DeleteFunc(slices.Clone(want), func(s string) bool { return strings.Contains(string(data), s) })
		if len(missing) == 0 {
			return string(data)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the audit log lacks %q", missing)
		}
	}
}

func anonymous(t *testing.T, access cluster.Access, etcd string) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	for _, url := range []string{access.Config.Host + "/readyz", etcd + "/health"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			continue // etcd ends the handshake
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s answers a stranger %s", url, resp.Status)
		}
	}
}

func modes(t *testing.T, root string) {
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || strings.Contains(path, "/data/") {
			return nil // etcd's own; its folder is closed
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s", path, info.Mode())
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// loopbackOnly looks in the system's own table at what the programs listen on.
func loopbackOnly(t *testing.T, dir, root string) {
	sockets := map[string]bool{}
	for _, pid := range processes(t, dir) {
		links, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if target, err := os.Readlink(l); err == nil {
				sockets[target] = true
			}
		}
	}
	listeners := 0
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(table)
		if err != nil {
			continue
		}
		for _, line := range strings.Split(string(data), "\n") {
			f := strings.Fields(line)
			if len(f) < 10 || f[3] != "0A" || !sockets["socket:["+f[9]+"]"] {
				continue
			}
			listeners++
			if !strings.HasPrefix(f[1], "0100007F:") {
				t.Errorf("a program of %s listens on %s", root, f[1])
			}
		}
	}
	if listeners != 6 {
		t.Errorf("%d listeners, want 6", listeners)
	}
}

func argv(t *testing.T, pid int) []string {
	t.Helper()
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(data), "\x00")
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}

// listen takes a port that a killed program just leaves, and returns what gives
// it back.
func listen(t *testing.T, port int) func() {
	t.Helper()
	var lc net.ListenConfig
	for deadline := time.Now().Add(30 * time.Second); ; pause(t, 20*time.Millisecond) {
		l, err := lc.Listen(t.Context(), "tcp4", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			return func() {
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}
