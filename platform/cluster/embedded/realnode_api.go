package embedded

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

// NoRealNodeError is a cluster in which no container runs.
type NoRealNodeError struct{ Cluster string }

func (e *NoRealNodeError) Error() string {
	return "cluster " + e.Cluster + ": it has no real node; declare one with `real: true`, or use provider kind"
}

const (
	// kubeletAPI lets the API server speak with kubelets.
	kubeletAPI = "dualtrack:kubelet-api"
	// restarted is why nothing is known of a node and its pods until its new
	// kubelet speaks.
	restarted = "NodeRestarted"
)

func parseLink(text string) netip.Prefix {
	p, _ := netip.ParsePrefix(text) // "" and damage: none
	return p
}

// admitNode lets the API server speak with the real node's kubelet, and the
// node's pods with the API: the API server itself would list only its own
// address, which is loopback.
func (s *starter) admitNode(ctx context.Context, client kubernetes.Interface) error {
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: kubeletAPI},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "system:kubelet-api-admin"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: kubeletClient}},
	}
	_, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("cluster %s: let the API server speak with kubelets: %w", s.l.name, err)
	}
	if err := ensureEndpoint(ctx, client, s.pl.link.host()); err != nil {
		return fmt.Errorf("cluster %s: %w", s.l.name, err)
	}
	return nil
}

// ensureEndpoint makes the Service "kubernetes" lead to the node's gateway.
func ensureEndpoint(ctx context.Context, client kubernetes.Interface, address string) error {
	api := client.CoreV1().Endpoints(metav1.NamespaceDefault)
	want := []corev1.EndpointSubset{{ //nolint:staticcheck // likewise
		Addresses: []corev1.EndpointAddress{{IP: address}},
		Ports:     []corev1.EndpointPort{{Name: "https", Port: gatewayPort, Protocol: corev1.ProtocolTCP}},
	}}
	have, err := api.Get(ctx, apiServerName, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = api.Create(ctx, &corev1.Endpoints{ObjectMeta: metav1.ObjectMeta{Name: apiServerName}, Subsets: want}, metav1.CreateOptions{}) //nolint:staticcheck // as above
	case err == nil && !equality.Semantic.DeepEqual(have.Subsets, want):
		have.Subsets = want
		_, err = api.Update(ctx, have, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("endpoint of the API for the real node: %w", err)
	}
	return nil
}

// retireNode takes back what admitNode gave.
func (s *starter) retireNode(ctx context.Context, client kubernetes.Interface) error {
	errs := []error{
		client.RbacV1().ClusterRoleBindings().Delete(ctx, kubeletAPI, metav1.DeleteOptions{}),
		client.CoreV1().Endpoints(metav1.NamespaceDefault).Delete(ctx, apiServerName, metav1.DeleteOptions{}),
	}
	for i, err := range errs {
		if apierrors.IsNotFound(err) {
			errs[i] = nil
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("cluster %s: take back what the real node was given: %w", s.l.name, err)
	}
	return nil
}

// forgetNode says of a real node and its pods that nothing is known of them: the
// containers are gone, and what was said of them is not true any more. Controllers
// write to pods meanwhile: what was refused for that is read and tried anew.
func forgetNode(ctx context.Context, client kubernetes.Interface, name string) error {
	return retry.RetryOnConflict(retry.DefaultBackoff, func() error { return forgetNodeOnce(ctx, client, name) })
}

func forgetNodeOnce(ctx context.Context, client kubernetes.Interface, name string) error {
	core, now := client.CoreV1(), metav1.Now()
	node, err := core.Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("node %s: %w", name, err)
	}
	for i := range node.Status.Conditions {
		if c := &node.Status.Conditions[i]; c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
			c.Status, c.Reason, c.Message, c.LastTransitionTime = corev1.ConditionUnknown, restarted, "its programs start", now
			if _, err := core.Nodes().UpdateStatus(ctx, node, metav1.UpdateOptions{}); err != nil {
				return fmt.Errorf("node %s: %w", name, err)
			}
		}
	}
	pods, err := core.Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return fmt.Errorf("pods of node %s: %w", name, err)
	}
	for i := range pods.Items {
		pod := &pods.Items[i]
		changed := false
		for j := range pod.Status.Conditions {
			c := &pod.Status.Conditions[j]
			if (c.Type == corev1.PodReady || c.Type == corev1.ContainersReady) && c.Status == corev1.ConditionTrue {
				c.Status, c.Reason, c.LastTransitionTime, changed = corev1.ConditionFalse, restarted, now, true
			}
		}
		for _, list := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
			for j := range list {
				changed = changed || list[j].Ready && list[j].State.Terminated == nil
				list[j].Ready = list[j].Ready && list[j].State.Terminated != nil // init containers stay done
			}
		}
		if !changed {
			continue
		}
		if _, err := core.Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
	}
	return nil
}
