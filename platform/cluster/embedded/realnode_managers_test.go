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

// TestForgetManagers removes what was noted under other settings, and only that.
func TestForgetManagers(t *testing.T) {
	t.Parallel()
	static := catalog.Kubelet{CPUManagerPolicy: "static", MemoryManagerPolicy: "Static", ReservedSystemCPUs: "0", KubeReserved: catalog.Reserved{Memory: "1Gi"}}
	with := func(do func(*catalog.Kubelet)) catalog.Kubelet {
		k := static
		do(&k)
		return k
	}
	both := []string{"cpu_manager_state", "memory_manager_state"}
	for _, c := range []struct {
		name  string
		files []string         // what was noted
		had   *catalog.Kubelet // under which settings, nil for unknown
		now   catalog.Kubelet
		left  []string
	}{
		{"nothing noted", nil, nil, static, nil},
		{"the same", both, &static, static, both},
		{"nobody knows under which settings", both, nil, static, nil},
		{"turned on", both, &catalog.Kubelet{}, static, nil},
		{"turned off", both, &static, catalog.Kubelet{}, nil},
		{"another CPU kept", both, &static, with(func(k *catalog.Kubelet) { k.ReservedSystemCPUs = "1" }), nil},
		{"more memory kept", both, &static, with(func(k *catalog.Kubelet) { k.KubeReserved.Memory = "2Gi" }), nil},
		{"one file only", both[:1], &catalog.Kubelet{}, static, nil},
	} {
		l := layout{name: "a", root: t.TempDir()}
		if err := os.MkdirAll(l.nodeDir("kubelet"), 0o700); err != nil {
			t.Fatal(err)
		}
		if c.had != nil {
			if forgot, err := l.forgetManagers(*c.had); err != nil || forgot {
				t.Fatalf("%s: forgot what was not there: %v, %v", c.name, forgot, err)
			}
		}
		for _, file := range c.files {
			if err := os.WriteFile(l.nodeDir("kubelet", file), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		forgot, err := l.forgetManagers(c.now)
		left := noted(t, l)
		if diff := cmp.Diff(c.left, left); diff != "" || err != nil || forgot != (len(left) < len(c.files)) {
			t.Errorf("%s: left (-want +got), forgot %v, %v:\n%s", c.name, forgot, err, diff)
		}
		if again, err := l.forgetManagers(c.now); err != nil || again {
			t.Errorf("%s: again: %v, %v", c.name, again, err)
		}
	}
}

// TestEmptyManagers: a node without containers begins anew under the same settings.
func TestEmptyManagers(t *testing.T) {
	t.Parallel()
	l := layout{name: "a", root: t.TempDir()}
	err := os.MkdirAll(l.nodeDir("kubelet"), 0o700)
	if err == nil {
		_, err = l.forgetManagers(catalog.Kubelet{})
	}
	err = errors.Join(err, os.WriteFile(l.nodeDir("kubelet", "cpu_manager_state"), []byte("{}"), 0o600), l.emptyManagers(), l.emptyManagers())
	if err != nil {
		t.Fatal(err)
	}
	if forgot, err := l.forgetManagers(catalog.Kubelet{}); err != nil || !forgot || len(noted(t, l)) > 0 {
		t.Errorf("forgot %v (%v), left %v", forgot, err, noted(t, l))
	}
}

func noted(t *testing.T, l layout) []string {
	t.Helper()
	entries, err := os.ReadDir(l.nodeDir("kubelet"))
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	return left
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
