package kind

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// A cluster that was stopped remembers how everything was. Whoever asks too early
// is told that pods are ready which do not run any more, so a start waits until
// the kubelets and the controllers have looked again.

// heard says whether a node's kubelet has told of what it found after the node
// was started: a lease, and containers, from before prove nothing.
func heard(ctx context.Context, client kubernetes.Interface, name string, since time.Time) error {
	if err := renewed(ctx, client, corev1.NamespaceNodeLease, name, since); err != nil {
		return err
	}
	pods, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return fmt.Errorf("pods of node %s: %w", name, err)
	}
	since = since.Truncate(time.Second) // as statuses are
	for _, pod := range pods.Items {
		for _, c := range pod.Status.ContainerStatuses {
			if c.State.Running != nil && c.State.Running.StartedAt.Time.Before(since) {
				return fmt.Errorf("the kubelet of node %s has not looked at pod %s/%s since it was started", name, pod.Namespace, pod.Name)
			}
		}
	}
	return nil
}

// renewed says whether a lease was renewed after a time.
func renewed(ctx context.Context, client kubernetes.Interface, namespace, name string, since time.Time) error {
	lease, err := client.CoordinationV1().Leases(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("lease %s/%s: %w", namespace, name, err)
	}
	if lease.Spec.RenewTime == nil || lease.Spec.RenewTime.Time.Before(since) {
		return fmt.Errorf("%s has not been heard of since the nodes were started", name)
	}
	return nil
}

// counted says whether the controllers have seen what pods are ready now: they
// first wait until the leases of their predecessors have run out.
func counted(ctx context.Context, client kubernetes.Interface, since time.Time) error {
	for _, name := range []string{"kube-controller-manager", "kube-scheduler"} {
		if err := renewed(ctx, client, metav1.NamespaceSystem, name, since); err != nil {
			return err
		}
	}
	pods, err := client.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("pods: %w", err)
	}
	ready := map[types.UID]int32{}
	for _, pod := range pods.Items {
		owner := metav1.GetControllerOf(&pod)
		for _, c := range pod.Status.Conditions {
			if owner != nil && c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				ready[owner.UID]++
			}
		}
	}
	claims, err := claimed(ctx, client)
	if err != nil {
		return err
	}
	for _, c := range claims {
		if c.ready != ready[c.uid] {
			return fmt.Errorf("the controllers have not counted the pods of %s since the nodes were started", c.name)
		}
		if c.owner != "" {
			ready[c.owner] += c.ready
		}
	}
	return nil
}

// claim is how many ready pods an object believes to have.
type claim struct {
	name  string
	uid   types.UID
	owner types.UID // whose count this adds to
	ready int32
}

// claimed lists what has pods; owners stand behind what they own.
func claimed(ctx context.Context, client kubernetes.Interface) ([]claim, error) {
	var out []claim
	add := func(kind string, o metav1.Object, ready int32) {
		c := claim{name: kind + " " + o.GetNamespace() + "/" + o.GetName(), uid: o.GetUID(), ready: ready}
		if owner := metav1.GetControllerOf(o); owner != nil {
			c.owner = owner.UID
		}
		out = append(out, c)
	}
	apps, all := client.AppsV1(), metav1.ListOptions{}
	replicaSets, err := apps.ReplicaSets(metav1.NamespaceAll).List(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("replica sets: %w", err)
	}
	for _, o := range replicaSets.Items {
		add("ReplicaSet", &o, o.Status.ReadyReplicas)
	}
	daemonSets, err := apps.DaemonSets(metav1.NamespaceAll).List(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("daemon sets: %w", err)
	}
	for _, o := range daemonSets.Items {
		add("DaemonSet", &o, o.Status.NumberReady)
	}
	statefulSets, err := apps.StatefulSets(metav1.NamespaceAll).List(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("stateful sets: %w", err)
	}
	for _, o := range statefulSets.Items {
		add("StatefulSet", &o, o.Status.ReadyReplicas)
	}
	deployments, err := apps.Deployments(metav1.NamespaceAll).List(ctx, all)
	if err != nil {
		return nil, fmt.Errorf("deployments: %w", err)
	}
	for _, o := range deployments.Items {
		add("Deployment", &o, o.Status.ReadyReplicas)
	}
	return out, nil
}
