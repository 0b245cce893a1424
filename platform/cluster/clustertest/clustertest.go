// Package clustertest is the contract of cluster providers as code: Run holds
// what every cluster.Core must do, and the other functions give tests of any
// package the programs and a declaration to start a real cluster with. It is
// used by tests only.
package clustertest

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/nodeimage"
	"dualtrack.internal/platform/tool"
)

// Root is the repository's folder.
func Root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "tools", "controlplane", "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("the test does not run inside the repository")
		}
		dir = filepath.Dir(dir)
	}
}

// Baseline is the repository's.
func Baseline(t testing.TB) *catalog.Baseline {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(Root(t), "components", "baseline.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var baseline struct {
		Spec catalog.BaselineSpec `json:"spec"`
	}
	if err := yaml.Unmarshal(data, &baseline); err != nil {
		t.Fatalf("components/baseline.yaml: %v", err)
	}
	return &catalog.Baseline{Spec: baseline.Spec}
}

// KubernetesVersion is the baseline's, which the control plane program reports.
func KubernetesVersion(t testing.TB) string {
	t.Helper()
	return Baseline(t).Spec.Kubernetes
}

// EtcdTag is the tag of etcd's image in our node image.
func EtcdTag(t testing.TB) string {
	t.Helper()
	return nodeimage.EtcdTag(Baseline(t))
}

// Programs gives the programs of the control plane, building them into the
// user's cache if they are not there: minutes once, nothing afterwards, and
// before it returns, so that no bound of a test on a start counts them. It
// prints the progress to standard error, since a first build is long.
func Programs(t testing.TB) func(context.Context) (map[string]string, error) {
	t.Helper()
	store, err := tool.New(tool.Config{
		ToolsDir: filepath.Join(Root(t), "tools"),
		Programs: tool.Programs(KubernetesVersion(t)),
	})
	if err != nil {
		t.Fatal(err)
	}
	paths, err := store.Ensure(t.Context(), nil, tool.Events{Progress: func(p tool.Progress) {
		if p.State != tool.Building || p.Elapsed.Seconds() < 1 {
			fmt.Fprintf(os.Stderr, "%s %s (%s of about %s) %v\n", p.State, p.Program, p.Elapsed, p.Expected, p.Holder)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	return func(context.Context) (map[string]string, error) { return paths, nil }
}

// Client speaks HTTP with the cluster as its administrator. Its connections are
// its own and end with the test, so that none is left for a leak check to find.
func Client(t testing.TB, access cluster.Access) *http.Client {
	t.Helper()
	cfg, err := rest.TLSConfigFor(access.Config)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: cfg, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// Spec declares a small cluster: one etcd member, one API server, two nodes,
// one of them tainted. Change it as the test needs.
func Spec(t testing.TB, name string) cluster.Spec {
	t.Helper()
	c := &catalog.Cluster{Name: name, File: "clusters/" + name + "/cluster.yaml"}
	c.Spec.Role, c.Spec.Profile = catalog.Edge, "tiny"
	c.Spec.Site = catalog.Site{City: "Testville", Region: "test-1", Zone: "test-1a", TimeZone: "UTC"}
	c.Spec.Kubernetes = catalog.Kubernetes{
		APIServers: 1, EncryptSecrets: true,
		PodSecurity: catalog.PodSecurity{Enforce: "baseline", Warn: "restricted", Audit: "restricted"},
		Audit:       catalog.Audit{Level: "Metadata", MaxSizeMB: 20, MaxBackups: 3},
	}
	c.Spec.Etcd = catalog.Etcd{Members: 1, GOGC: 100}
	capacity := catalog.Capacity{CPU: "2", Memory: "4Gi", Pods: 50}
	c.Spec.Nodes = []catalog.Node{
		{Name: "worker", Count: 1, Labels: catalog.Labels{"example.org/kind": "plain"}, Capacity: capacity},
		{Name: "gpu", Count: 1, Zone: "test-1b", Taints: []catalog.Taint{{Key: "example.org/gpu", Value: "yes", Effect: "NoSchedule"}}, Capacity: capacity},
	}
	return cluster.Spec{Fleet: "test", Cluster: c, Kubernetes: KubernetesVersion(t)}
}
