package fleet

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dualtrack.internal/platform/cluster"
)

func TestTally(t *testing.T) {
	t.Parallel()
	node := func(name string, labels, annotations map[string]string) corev1.Node {
		return corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels, Annotations: annotations}}
	}
	nodes := []corev1.Node{
		node("real", map[string]string{cluster.RealNodeLabel: "true"}, nil),
		node("played", nil, map[string]string{cluster.SimulatedNodeAnnotation: cluster.SimulatedNode}),
		node("says both", map[string]string{cluster.RealNodeLabel: "true"}, map[string]string{cluster.SimulatedNodeAnnotation: cluster.SimulatedNode}),
		node("plain", nil, nil),
	}
	var pods []corev1.Pod
	for _, on := range []string{"real", "real", "played", "says both", "plain", "gone"} {
		pods = append(pods, corev1.Pod{Spec: corev1.PodSpec{NodeName: on}})
	}
	for _, c := range []struct {
		name     string
		doubtful bool
		want     Pods
	}{
		{"some node is simulated: an unmarked one is not believed", true, Pods{Observed: 2, Simulated: 4}},
		{"every node is real: only a simulator's mark says otherwise", false, Pods{Observed: 3, Simulated: 3}},
	} {
		if diff := cmp.Diff(&c.want, tally(nodes, pods, c.doubtful)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
