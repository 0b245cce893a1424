//go:build linux

package embedded_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
)

// TestSimulated: a load balancer gets an address, a claim a volume of the node
// its pod is sent to, both labelled; what leaves the declaration goes, unless a
// claim holds it.
func TestSimulated(t *testing.T) {
	t.Parallel()
	p := provider(t, t.TempDir(), "played", nil)
	spec := clustertest.Spec(t, "played")
	declared := *spec.Cluster
	spec.Cluster = &declared
	node := declared.Spec.Nodes[0]
	node.Volumes = []catalog.Volume{{Size: "1Gi", Count: 2}, {Size: "5Gi", Count: 1}}
	declared.Spec.Nodes = []catalog.Node{node}
	access := start(t, p, spec)
	if slices.Contains(access.Lacks, cluster.Volumes) || !slices.Contains(access.Lacks, cluster.RunsPods) {
		t.Errorf("the cluster lacks %v", access.Lacks)
	}
	core := clustertest.Core(t, access)
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "entry"}, Spec: corev1.ServiceSpec{
		Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}},
	}}
	claim := &corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: "data"}, Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("3Gi")}},
	}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "store"}, Spec: corev1.PodSpec{
		Containers: []corev1.Container{{Name: "store", Image: "example.org/store", VolumeMounts: []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}}},
		Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "data"},
		}}},
	}}
	_, errS := core.Services("default").Create(t.Context(), service, metav1.CreateOptions{})
	_, errC := core.PersistentVolumeClaims("default").Create(t.Context(), claim, metav1.CreateOptions{})
	_, errP := core.Pods("default").Create(t.Context(), pod, metav1.CreateOptions{})
	for _, err := range []error{errS, errC, errP} {
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "a simulated address of the service", func() bool {
		s, err := core.Services("default").Get(t.Context(), "entry", metav1.GetOptions{})
		return err == nil && len(s.Status.LoadBalancer.Ingress) == 1 && s.Status.LoadBalancer.Ingress[0].IP == s.Spec.ClusterIP &&
			s.Annotations["platform.dualtrack.internal/simulated"] == "load-balancer"
	})
	eventually(t, "the claim bound to the only volume that is large enough", func() bool {
		c, err := core.PersistentVolumeClaims("default").Get(t.Context(), "data", metav1.GetOptions{})
		return err == nil && c.Status.Phase == corev1.ClaimBound && c.Spec.VolumeName == "worker-volume-3"
	})
	eventually(t, "the pod running", func() bool {
		live, err := core.Pods("default").Get(t.Context(), "store", metav1.GetOptions{})
		return err == nil && live.Status.Phase == corev1.PodRunning
	})
	if got := start(t, p, spec).Changed; len(got) > 0 {
		t.Errorf("a second start changed %v", got)
	}
	fewer := node
	fewer.Volumes = nil
	declared.Spec.Nodes = []catalog.Node{fewer}
	want := []string{
		"volume worker-volume-1: deleted (not declared)", "volume worker-volume-2: deleted (not declared)",
		"volume worker-volume-3: kept (not declared, and a claim holds it)",
	}
	if diff := cmp.Diff(want, start(t, p, spec).Changed); diff != "" {
		t.Errorf("without volumes (-want +got):\n%s", diff)
	}
}
