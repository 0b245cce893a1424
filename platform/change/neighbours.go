package change

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// neighbours are what a change of one object may bear on, of one side.
type neighbours struct {
	workloads []*workload
	within    map[string][]*workload // by namespace
	services  []*render.Object
	named     map[string][]*render.Object       // Services, by namespace
	scalers   map[finding.Object]*render.Object // by the identity of what they scale
	budgets   []*render.Object
	selecting []*render.Object // what selects pods or Services beside
}

// workload is what makes pods.
type workload struct {
	*render.Object
	template map[string]any
	labels   labels.Set
}

func newNeighbours(objects []render.Object) *neighbours {
	n := &neighbours{scalers: map[finding.Object]*render.Object{}, within: map[string][]*workload{}, named: map[string][]*render.Object{}}
	for i := range objects {
		o := &objects[i]
		if t := templateOf(o); t != nil {
			w := &workload{o, t, stringsOf(inside.Map(t, "metadata", "labels"))}
			n.workloads = append(n.workloads, w)
			n.within[o.GetNamespace()] = append(n.within[o.GetNamespace()], w)
		}
		switch groupKind(o) {
		case "/Service":
			n.services = append(n.services, o)
			n.named[o.GetNamespace()] = append(n.named[o.GetNamespace()], o)
		case "policy/PodDisruptionBudget":
			n.budgets = append(n.budgets, o)
			n.selecting = append(n.selecting, o)
		case "networking.k8s.io/NetworkPolicy", "monitoring.coreos.com/ServiceMonitor", "monitoring.coreos.com/PodMonitor":
			n.selecting = append(n.selecting, o)
		case "autoscaling/HorizontalPodAutoscaler", "keda.sh/ScaledObject":
			n.scalers[scaledBy(o)] = o
		}
	}
	return n
}

// scaledBy is the identity of what an autoscaler scales.
func scaledBy(o *render.Object) finding.Object {
	ref := inside.Map(o.Object, "spec", "scaleTargetRef")
	target := finding.Object{APIVersion: inside.Text(ref, "apiVersion"), Kind: inside.Text(ref, "kind"), Namespace: o.GetNamespace(), Name: inside.Text(ref, "name")}
	if o.GetKind() == "ScaledObject" && target.Kind == "" {
		target.Kind = "Deployment"
	}
	if target.APIVersion == "" {
		target.APIVersion = "apps/v1"
	}
	target.APIVersion = target.Group()
	return target
}

// templateOf is the pod that an object makes, nil if it makes none.
func templateOf(o *render.Object) map[string]any {
	switch groupKind(o) {
	case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet", "batch/Job":
		return inside.Map(o.Object, "spec", "template")
	case "batch/CronJob":
		return inside.Map(o.Object, "spec", "jobTemplate", "spec", "template")
	case "/Pod":
		return o.Object
	}
	return nil
}

// matched are the workloads of a namespace that a selector of labels matches; an
// empty one matches all where that is its meaning.
func (n *neighbours) matched(namespace string, selector labels.Selector) []*workload {
	var out []*workload
	if selector == nil {
		return nil
	}
	for _, w := range n.within[namespace] {
		if selector.Matches(w.labels) {
			out = append(out, w)
		}
	}
	return out
}

// labelSelector reads a selector; nil for what is none.
func labelSelector(v any) labels.Selector {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	var s metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(m, &s) != nil {
		return nil
	}
	out, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return nil
	}
	return out
}

// setSelector reads a Service's selector; nil when it selects nothing.
func setSelector(v any) labels.Selector {
	m, _ := v.(map[string]any)
	if len(m) == 0 {
		return nil
	}
	return labels.Set(stringsOf(m)).AsSelector()
}
