package clustertest

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

// nodes changes every part of the nodes' declaration.
func (s *suite) nodes(t *testing.T) {
	before := s.spec.Cluster
	changed := *before
	s.spec.Cluster = &changed
	kept := before.Spec.Nodes[0]
	kept.Labels = catalog.Labels{"example.org/new": "yes"}
	kept.Taints = []catalog.Taint{{Key: "example.org/new", Effect: "PreferNoSchedule"}}
	kept.Capacity.Memory, kept.Zone = "6Gi", "elsewhere"
	changed.Spec.Nodes = []catalog.Node{kept, {Name: "many", Count: 3, Capacity: catalog.Capacity{CPU: "1", Memory: "1Gi", Pods: 10}}}
	s.compareNodes(t, s.start(t))
	s.spec.Cluster = before
	s.compareNodes(t, s.start(t))
}

// node is what the suite compares of a node.
type node struct {
	Name, Zone, Region, Hostname, CPU, Memory, Pods string
	Labels                                          map[string]string // declared ones
	Taints                                          []string
	Ready                                           bool
}

func (s *suite) compareNodes(t *testing.T, access cluster.Access) {
	t.Helper()
	list, err := Core(t, access).Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []node
	for _, n := range list.Items {
		got = append(got, observed(n))
	}
	var want []node
	switch s.traits.Nodes {
	case OwnNodes:
		return
	case RealNodes:
		want = s.inTurn(t, list.Items, got)
	case DeclaredNodes:
		want = s.declared()
	}
	for _, nodes := range [][]node{got, want} {
		slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.Name, b.Name) })
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

// inTurn gives the declared groups to the real nodes that take workloads, and
// takes what is a machine's own as it is.
func (s *suite) inTurn(t *testing.T, items []corev1.Node, got []node) []node {
	t.Helper()
	const control = "node-role.kubernetes.io/control-plane"
	workers := slices.ContainsFunc(items, func(n corev1.Node) bool { _, is := n.Labels[control]; return !is })
	sorted := slices.SortedFunc(slices.Values(items), func(a, b corev1.Node) int { return cmp.Compare(a.Name, b.Name) })
	turn := map[bool]int{}
	var want []node
	for _, n := range sorted {
		_, isControl := n.Labels[control]
		group := s.spec.Cluster.Spec.Nodes[turn[isControl]%len(s.spec.Cluster.Spec.Nodes)]
		turn[isControl]++
		own := got[slices.IndexFunc(got, func(g node) bool { return g.Name == n.Name })]
		w := node{
			Name: n.Name, Hostname: n.Name, Zone: cmp.Or(group.Zone, s.spec.Cluster.Spec.Site.Zone), Region: s.spec.Cluster.Spec.Site.Region,
			CPU: own.CPU, Memory: own.Memory, Pods: own.Pods, Labels: map[string]string{}, Ready: true,
		}
		if !isControl || !workers {
			maps.Copy(w.Labels, group.Labels)
			for _, taint := range group.Taints {
				w.Taints = append(w.Taints, taint.Key+"="+taint.Value+":"+taint.Effect)
			}
		}
		want = append(want, w)
	}
	if len(want) == 0 {
		t.Error("the cluster has no node")
	}
	return want
}

func (s *suite) declared() []node {
	var want []node
	for _, n := range s.spec.Cluster.Spec.Nodes {
		names := []string{n.Name}
		if n.Count > 1 {
			names = nil
			for i := range n.Count {
				names = append(names, n.Name+"-"+strconv.Itoa(i+1))
			}
		}
		for _, name := range names {
			w := node{
				Name: name, Hostname: name, Zone: cmp.Or(n.Zone, s.spec.Cluster.Spec.Site.Zone), Region: s.spec.Cluster.Spec.Site.Region,
				CPU: string(n.Capacity.CPU), Memory: string(n.Capacity.Memory), Pods: strconv.Itoa(n.Capacity.Pods),
				Labels: map[string]string{}, Ready: true,
			}
			for k, v := range n.Labels {
				w.Labels[k] = v
			}
			for _, taint := range n.Taints {
				w.Taints = append(w.Taints, taint.Key+"="+taint.Value+":"+taint.Effect)
			}
			want = append(want, w)
		}
	}
	return want
}

func observed(n corev1.Node) node {
	got := node{
		Name: n.Name, Hostname: n.Labels[corev1.LabelHostname], Zone: n.Labels[corev1.LabelTopologyZone],
		Region: n.Labels[corev1.LabelTopologyRegion], CPU: n.Status.Capacity.Cpu().String(),
		Memory: n.Status.Allocatable.Memory().String(), Pods: n.Status.Capacity.Pods().String(), Labels: map[string]string{},
	}
	for k, v := range n.Labels {
		if strings.HasPrefix(k, "example.org/") {
			got.Labels[k] = v
		}
	}
	for _, taint := range n.Spec.Taints {
		if strings.HasPrefix(taint.Key, "example.org/") { // Kubernetes sets its own
			got.Taints = append(got.Taints, taint.Key+"="+taint.Value+":"+string(taint.Effect))
		}
	}
	for _, c := range n.Status.Conditions {
		got.Ready = got.Ready || c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	}
	return got
}
