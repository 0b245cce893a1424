package embedded

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

const (
	// declaredLabel marks the nodes that the declaration made, so that one a
	// person adds is left alone.
	declaredLabel = "platform.dualtrack.internal/declared-node"
	// ownLabels and ownTaints remember what was set, so that what leaves the
	// declaration leaves the node.
	ownLabels = "platform.dualtrack.internal/declared-labels"
	ownTaints = "platform.dualtrack.internal/declared-taints"
	// simulatedArch is what simulated nodes say they are.
	simulatedArch = "amd64"
)

// finish starts the controllers and the node simulator, makes the declared nodes,
// and waits for those and for the default ServiceAccount.
func (s *starter) finish(ctx context.Context) error {
	if err := s.bring(ctx, controlStage); err != nil {
		return err
	}
	client, err := s.client()
	if err != nil {
		return err
	}
	core := client.CoreV1()
	if err := s.declareNodes(ctx, core.Nodes()); err != nil {
		return err
	}
	if err := s.declareVolumes(ctx, client); err != nil {
		return err
	}
	if err := s.bringNode(ctx, client); err != nil {
		return err
	}
	return s.until(ctx, func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		if _, err := core.ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return "the default ServiceAccount", err
		}
		return "the nodes to be Ready", nodesReady(ctx, core.Nodes())
	})
}

// client speaks with the endpoint as the provider itself, over connections that
// end with this start.
func (s *starter) client() (kubernetes.Interface, error) {
	connection := &http.Client{Transport: s.probes.clients["provider"].Transport}
	cfg := &rest.Config{Host: "https://" + s.pl.addr(endpointPort), QPS: -1, UserAgent: "dualtrack-provider"}
	client, err := kubernetes.NewForConfigAndClient(cfg, connection)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: client: %w", s.l.name, err)
	}
	return client, nil
}

func nodesReady(ctx context.Context, api typed.NodeInterface) error {
	list, err := api.List(ctx, metav1.ListOptions{LabelSelector: declaredLabel})
	if err != nil {
		return fmt.Errorf("list nodes: %w", err)
	}
	for _, n := range list.Items {
		ready := slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
		})
		if !ready {
			return fmt.Errorf("node %s is not Ready", n.Name)
		}
	}
	return nil
}

// declareNodes makes the cluster's nodes what the declaration says. It writes
// only what differs.
func (s *starter) declareNodes(ctx context.Context, api typed.NodeInterface) error {
	want, err := declared(s.pl.spec.Cluster)
	if err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	const limit = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	list, err := api.List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("cluster %s: list nodes: %w", s.l.name, err)
	}
	have := map[string]*corev1.Node{}
	for i := range list.Items {
		have[list.Items[i].Name] = &list.Items[i]
	}
	var errs []error
	for _, node := range want {
		if old := have[node.Name]; old != nil && isReal(old) != isReal(node) {
			// What one kind of kubelet said of a node is not true of the other.
			if err := api.Delete(ctx, node.Name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
				errs = append(errs, fmt.Errorf("delete node %s: %w", node.Name, err))
				continue
			}
			delete(have, node.Name)
		}
		word, err := syncNode(ctx, api, node, have[node.Name])
		errs = append(errs, err)
		if word != "" {
			s.changed = append(s.changed, "node "+node.Name+": "+word)
		}
		delete(have, node.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if _, ours := have[name].Labels[declaredLabel]; !ours {
			continue
		}
		if err := api.Delete(ctx, name, metav1.DeleteOptions{}); err != nil && !apierrors.IsNotFound(err) {
			errs = append(errs, fmt.Errorf("delete node %s: %w", name, err))
		}
		s.changed = append(s.changed, "node "+name+": deleted (not declared)")
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	return nil
}

// syncNode creates or updates one node and says what it did.
func syncNode(ctx context.Context, api typed.NodeInterface, want, have *corev1.Node) (string, error) {
	if have == nil {
		if _, err := api.Create(ctx, want, metav1.CreateOptions{}); err != nil {
			return "", fmt.Errorf("create node %s: %w", want.Name, err)
		}
		return "created", nil
	}
	said := ""
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		word, err := updateNode(ctx, api, want, have)
		said = cmp.Or(word, said)
		if apierrors.IsConflict(err) { // kwok and the node controller write to nodes too
			if fresh, failed := api.Get(ctx, want.Name, metav1.GetOptions{}); failed == nil {
				have = fresh
			}
		}
		return err
	})
	return said, err
}

// updateNode brings a node that is there to its declaration.
func updateNode(ctx context.Context, api typed.NodeInterface, want, have *corev1.Node) (string, error) {
	word := ""
	next := have.DeepCopy()
	mergeNode(next, want)
	if !equality.Semantic.DeepEqual(next, have) {
		updated, err := api.Update(ctx, next, metav1.UpdateOptions{})
		if err != nil {
			return "", fmt.Errorf("update node %s: %w", want.Name, err)
		}
		next, word = updated, "updated"
	}
	if isReal(want) { // whose kubelet says what it offers
		return word, nil
	}
	if equality.Semantic.DeepEqual(next.Status.Capacity, want.Status.Capacity) &&
		equality.Semantic.DeepEqual(next.Status.Allocatable, want.Status.Allocatable) {
		return word, nil
	}
	next.Status.Capacity, next.Status.Allocatable = want.Status.Capacity, want.Status.Allocatable
	if _, err := api.UpdateStatus(ctx, next, metav1.UpdateOptions{}); err != nil {
		return word, fmt.Errorf("update the capacity of node %s: %w", want.Name, err)
	}
	return "updated", nil
}

// mergeNode sets what is declared, removes what was declared before, and keeps
// what others set: Kubernetes itself taints nodes.
func mergeNode(node, want *corev1.Node) {
	for _, key := range strings.Split(node.Annotations[ownLabels], ",") {
		if _, still := want.Labels[key]; !still {
			delete(node.Labels, key)
		}
	}
	if node.Labels == nil {
		node.Labels = map[string]string{}
	}
	maps.Copy(node.Labels, want.Labels)
	before := strings.Split(node.Annotations[ownTaints], ",")
	kept := slices.DeleteFunc(slices.Clone(node.Spec.Taints), func(t corev1.Taint) bool {
		mine := func(w corev1.Taint) bool { return taintID(w) == taintID(t) }
		return slices.Contains(before, taintID(t)) || slices.ContainsFunc(want.Spec.Taints, mine)
	})
	taints := append(slices.Clone(want.Spec.Taints), kept...)
	if !sameTaints(node.Spec.Taints, taints) {
		node.Spec.Taints = taints
	}
	if node.Annotations == nil {
		node.Annotations = map[string]string{}
	}
	maps.Copy(node.Annotations, want.Annotations)
}

func taintID(t corev1.Taint) string { return t.Key + ":" + string(t.Effect) }

// sameTaints compares without order: the API server keeps any.
func sameTaints(a, b []corev1.Taint) bool {
	if len(a) != len(b) {
		return false
	}
	return !slices.ContainsFunc(b, func(t corev1.Taint) bool {
		return !slices.ContainsFunc(a, func(u corev1.Taint) bool { return taintID(u) == taintID(t) && u.Value == t.Value })
	})
}

// declared renders the nodes of a cluster.
func declared(c *catalog.Cluster) ([]*corev1.Node, error) {
	var nodes []*corev1.Node
	for _, n := range c.Spec.Nodes {
		names := []string{n.Name}
		if n.Count > 1 {
			names = numbered(n.Name, n.Count)
		}
		for _, name := range names {
			node, err := renderNode(c, n, name)
			if err != nil {
				return nil, err
			}
			nodes = append(nodes, node)
		}
	}
	return nodes, nil
}

func renderNode(c *catalog.Cluster, n catalog.Node, name string) (*corev1.Node, error) {
	labels := map[string]string{}
	maps.Copy(labels, n.Labels)
	zone := n.Zone
	if zone == "" {
		zone = c.Spec.Site.Zone
	}
	for key, value := range map[string]string{
		corev1.LabelHostname: name, corev1.LabelOSStable: "linux", corev1.LabelArchStable: simulatedArch,
		corev1.LabelTopologyRegion: c.Spec.Site.Region, corev1.LabelTopologyZone: zone, declaredLabel: "true",
	} {
		if value != "" {
			labels[key] = value
		}
	}
	var taints []corev1.Taint
	var ids []string
	for _, t := range n.Taints {
		taint := corev1.Taint{Key: t.Key, Value: t.Value, Effect: corev1.TaintEffect(t.Effect)}
		taints, ids = append(taints, taint), append(ids, taintID(taint))
	}
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: corev1.NodeSpec{Taints: taints}}
	if n.Real {
		labels[cluster.RealNodeLabel], labels[corev1.LabelArchStable] = "true", runtime.GOARCH
	}
	node.Annotations = map[string]string{
		ownLabels: strings.Join(slices.Sorted(maps.Keys(labels)), ","), ownTaints: strings.Join(ids, ","),
	}
	if n.Real {
		return node, nil
	}
	node.Annotations[cluster.SimulatedNodeAnnotation] = cluster.SimulatedNode
	capacity, err := capacityOf(n.Capacity)
	if err != nil {
		return nil, fmt.Errorf("node %s: %w", name, err)
	}
	node.Status = corev1.NodeStatus{Capacity: capacity, Allocatable: allocatable(capacity, c.Spec.Kubernetes.Kubelet)}
	return node, nil
}

// allocatable is what pods get of a node, by the sum that its kubelet would make.
func allocatable(capacity corev1.ResourceList, kubelet catalog.Kubelet) corev1.ResourceList {
	list := capacity.DeepCopy()
	for name, kept := range map[corev1.ResourceName]resource.Quantity{
		corev1.ResourceCPU: kubelet.CPUsKept(), corev1.ResourceMemory: kubelet.MemoryKept(),
	} {
		rest := list[name]
		rest.Sub(kept)
		if rest.Sign() > 0 { // else the catalog has refused it
			list[name] = rest
		}
	}
	return list
}

// isReal says that a node's kubelet is real.
func isReal(n *corev1.Node) bool { return n.Labels[cluster.RealNodeLabel] != "" }

func capacityOf(c catalog.Capacity) (corev1.ResourceList, error) {
	list := corev1.ResourceList{}
	for name, text := range map[corev1.ResourceName]string{
		corev1.ResourceCPU: string(c.CPU), corev1.ResourceMemory: string(c.Memory), corev1.ResourcePods: strconv.Itoa(c.Pods),
	} {
		if text == "" || text == "0" {
			text = map[corev1.ResourceName]string{corev1.ResourceCPU: "4", corev1.ResourceMemory: "8Gi", corev1.ResourcePods: "110"}[name]
		}
		q, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("capacity %s %q: %w", name, text, err)
		}
		list[name] = q
	}
	return list, nil
}
