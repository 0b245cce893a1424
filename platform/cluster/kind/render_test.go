package kind

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

var update = flag.Bool("update", false, "rewrite golden files")

// testSpec is a cluster nobody starts.
func testSpec(change func(*catalog.ClusterSpec)) cluster.Spec {
	c := &catalog.Cluster{Name: "edge-1", File: "clusters/edge-1/cluster.yaml"}
	s := &c.Spec
	s.Site = catalog.Site{Region: "eu-north", Zone: "eu-north-a"}
	s.Kubernetes = catalog.Kubernetes{APIServers: 1, EncryptSecrets: true, Audit: catalog.Audit{Level: "Metadata", MaxSizeMB: 20, MaxBackups: 3}}
	s.Etcd = catalog.Etcd{
		Members: 1, GOGC: 75, GOMemLimit: "1Gi", BatchInterval: catalog.Duration(50 * time.Millisecond),
		BatchLimit: 5000, SnapshotCount: 20000, Quota: "4Gi",
	}
	s.Nodes = []catalog.Node{
		{Name: "store", Count: 2, Labels: catalog.Labels{"example.org/kind": "plain", "node-restriction.kubernetes.io/site": "yes"}, Capacity: catalog.Capacity{Pods: 50}},
		{Name: "gpu", Zone: "eu-north-b", Taints: []catalog.Taint{{Key: "example.org/gpu", Value: "yes", Effect: "NoSchedule"}}},
	}
	if change != nil {
		change(s)
	}
	return cluster.Spec{Fleet: "demo", Cluster: c, Kubernetes: "v1.99.3"}
}

func TestRender(t *testing.T) {
	t.Parallel()
	two := 2
	for name, change := range map[string]func(*catalog.ClusterSpec){
		"single": nil,
		"ha": func(s *catalog.ClusterSpec) {
			s.Etcd.Members = 3
			s.Etcd.HeartbeatInterval, s.Etcd.ElectionTimeout = catalog.Duration(200*time.Millisecond), catalog.Duration(2*time.Second)
			s.Etcd.ExtraArgs = map[string]string{"auto-compaction-retention": "8"}
			s.Kubernetes.Requests = catalog.Requests{Inflight: 800, MutatingInflight: 300}
			s.Kubernetes.Kubelet = catalog.Kubelet{
				CPUManagerPolicy: "static", TopologyManagerPolicy: "single-numa-node", MemoryManagerPolicy: "Static", ReservedSystemCPUs: "0",
				KubeReserved: catalog.Reserved{Memory: "924Mi"}, ReservedMemory: []catalog.ReservedMemory{{Memory: "1Gi"}},
			}
			s.Kubernetes.Audit.Level = "None"
			s.Kubernetes.EncryptSecrets = false
			s.Kubernetes.AdmissionPlugins = []string{"AlwaysPullImages"}
			s.Kubernetes.ExtraArgs = catalog.ExtraArgs{
				APIServer:         map[string]string{"goaway-chance": "0.01", "event-ttl": "30m"},
				ControllerManager: map[string]string{"kube-api-qps": "40"},
				Scheduler:         map[string]string{"kube-api-qps": "30"},
			}
			s.Kind = catalog.Kind{
				Workers:      &two,
				PortMappings: []catalog.PortMapping{{ContainerPort: 30080, HostPort: 8080, Address: "127.0.0.1", Protocol: "TCP"}},
				Mirrors:      []catalog.Mirror{{Registry: "registry.example.org", Endpoints: []string{"http://192.0.2.1:5000", "https://mirror.example.org"}}},
				ExtraMounts:  []catalog.Mount{{HostPath: "/srv/data", ContainerPath: "/data", ReadOnly: true}},
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := Render(testSpec(change), Image{Ref: "example.org/node:1", EtcdTag: "9.9.9-0"})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, f := range files {
				fmt.Fprintf(&b, "---\n# %s\n%s", f.Path, f.Data)
			}
			golden(t, name+".yaml", b.String())
		})
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// TestNodes says which nodes a declaration makes, and what each is given.
func TestNodes(t *testing.T) {
	t.Parallel()
	none := 0
	for name, tc := range map[string]struct {
		change func(*catalog.ClusterSpec)
		want   []string
	}{
		"alone": {nil, []string{
			"dualtrack-demo-edge-1-control-plane eu-north-a plain []",
		}},
		"three members": {func(s *catalog.ClusterSpec) { s.Etcd.Members = 3 }, []string{
			"dualtrack-demo-edge-1-control-plane eu-north-a  []", "dualtrack-demo-edge-1-control-plane2 eu-north-b  []",
			"dualtrack-demo-edge-1-control-plane3 eu-north-a  []", "dualtrack-demo-edge-1-worker eu-north-a plain []",
		}},
		"its own numbers": {func(s *catalog.ClusterSpec) { s.Etcd.Members, s.Kind.ControlPlanes, s.Kind.Workers = 3, 1, new(2) }, []string{
			"dualtrack-demo-edge-1-control-plane eu-north-a  []", "dualtrack-demo-edge-1-worker eu-north-a plain []",
			"dualtrack-demo-edge-1-worker2 eu-north-b  [example.org/gpu:NoSchedule]",
		}},
		"control planes alone": {func(s *catalog.ClusterSpec) { s.Etcd.Members, s.Kind.Workers = 3, &none }, []string{
			"dualtrack-demo-edge-1-control-plane eu-north-a plain []",
			"dualtrack-demo-edge-1-control-plane2 eu-north-b  [example.org/gpu:NoSchedule]",
			"dualtrack-demo-edge-1-control-plane3 eu-north-a plain []",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, n := range newPlan(testSpec(tc.change), Image{}).nodes {
				var ids []string
				for _, taint := range n.taints {
					ids = append(ids, taintID(taint))
				}
				got = append(got, fmt.Sprintf("%s %s %s %v", n.name, n.labels[corev1.LabelTopologyZone], n.labels["example.org/kind"], ids))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("nodes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestHash says what a running cluster can take on.
func TestHash(t *testing.T) {
	t.Parallel()
	hash := func(change func(*catalog.ClusterSpec)) string {
		h, err := newPlan(testSpec(change), Image{Ref: "example.org/node:1", EtcdTag: "9.9.9-0"}).hash()
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	before := hash(nil)
	for name, tc := range map[string]struct {
		change func(*catalog.ClusterSpec)
		same   bool
	}{
		"labels and taints": {func(s *catalog.ClusterSpec) { s.Nodes[0].Labels, s.Nodes[1].Taints = nil, nil }, true},
		"zone":              {func(s *catalog.ClusterSpec) { s.Site.Zone = "elsewhere" }, true},
		"components":        {func(s *catalog.ClusterSpec) { s.Components = []catalog.ClusterComponent{{Name: "x"}} }, true},
		"GOGC":              {func(s *catalog.ClusterSpec) { s.Etcd.GOGC = 50 }, false},
		"audit":             {func(s *catalog.ClusterSpec) { s.Kubernetes.Audit.Level = "Request" }, false},
		"flags":             {func(s *catalog.ClusterSpec) { s.Kubernetes.ExtraArgs.Scheduler = map[string]string{"v": "2"} }, false},
		"nodes":             {func(s *catalog.ClusterSpec) { s.Kind.Workers = new(1) }, false},
		"pods":              {func(s *catalog.ClusterSpec) { s.Nodes[0].Capacity.Pods = 60 }, false},
	} {
		if same := hash(tc.change) == before; same != tc.same {
			t.Errorf("%s: the hash is the same: %t, want %t", name, same, tc.same)
		}
	}
	if p := newPlan(testSpec(nil), Image{Ref: "example.org/node:2", EtcdTag: "9.9.9-0"}); before != must(p.hash()) {
		t.Error("another image makes a cluster another")
	}
}

func must(s string, err error) string {
	if err != nil {
		return err.Error()
	}
	return s
}

func TestNames(t *testing.T) {
	t.Parallel()
	long := kindName("a-fleet-with-a-long-name", "a-cluster-with-a-long-name")
	if len(long) > mostName || long == kindName("a-fleet-with-a-long-name", "a-cluster-with-a-long-other") {
		t.Errorf("%q has %d letters, or is another's name too", long, len(long))
	}
	if got := kindName("demo", "edge-1"); got != "dualtrack-demo-edge-1" {
		t.Errorf("name is %q", got)
	}
}

// TestMerge keeps what others set on a node.
func TestMerge(t *testing.T) {
	t.Parallel()
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{"old": "1", "theirs": "2"},
			Annotations: map[string]string{ownLabels: "old", ownTaints: "old:NoSchedule"},
		},
		Spec: corev1.NodeSpec{Taints: []corev1.Taint{{Key: "old", Effect: "NoSchedule"}, {Key: "theirs", Effect: "NoExecute"}, {Key: "new", Value: "a", Effect: "NoSchedule"}}},
	}
	want := node{labels: map[string]string{"new": "3"}, taints: []corev1.Taint{{Key: "new", Value: "b", Effect: "NoSchedule"}}}
	merge(n, want)
	merged := n.DeepCopy()
	merge(n, want)
	if diff := cmp.Diff(merged, n); diff != "" {
		t.Errorf("a second merge changed (-first +second):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"new": "3", "theirs": "2"}, n.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	taints := []corev1.Taint{{Key: "theirs", Effect: "NoExecute"}, {Key: "new", Value: "b", Effect: "NoSchedule"}}
	if diff := cmp.Diff(taints, n.Spec.Taints); diff != "" {
		t.Errorf("taints (-want +got):\n%s", diff)
	}
}
