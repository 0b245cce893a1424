package apply

import (
	"encoding/base64"
	"regexp"
	"slices"

	"github.com/fluxcd/pkg/ssa/jsondiff"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// plan is a bundle cut into steps.
type plan struct {
	bundle   *render.Bundle
	steps    []step
	withheld []Withheld
	scaled   []Scaled
	defined  map[schema.GroupKind]bool // kinds whose CRD the bundle brings
	applied  map[string]bool           // identities of the steps' objects
	failed   map[string]bool           // components that did not render
}

// step is what may be applied side by side. Steps of one stage follow each
// other without a wait; a stage waits for the one before it.
type step struct {
	stage   int // -1 for definitions: CRDs and namespaces of the whole bundle
	rank    int
	objects []render.Object
}

const definitions = -1

func newPlan(b *render.Bundle, lacks []cluster.Ability) *plan {
	p := &plan{
		bundle: b, scaled: ScaledBy(b.Objects),
		defined: map[schema.GroupKind]bool{}, applied: map[string]bool{}, failed: map[string]bool{},
	}
	for _, n := range b.NotRendered {
		p.failed[n.Component] = true
	}
	at := map[[2]int]int{}
	for _, o := range b.Objects {
		if why := withhold(o, lacks); why != "" {
			p.withheld = append(p.withheld, Withheld{Object: o.Ref(), Component: o.Component, Why: why})
			continue
		}
		key := [2]int{o.Stage, rank(o)}
		if isDefinition(o.Unstructured) {
			key = [2]int{definitions, 0}
		}
		if gk, ok := definedBy(o.Unstructured); ok {
			p.defined[gk] = true
		}
		i, seen := at[key]
		if !seen {
			i = len(p.steps)
			at[key] = i
			p.steps = append(p.steps, step{stage: key[0], rank: key[1]})
		}
		p.steps[i].objects = append(p.steps[i].objects, o)
		p.applied[objectID(o.Ref())] = true
	}
	slices.SortStableFunc(p.steps, func(a, b step) int {
		if a.stage != b.stage {
			return a.stage - b.stage
		}
		return a.rank - b.rank
	})
	return p
}

// upTo gives the objects of the stage that ends with step i.
func (p *plan) upTo(i int) []render.Object {
	var out []render.Object
	for _, s := range p.steps[:i+1] {
		if s.stage == p.steps[i].stage {
			out = append(out, s.objects...)
		}
	}
	return out
}

func isDefinition(u *unstructured.Unstructured) bool {
	gk := u.GroupVersionKind().GroupKind()
	return gk == schema.GroupKind{Kind: "Namespace"} || gk == crdKind()
}

func crdKind() schema.GroupKind {
	return schema.GroupKind{Group: "apiextensions.k8s.io", Kind: "CustomResourceDefinition"}
}

// definedBy is the kind that a CRD brings.
func definedBy(u *unstructured.Unstructured) (schema.GroupKind, bool) {
	if u.GroupVersionKind().GroupKind() != crdKind() {
		return schema.GroupKind{}, false
	}
	group, _, _ := unstructured.NestedString(u.Object, "spec", "group")
	kind, _, _ := unstructured.NestedString(u.Object, "spec", "names", "kind")
	return schema.GroupKind{Group: group, Kind: kind}, kind != ""
}

// rank orders within a stage: what pods need, then what makes pods, then what
// intercepts requests.
func rank(o render.Object) int {
	switch o.GroupVersionKind().Group {
	case "apps", "batch":
		return 1
	case "autoscaling", "policy":
		return 2
	case "admissionregistration.k8s.io", "apiregistration.k8s.io":
		return 3
	case "":
		if o.GetKind() == "Pod" || o.GetKind() == "ReplicationController" {
			return 1
		}
	}
	return 0
}

// withhold says why an object can't be applied where no pod really runs: an API
// server that waits for such a service refuses or delays everybody's requests.
func withhold(o render.Object, lacks []cluster.Ability) string {
	if !slices.Contains(lacks, cluster.RunsPods) {
		return ""
	}
	switch o.GroupVersionKind().GroupKind() {
	case schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "MutatingWebhookConfiguration"},
		schema.GroupKind{Group: "admissionregistration.k8s.io", Kind: "ValidatingWebhookConfiguration"}:
		hooks, _, _ := unstructured.NestedSlice(o.Object, "webhooks")
		for _, h := range hooks {
			hook, _ := h.(map[string]any)
			if service, ok, _ := unstructured.NestedMap(hook, "clientConfig", "service"); ok {
				return "its webhook is served by pods of Service " + serviceName(service) + ", and no pod really runs on this cluster"
			}
		}
	case schema.GroupKind{Group: "apiregistration.k8s.io", Kind: "APIService"}:
		if service, ok, _ := unstructured.NestedMap(o.Object, "spec", "service"); ok {
			return "its API is served by pods of Service " + serviceName(service) + ", and no pod really runs on this cluster"
		}
	}
	return ""
}

func serviceName(service map[string]any) string {
	namespace, _, _ := unstructured.NestedString(service, "namespace")
	name, _, _ := unstructured.NestedString(service, "name")
	return namespace + "/" + name
}

// Scaled is a workload whose replicas a HorizontalPodAutoscaler sets.
type Scaled struct {
	Target finding.Object // without a version, as the autoscaler may name another
	By     finding.Object
	Min    int64
	Max    int64
}

// ScaledBy lists the workloads that the autoscalers among the objects scale.
func ScaledBy(objects []render.Object) []Scaled {
	var out []Scaled
	for _, o := range objects {
		gk := o.GroupVersionKind().GroupKind()
		if gk != (schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}) {
			continue
		}
		ref, _, _ := unstructured.NestedStringMap(o.Object, "spec", "scaleTargetRef")
		s := Scaled{By: o.Ref(), Min: 1}
		s.Target = finding.Object{APIVersion: ref["apiVersion"], Kind: ref["kind"], Namespace: o.GetNamespace(), Name: ref["name"]}
		if n, ok, _ := unstructured.NestedInt64(o.Object, "spec", "minReplicas"); ok {
			s.Min = n
		}
		s.Max, _, _ = unstructured.NestedInt64(o.Object, "spec", "maxReplicas")
		out = append(out, s)
	}
	return out
}

// Covers says that the object is the scaled workload.
func (s Scaled) Covers(o finding.Object) bool {
	return s.Target.Group() == o.Group() && s.Target.Kind == o.Kind && s.Target.Namespace == o.Namespace && s.Target.Name == o.Name
}

func (s Scaled) selector() *jsondiff.Selector {
	exact := func(v string) string { return "^" + regexp.QuoteMeta(v) + "$" }
	return &jsondiff.Selector{
		Group: exact(s.Target.Group()), Kind: exact(s.Target.Kind),
		Namespace: exact(s.Target.Namespace), Name: exact(s.Target.Name),
	}
}

// desired is the object as it is sent: without status and null timestamps, and
// a Secret's stringData as data, because the server keeps keys that leave
// stringData. Roles are left alone.
func desired(o render.Object) *unstructured.Unstructured {
	u := o.DeepCopy()
	unstructured.RemoveNestedField(u.Object, "metadata", "creationTimestamp")
	if u.GroupVersionKind().GroupKind() != crdKind() {
		unstructured.RemoveNestedField(u.Object, "status")
	}
	if u.GetAPIVersion() == "v1" && u.GetKind() == "Secret" {
		if plain, ok, _ := unstructured.NestedStringMap(u.Object, "stringData"); ok {
			data, _, _ := unstructured.NestedMap(u.Object, "data")
			if data == nil {
				data = map[string]any{}
			}
			for k, v := range plain {
				data[k] = base64.StdEncoding.EncodeToString([]byte(v))
			}
			u.Object["data"] = data
			delete(u.Object, "stringData")
		}
	}
	return u
}

// WithheldOf lists the bundle's objects that a provider lacking the abilities
// can't be given, with the reasons.
func WithheldOf(b *render.Bundle, lacks []cluster.Ability) []Withheld {
	return newPlan(b, lacks).withheld
}
