package settings

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

func of(change func(*catalog.ClusterSpec)) Settings {
	c := &catalog.Cluster{Name: "edge-1"}
	if change != nil {
		change(&c.Spec)
	}
	return Of(c, "v1.99.3")
}

func names(flags []Flag) string {
	var out []string
	for _, f := range flags {
		out = append(out, f.Name)
	}
	return strings.Join(out, " ")
}

// TestFlags says which settings a declaration switches on and off.
func TestFlags(t *testing.T) {
	t.Parallel()
	const always = "enable-admission-plugins admission-control-config-file kubelet-preferred-address-types profiling feature-gates encryption-provider-config max-requests-inflight max-mutating-requests-inflight"
	const audit = " audit-policy-file audit-log-path audit-log-maxsize audit-log-maxbackup"
	noAudit := func(s *catalog.ClusterSpec) { s.Kubernetes.Audit.Level = "None" }
	for name, tc := range map[string]struct {
		change  func(*catalog.ClusterSpec)
		servers int
		want    string
	}{
		"one server":  {nil, 1, always + audit},
		"two servers": {nil, 2, always + audit + " goaway-chance"},
		"no audit":    {noAudit, 1, always},
	} {
		if diff := cmp.Diff(tc.want, names(of(tc.change).APIServer(Files{}, tc.servers))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	merged := Merge(map[string]string{"a": "extra", "c": "3"}, []Flag{{"a", "1"}}, []Flag{{"b", "2"}})
	if diff := cmp.Diff(map[string]string{"a": "extra", "b": "2", "c": "3"}, merged); diff != "" {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
}

func TestEtcd(t *testing.T) {
	t.Parallel()
	flags, err := of(nil).EtcdFlags()
	want := []Flag{{"backend-batch-interval", "100ms"}, {"backend-batch-limit", "10000"}, {"snapshot-count", "10000"}, {"quota-backend-bytes", "2147483648"},
		{"heartbeat-interval", "100"}, {"election-timeout", "1000"}}
	if diff := cmp.Diff(want, flags); diff != "" || err != nil {
		t.Errorf("defaults (-want +got), %v:\n%s", err, diff)
	}
	env, err := of(func(s *catalog.ClusterSpec) { s.Etcd.GOGC, s.Etcd.GOMemLimit = 50, "1Gi" }).EtcdEnv()
	if diff := cmp.Diff([]Flag{{"GOGC", "50"}, {"GOMEMLIMIT", "1073741824"}}, env); diff != "" || err != nil {
		t.Errorf("environment (-want +got), %v:\n%s", err, diff)
	}
	if _, err := of(func(s *catalog.ClusterSpec) { s.Etcd.Quota = "-1" }).EtcdFlags(); err == nil || !strings.Contains(err.Error(), "cluster edge-1: spec.etcd.quota") {
		t.Errorf("a negative quota: %v", err)
	}
	if _, err := of(func(s *catalog.ClusterSpec) { s.Etcd.GOMemLimit = "much" }).EtcdEnv(); err == nil || !strings.Contains(err.Error(), "cluster edge-1: spec.etcd.goMemLimit") {
		t.Errorf("a limit that is none: %v", err)
	}
}

// TestNoSecretIsLogged holds the audit policy: no rule logs bodies before the one
// that holds back those of Secrets.
func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	for _, level := range []string{"", "Metadata", "Request"} {
		policy := of(func(s *catalog.ClusterSpec) { s.Kubernetes.Audit.Level = level }).AuditPolicy(Quiet{Users: []string{"a"}, Groups: []string{"b"}})
		text, err := json.Marshal(policy["rules"])
		if err != nil {
			t.Fatal(err)
		}
		var rules []struct {
			Level     string
			Resources []struct{ Resources []string }
		}
		if err := json.Unmarshal(text, &rules); err != nil {
			t.Fatal(err)
		}
		held := false
		for _, r := range rules {
			for _, group := range r.Resources {
				held = held || r.Level == "Metadata" && strings.Contains(strings.Join(group.Resources, " "), "secrets")
			}
			if !held && r.Level != "None" {
				t.Errorf("level %q: a rule logs at %s before Secrets are held back", level, r.Level)
			}
		}
		if !held {
			t.Errorf("level %q: Secrets are not held back", level)
		}
	}
}

// TestKubelet holds what kubelets are told beyond what is always so.
func TestKubelet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		kubelet catalog.Kubelet
		want    Object
	}{
		"nothing declared": {catalog.Kubelet{}, Object{}},
		"their own defaults": {catalog.Kubelet{
			CPUManagerPolicy: "none", TopologyManagerPolicy: "none", TopologyManagerScope: "container", MemoryManagerPolicy: "None", EvictionMemory: "100Mi",
		}, Object{}},
		"pinned": {catalog.Kubelet{
			CPUManagerPolicy: "static", TopologyManagerPolicy: "single-numa-node", TopologyManagerScope: "pod", MemoryManagerPolicy: "Static",
			ReservedSystemCPUs: "0-1", KubeReserved: catalog.Reserved{Memory: "1Gi"}, EvictionMemory: "100Mi",
			ReservedMemory: []catalog.ReservedMemory{{NUMANode: 0, Memory: "1Gi"}, {NUMANode: 1, Memory: "100Mi"}},
		}, Object{
			"cpuManagerPolicy": "static", "topologyManagerPolicy": "single-numa-node", "topologyManagerScope": "pod", "memoryManagerPolicy": "Static",
			"reservedSystemCPUs": "0-1", "kubeReserved": Object{"memory": "1Gi"},
			"reservedMemory": []any{
				Object{"numaNode": 0, "limits": Object{"memory": "1Gi"}}, Object{"numaNode": 1, "limits": Object{"memory": "100Mi"}},
			},
			"evictionHard": Object{"memory.available": "100Mi", "nodefs.available": "10%", "imagefs.available": "15%", "nodefs.inodesFree": "5%"},
		}},
		"kept": {catalog.Kubelet{
			SystemReserved: catalog.Reserved{CPU: "250m", Memory: "256Mi"}, KubeReserved: catalog.Reserved{CPU: "250m"}, EvictionMemory: "200Mi",
		}, Object{
			"systemReserved": Object{"cpu": "250m", "memory": "256Mi"}, "kubeReserved": Object{"cpu": "250m"},
			"evictionHard": Object{"memory.available": "200Mi", "nodefs.available": "10%", "imagefs.available": "15%", "nodefs.inodesFree": "5%"},
		}},
	} {
		got := of(func(s *catalog.ClusterSpec) { s.Kubernetes.Kubelet = tc.kubelet }).Kubelet()
		for field := range of(nil).Kubelet() {
			delete(got, field)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMaxPods(t *testing.T) {
	t.Parallel()
	many := func(s *catalog.ClusterSpec) {
		s.Nodes = []catalog.Node{{Capacity: catalog.Capacity{Pods: 30}}, {Capacity: catalog.Capacity{Pods: 50}}}
	}
	if got := of(many).Kubelet()["maxPods"]; got != 50 {
		t.Errorf("maxPods is %v, want the most that a node offers", got)
	}
	if got := of(nil).MaxPods(); got != 110 {
		t.Errorf("maxPods is %d without nodes", got)
	}
}
