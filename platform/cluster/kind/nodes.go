package kind

import (
	"maps"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"

	"dualtrack.internal/platform/catalog"
)

// node is one container that is a node, and what its Node object says.
type node struct {
	name   string
	role   v1alpha4.NodeRole
	labels map[string]string
	taints []corev1.Taint
}

// workerRole is the label by which people tell workers in a list.
const workerRole = "node-role.kubernetes.io/worker"

// nameNodes gives each node its place and, to those that run workloads, the
// labels and taints of the declared groups in turn.
func (p plan) nameNodes() []node {
	var nodes []node
	for i, name := range numbered(p.name+"-control-plane", p.control) {
		n := node{name: name, role: v1alpha4.ControlPlaneRole, labels: map[string]string{}}
		p.place(&n, i, p.workers == 0)
		nodes = append(nodes, n)
	}
	for i, name := range numbered(p.name+"-worker", p.workers) {
		n := node{name: name, role: v1alpha4.WorkerRole, labels: map[string]string{workerRole: ""}}
		p.place(&n, i, true)
		nodes = append(nodes, n)
	}
	return nodes
}

// place sets what the i-th node of its role gets from the declaration.
func (p plan) place(n *node, i int, workload bool) {
	spec := p.spec.Cluster.Spec
	var group catalog.Node
	if len(spec.Nodes) > 0 {
		group = spec.Nodes[i%len(spec.Nodes)]
	}
	if workload {
		maps.Copy(n.labels, group.Labels)
		for _, t := range group.Taints {
			n.taints = append(n.taints, corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)})
		}
	}
	zone := group.Zone
	if zone == "" {
		zone = spec.Site.Zone
	}
	for key, value := range map[string]string{corev1.LabelTopologyRegion: spec.Site.Region, corev1.LabelTopologyZone: zone} {
		if value != "" {
			n.labels[key] = value
		}
	}
}

// kubeletLabels are those that a kubelet may give itself.
func (n node) kubeletLabels() map[string]string {
	out := map[string]string{}
	for key, value := range n.labels {
		domain, _, prefixed := strings.Cut(key, "/")
		reserved := prefixed && (domain == "kubernetes.io" || strings.HasSuffix(domain, ".kubernetes.io") ||
			domain == "k8s.io" || strings.HasSuffix(domain, ".k8s.io"))
		if !reserved || strings.HasPrefix(key, "topology.kubernetes.io/") {
			out[key] = value
		}
	}
	return out
}
