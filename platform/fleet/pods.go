package fleet

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/track"
)

// Pods counts the pods on a cluster's nodes by who says how they are.
type Pods struct {
	Observed  int // on nodes with a kubelet, which runs their containers
	Simulated int // on nodes that a simulator plays
}

// countPods asks a cluster for its pods and nodes; nil when it does not say.
func countPods(ctx context.Context, access cluster.Access) *Pods {
	ctx, cancel := context.WithTimeout(ctx, versionWait)
	defer cancel()
	config := track.ReadOnly(access.Config)
	connection, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil
	}
	defer connection.CloseIdleConnections()
	client, err := kubernetes.NewForConfigAndClient(config, connection)
	if err != nil {
		return nil
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName!="})
	if err != nil {
		return nil
	}
	return tally(nodes.Items, pods.Items, slices.Contains(access.Lacks, cluster.RunsPods))
}

// tally counts pods by the kind of their node. Where some node is simulated, or
// may be, one counts as real only if it says so; a node that is not there runs
// nothing.
func tally(nodes []corev1.Node, pods []corev1.Pod, doubtful bool) *Pods {
	kubelet := map[string]bool{}
	for _, n := range nodes {
		kubelet[n.Name] = n.Annotations[cluster.SimulatedNodeAnnotation] != cluster.SimulatedNode &&
			(!doubtful || n.Labels[cluster.RealNodeLabel] != "")
	}
	var out Pods
	for _, p := range pods {
		if kubelet[p.Spec.NodeName] {
			out.Observed++
		} else {
			out.Simulated++
		}
	}
	return &out
}
