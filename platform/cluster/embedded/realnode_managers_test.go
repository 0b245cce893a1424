package embedded

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"dualtrack.internal/platform/catalog"
)

// TestForgetManagers removes what was noted under another policy, and only that.
func TestForgetManagers(t *testing.T) {
	t.Parallel()
	static := catalog.Kubelet{CPUManagerPolicy: "static", MemoryManagerPolicy: "Static"}
	for _, c := range []struct {
		name, cpu, memory string // what was noted, "" for no file
		kubelet           catalog.Kubelet
		left              []string
	}{
		{"nothing noted", "", "", static, nil},
		{"the same", `{"policyName":"static","defaultCpuSet":"1-3"}`, `{"policyName":"Static"}`, static, []string{"cpu_manager_state", "memory_manager_state"}},
		{"turned on", `{"policyName":"none"}`, `{"policyName":"None"}`, static, nil},
		{"turned off", `{"policyName":"static"}`, `{"policyName":"None"}`, catalog.Kubelet{}, []string{"memory_manager_state"}},
	} {
		l := layout{name: "a", root: t.TempDir()}
		if err := os.MkdirAll(l.nodeDir("kubelet"), 0o700); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"cpu_manager_state": c.cpu, "memory_manager_state": c.memory} {
			if text == "" {
				continue
			}
			if err := os.WriteFile(l.nodeDir("kubelet", file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.forgetManagers(c.kubelet); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		var left []string
		entries, err := os.ReadDir(l.nodeDir("kubelet"))
		for _, e := range entries {
			left = append(left, e.Name())
		}
		if diff := cmp.Diff(c.left, left); diff != "" || err != nil {
			t.Errorf("%s: left (-want +got), %v:\n%s", c.name, err, diff)
		}
	}
	l := layout{name: "a", root: t.TempDir()}
	if err := errors.Join(os.MkdirAll(l.nodeDir("kubelet"), 0o700), os.WriteFile(l.nodeDir("kubelet", "cpu_manager_state"), []byte("{"), 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := l.forgetManagers(static); err == nil {
		t.Error("a damaged file is no error")
	}
}

// TestAllocatable takes what the kubelet would keep from what pods get.
func TestAllocatable(t *testing.T) {
	t.Parallel()
	capacity := corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4"), corev1.ResourceMemory: resource.MustParse("8Gi"), corev1.ResourcePods: resource.MustParse("110")}
	for _, c := range []struct {
		kubelet catalog.Kubelet
		want    string
	}{
		{catalog.Kubelet{}, "4 8Gi 110"},
		{catalog.Kubelet{ReservedSystemCPUs: "0,2", EvictionMemory: "100Mi", KubeReserved: catalog.Reserved{Memory: "924Mi"}}, "2 7Gi 110"},
		{catalog.Kubelet{SystemReserved: catalog.Reserved{CPU: "250m"}, KubeReserved: catalog.Reserved{CPU: "250m"}}, "3500m 8Gi 110"},
	} {
		got := allocatable(capacity, c.kubelet)
		if diff := cmp.Diff(c.want, got.Cpu().String()+" "+got.Memory().String()+" "+got.Pods().String()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.kubelet, diff)
		}
	}
}
