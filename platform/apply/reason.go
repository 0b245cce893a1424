package apply

import (
	"context"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// podsAsked bounds how many pods and events of a workload are read for reasons.
const podsAsked = 50

// Reason says why a live object is not ready, in the cluster's own words where
// it has any: a workload's failing conditions, what the scheduler says of its
// pods, what keeps their containers from starting, warning events. The fallback
// is what is said when the cluster gives no reason. It only reads, and an
// unreadable pod or event is no error: the reason is then shorter.
func Reason(ctx context.Context, c client.Reader, live *unstructured.Unstructured, fallback string) string {
	var said []string
	add := func(s string) {
		if s = strings.TrimSpace(s); s != "" && !slices.Contains(said, s) {
			said = append(said, s)
		}
	}
	for _, s := range failingConditions(live) {
		add(s)
	}
	pods := podsOf(ctx, c, live)
	for i := range pods {
		for _, s := range podReasons(&pods[i]) {
			add(s)
		}
	}
	if len(said) == 0 {
		for _, s := range warnings(ctx, c, live) {
			add(s)
		}
	}
	switch {
	case len(said) == 0:
		return fallback
	case fallback == "":
		return strings.Join(said, "; ")
	}
	return fallback + ": " + strings.Join(said, "; ")
}

// failingConditions are the object's conditions that name a failure.
func failingConditions(u *unstructured.Unstructured) []string {
	var out []string
	for _, c := range conditions(u) {
		bad := c["type"] == "ReplicaFailure" && c["status"] == "True" ||
			c["type"] == "Progressing" && c["status"] == "False" ||
			c["type"] == "Failed" && c["status"] == "True"
		if bad {
			out = append(out, c["message"])
		}
	}
	return out
}

func conditions(u *unstructured.Unstructured) []map[string]string {
	list, _, _ := unstructured.NestedSlice(u.Object, "status", "conditions")
	var out []map[string]string
	for _, item := range list {
		m, _ := item.(map[string]any)
		c := map[string]string{}
		for _, key := range []string{"type", "status", "reason", "message"} {
			c[key], _ = m[key].(string)
		}
		out = append(out, c)
	}
	return out
}

// podsOf lists a workload's pods by its selector; a pod is its own.
func podsOf(ctx context.Context, c client.Reader, u *unstructured.Unstructured) []unstructured.Unstructured {
	if u.GetKind() == "Pod" {
		return []unstructured.Unstructured{*u}
	}
	raw, ok, _ := unstructured.NestedMap(u.Object, "spec", "selector")
	if !ok || u.GroupVersionKind().Group != "apps" && u.GroupVersionKind().Group != "batch" {
		return nil
	}
	var s metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(raw, &s) != nil {
		return nil
	}
	selector, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil || selector.String() == labels.Everything().String() {
		return nil
	}
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("PodList")
	if c.List(ctx, list, client.InNamespace(u.GetNamespace()), client.MatchingLabelsSelector{Selector: selector}, client.Limit(podsAsked)) != nil {
		return nil
	}
	slices.SortFunc(list.Items, func(a, b unstructured.Unstructured) int { return strings.Compare(a.GetName(), b.GetName()) })
	return list.Items
}

// podReasons are the words of the kubelet that refused or evicted the pod, the
// scheduler's, and what keeps containers waiting.
func podReasons(pod *unstructured.Unstructured) []string {
	var out []string
	status, _, _ := unstructured.NestedMap(pod.Object, "status")
	if reason, _ := status["reason"].(string); reason != "" && status["phase"] == "Failed" {
		message, _ := status["message"].(string)
		out = append(out, strings.TrimSuffix(reason+": "+message, ": "))
	}
	for _, c := range conditions(pod) {
		if c["type"] == "PodScheduled" && c["status"] == "False" {
			out = append(out, c["message"])
		}
	}
	for _, field := range []string{"initContainerStatuses", "containerStatuses"} {
		list, _, _ := unstructured.NestedSlice(pod.Object, "status", field)
		for _, item := range list {
			m, _ := item.(map[string]any)
			reason, _, _ := unstructured.NestedString(m, "state", "waiting", "reason")
			message, _, _ := unstructured.NestedString(m, "state", "waiting", "message")
			if reason == "" || reason == "ContainerCreating" || reason == "PodInitializing" {
				continue
			}
			name, _ := m["name"].(string)
			out = append(out, strings.TrimSuffix("container "+name+": "+reason+": "+message, ": "))
		}
	}
	return out
}

// warnings are the newest warning events about the object itself.
func warnings(ctx context.Context, c client.Reader, u *unstructured.Unstructured) []string {
	list := &unstructured.UnstructuredList{}
	list.SetAPIVersion("v1")
	list.SetKind("EventList")
	about := fields.Set{"involvedObject.kind": u.GetKind(), "involvedObject.name": u.GetName(), "type": "Warning"}
	if c.List(ctx, list, client.InNamespace(u.GetNamespace()), client.MatchingFieldsSelector{Selector: about.AsSelector()}, client.Limit(podsAsked)) != nil {
		return nil
	}
	var out []string
	for i := range list.Items {
		message, _, _ := unstructured.NestedString(list.Items[i].Object, "message")
		out = append(out, message)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
