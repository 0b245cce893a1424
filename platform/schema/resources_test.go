package schema

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/core/validation"
)

// candidates are every name that has a meaning somewhere, misspelt ones, and ones
// with a domain.
func candidates() []string {
	out := strings.Fields("storage hugepages-2Mi hugepages- hugepages requests.hugepages-1Gi memoryx memry cpux CPU Memory requests limits.storage pod requests. . /" +
		" example.com/gpu requests.example.com/gpu example.com/ /gpu example.com/a/b example.com/GPU_1 kubernetes.io/batman x.kubernetes.io/y notkubernetes.io/z" +
		" count/deployments.apps gold.storageclass.storage.k8s.io/requests.storage " + strings.Repeat("a", 64) + " example.com/" + strings.Repeat("a", 60) +
		" " + strings.Repeat("a", 250) + ".com/a requests.memory. nvidia.com/gpu-")
	return append(out, append(ofQuotas().names, ofContainers().names...)...)
}

// TestResourceNames holds each place's verdict on each name against the API
// server's own validation.
func TestResourceNames(t *testing.T) {
	t.Parallel()
	v := open(t, baseline(t))
	some := resource.MustParse("2Gi") // whole huge pages
	limits := func(kind core.LimitType) func(core.ResourceName) field.ErrorList {
		return func(name core.ResourceName) field.ErrorList {
			item := core.LimitRangeItem{Type: kind, Max: core.ResourceList{name: some}}
			return validation.ValidateLimitRange(&core.LimitRange{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "b"},
				Spec: core.LimitRangeSpec{Limits: []core.LimitRangeItem{item}}})
		}
	}
	const pod = "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c}], initContainers: [{name: i, resources: {limits: {%q: 1}}}]}}"
	for _, place := range []struct {
		name, object string
		theirs       func(core.ResourceName) field.ErrorList
	}{
		{"container", pod, func(name core.ResourceName) field.ErrorList {
			r := core.ResourceRequirements{Limits: core.ResourceList{name: some, core.ResourceCPU: some}, Requests: core.ResourceList{name: some}}
			return validation.ValidateContainerResourceRequirements(&r, nil, field.NewPath("resources"), validation.PodValidationOptions{})
		}},
		{"quota", "{apiVersion: v1, kind: ResourceQuota, metadata: {name: a}, spec: {hard: {%q: 1}}}", func(name core.ResourceName) field.ErrorList {
			return validation.ValidateResourceQuotaResourceName(name, field.NewPath("hard"))
		}},
		{"limit of a container", "{apiVersion: v1, kind: LimitRange, metadata: {name: a}, spec: {limits: [{type: Container, max: {%q: 1}}]}}", limits(core.LimitTypeContainer)},
		{"limit of a pod", "{apiVersion: v1, kind: LimitRange, metadata: {name: a}, spec: {limits: [{type: Pod, max: {%q: 1}}]}}", limits(core.LimitTypePod)},
		{"limit of something else", "{apiVersion: v1, kind: LimitRange, metadata: {name: a}, spec: {limits: [{type: example.com/x, max: {%q: 1}}]}}", limits("example.com/x")},
	} {
		refused := 0
		for _, name := range candidates() {
			theirs := place.theirs(core.ResourceName(name))
			ours := v.Check(t.Context(), objects(t, fmt.Sprintf(place.object, name)))
			if (len(theirs) > 0) != (len(ours) > 0) {
				t.Errorf("%s, %q: the API server says %v, we say\n%s", place.name, name, theirs, lines(ours))
			}
			refused += min(1, len(ours))
		}
		if refused < 10 || refused > len(candidates())-5 {
			t.Errorf("%s: %d of %d names refused, which shows nothing", place.name, refused, len(candidates()))
		}
	}
}

// TestKnownFields are the words on what the API server refuses beside the schema.
func TestKnownFields(t *testing.T) {
	t.Parallel()
	v := open(t, baseline(t))
	const at = "spec.template.spec.containers[0].resources."
	for _, c := range []struct{ name, object, want string }{
		{"misspelt in a container", deployment("", "resources: {limits: {memoryx: 64Mi}, requests: {cpu: 1, memry: 64Mi}}"),
			"error schema /spec/template/spec/containers/0/resources/limits/memoryx: " + at + "limits.memoryx names no resource of a container, and the API server refuses it; did you mean memory?; rename memoryx to memory\n" +
				"error schema /spec/template/spec/containers/0/resources/requests/memry: " + at + "requests.memry names no resource of a container, and the API server refuses it; did you mean memory?; rename memry to memory"},
		{"near nothing", deployment("", "resources: {limits: {gpu: 1}}"),
			"error schema /spec/template/spec/containers/0/resources/limits/gpu: " + at + "limits.gpu names no resource of a container, and the API server refuses it; did you mean cpu?; rename gpu to cpu"},
		{"of a device", deployment("", "resources: {limits: {example.com/gpu: 1}}"), ""},
		{"a claim in a template", `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storagex: 1Gi}}}}`,
			"error schema /spec/resources/requests/storage: spec.resources.requests.storage is missing, and the API server refuses a claim without it; add it, a quantity such as 1Gi"},
		{"overhead", `{apiVersion: node.k8s.io/v1, kind: RuntimeClass, metadata: {name: r}, handler: r, overhead: {podFixed: {memory: 1Mi, cpus: 1m}}}`,
			"error schema /overhead/podFixed/cpus: overhead.podFixed.cpus names no resource of a container, and the API server refuses it; did you mean cpu?; rename cpus to cpu"},
		{"a word for a share", deployment("strategy: {rollingUpdate: {maxSurge: nonsense, maxUnavailable: 25%}}", ""),
			`error schema /spec/strategy/rollingUpdate/maxSurge: spec.strategy.rollingUpdate.maxSurge is the string "nonsense", must be a number or a percentage; write a number as in 1, or a percentage as in 25%`},
		{"a number in quotes", `{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b}, spec: {minAvailable: "1"}}`,
			`error schema /spec/minAvailable: spec.minAvailable is the string "1", must be a number or a percentage; write a number as in 1, or a percentage as in 25%`},
	} {
		if diff := cmp.Diff(c.want, strings.TrimSuffix(lines(v.Check(t.Context(), objects(t, c.object))), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
