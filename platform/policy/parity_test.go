package policy

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	security "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

var seed = flag.Uint64("seed", 0, "seed of the generated pods; 0 takes the clock")

// checks pairs each rule with the check of Pod Security admission it stands for.
var checks = map[string]security.Check{
	"DT-SEC-001": security.CheckPrivileged(),
	"DT-SEC-002": security.CheckHostNamespaces(),
	"DT-SEC-003": security.CheckHostPathVolumes(),
	"DT-SEC-005": security.CheckCapabilitiesBaseline(),
	"DT-SEC-006": security.CheckCapabilitiesRestricted(),
	"DT-SEC-007": security.CheckAllowPrivilegeEscalation(),
	"DT-SEC-008": security.CheckRunAsNonRoot(),
	"DT-SEC-010": security.CheckSeccompProfileRestricted(),
}

// TestParity holds the pod rules to the code of Pod Security admission, at the
// baseline's minor, on generated pods.
func TestParity(t *testing.T) {
	t.Parallel()
	const pods = 2500
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", *seed)
	r := rand.New(rand.NewPCG(*seed, 0))
	minor := baselineMinor(t)
	in := testInput(t, namespace)
	generated := map[string]*corev1.Pod{}
	for i := range pods {
		pod := randomPod(r, fmt.Sprintf("p%d", i))
		generated[pod.Name] = pod
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
		if err != nil {
			t.Fatal(err)
		}
		in.Objects = append(in.Objects, render.Object{Unstructured: &unstructured.Unstructured{Object: object}, Component: "shop"})
	}
	result, err := compiled(t).Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{} // "rule pod"
	for _, f := range result.Findings {
		if f.Severity == finding.Error && f.Class == "" {
			refused[f.Rule+" "+f.Object.Name] = true
		}
	}
	for rule, check := range checks {
		judge := versioned(t, check, minor)
		both := [2]int{}
		for name, pod := range generated {
			allowed := judge(&pod.ObjectMeta, &pod.Spec).Allowed
			if allowed {
				both[0]++
			} else {
				both[1]++
			}
			if refused[rule+" "+name] == allowed {
				text, _ := yaml.Marshal(pod.Spec)
				t.Errorf("%s: Pod Security allows: %v, the rule does: %v (seed %d)\n%s", rule, allowed, !refused[rule+" "+name], *seed, text)
			}
		}
		if min(both[0], both[1]) < pods/50 {
			t.Errorf("%s: %d pods pass and %d fail: the pods do not exercise the rule", rule, both[0], both[1])
		}
		if t.Failed() {
			return
		}
	}
}

// versioned is the check as it holds at a minor.
func versioned(t *testing.T, check security.Check, minor int) security.CheckPodFn {
	t.Helper()
	var fn security.CheckPodFn
	target := api.MajorMinorVersion(1, minor)
	for _, v := range check.Versions {
		if !target.Older(v.MinimumVersion) {
			fn = v.CheckPod
		}
	}
	if fn == nil {
		t.Fatalf("no version of %s holds at minor %d", check.ID, minor)
	}
	return fn
}

func baselineMinor(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("../../components/baseline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var baseline struct {
		Spec struct {
			Kubernetes string `json:"kubernetes"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &baseline); err != nil {
		t.Fatal(err)
	}
	minor, err := strconv.Atoi(strings.Split(baseline.Spec.Kubernetes, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return minor
}

// pick chooses one of the values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// maybe is a pointer to one of the values, or nil as often.
func maybe[T any](r *rand.Rand, values ...T) *T {
	if r.IntN(len(values)+1) == 0 {
		return nil
	}
	v := pick(r, values...)
	return &v
}

func randomPod(r *rand.Rand, name string) *corev1.Pod {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "shop"},
	}
	spec := &pod.Spec
	spec.HostNetwork, spec.HostPID, spec.HostIPC = r.IntN(5) == 0, r.IntN(5) == 0, r.IntN(5) == 0
	if r.IntN(6) == 0 {
		spec.OS = &corev1.PodOS{Name: pick(r, corev1.Windows, corev1.Linux)}
	}
	for i := range r.IntN(3) {
		v := corev1.Volume{Name: fmt.Sprintf("v%d", i)}
		switch r.IntN(3) {
		case 0:
			v.HostPath = &corev1.HostPathVolumeSource{Path: "/var"}
		case 1:
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
		spec.Volumes = append(spec.Volumes, v)
	}
	if r.IntN(3) > 0 {
		spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: maybe(r, true, true, true, false), SeccompProfile: randomProfile(r)}
	}
	tidy := r.IntN(2) == 0 // half of the pods mean well, so that some pass
	for i := range r.IntN(3) {
		spec.Containers = append(spec.Containers, randomContainer(r, fmt.Sprintf("c%d", i), tidy))
	}
	for i := range r.IntN(2) {
		spec.InitContainers = append(spec.InitContainers, randomContainer(r, fmt.Sprintf("i%d", i), tidy))
	}
	if r.IntN(5) == 0 {
		c := randomContainer(r, "e", tidy)
		spec.EphemeralContainers = []corev1.EphemeralContainer{{EphemeralContainerCommon: corev1.EphemeralContainerCommon{
			Name: c.Name, Image: c.Image, SecurityContext: c.SecurityContext,
		}}}
	}
	return pod
}

func randomProfile(r *rand.Rand) *corev1.SeccompProfile {
	if r.IntN(3) == 0 {
		return nil
	}
	return &corev1.SeccompProfile{Type: pick(r, corev1.SeccompProfileTypeRuntimeDefault, corev1.SeccompProfileTypeRuntimeDefault,
		corev1.SeccompProfileTypeLocalhost, corev1.SeccompProfileTypeUnconfined, "")}
}

func randomContainer(r *rand.Rand, name string, tidy bool) corev1.Container {
	c := corev1.Container{Name: name, Image: "registry.example/a:1"}
	if !tidy && r.IntN(4) == 0 {
		return c
	}
	c.SecurityContext = &corev1.SecurityContext{
		Privileged: maybe(r, false, false, true), AllowPrivilegeEscalation: maybe(r, false, true),
		RunAsNonRoot: maybe(r, true, false), SeccompProfile: randomProfile(r),
	}
	if tidy {
		c.SecurityContext = &corev1.SecurityContext{
			Privileged: maybe(r, false), AllowPrivilegeEscalation: new(bool), RunAsNonRoot: maybe(r, true),
			Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
		}
		if r.IntN(3) > 0 {
			return c
		}
	}
	if r.IntN(3) > 0 {
		c.SecurityContext.Capabilities = &corev1.Capabilities{Add: randomCaps(r), Drop: randomCaps(r)}
	}
	return c
}

func randomCaps(r *rand.Rand) []corev1.Capability {
	caps := slices.Repeat([]corev1.Capability{""}, r.IntN(3))
	for i := range caps {
		caps[i] = pick[corev1.Capability](r, "ALL", "ALL", "all", "NET_BIND_SERVICE", "CHOWN", "chown", "CAP_KILL", "NET_RAW", "SYS_ADMIN", "")
	}
	return caps
}
