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

var seed = flag.Uint64("seed", 0, "seed of what is generated; 0 takes the clock")

// seedOf is the seed that was asked for, else one of the clock's.
func seedOf(t *testing.T) uint64 {
	t.Helper()
	chosen := *seed
	if chosen == 0 {
		chosen = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d", chosen)
	return chosen
}

// checks pairs each rule with the check of Pod Security admission it stands for.
var checks = map[string]security.Check{
	"DT-SEC-001": security.CheckPrivileged(),
	"DT-SEC-002": security.CheckHostNamespaces(),
	"DT-SEC-003": security.CheckHostPathVolumes(),
	"DT-SEC-004": security.CheckHostPorts(),
	"DT-SEC-005": security.CheckCapabilitiesBaseline(),
	"DT-SEC-006": security.CheckCapabilitiesRestricted(),
	"DT-SEC-007": security.CheckAllowPrivilegeEscalation(),
	"DT-SEC-008": security.CheckRunAsNonRoot(),
	"DT-SEC-009": security.CheckRunAsUser(),
	"DT-SEC-010": security.CheckSeccompProfileRestricted(),
	"DT-SEC-011": security.CheckAppArmorProfile(),
	"DT-SEC-012": security.CheckSELinuxOptions(),
	"DT-SEC-013": security.CheckProcMountBaseline(),
	"DT-SEC-014": security.CheckSysctls(),
	"DT-SEC-015": security.CheckRestrictedVolumes(),
	"DT-SEC-016": security.CheckWindowsHostProcess(),
}

// TestParity holds the pod rules to the code of Pod Security admission, at the
// baseline's minor, on generated pods.
func TestParity(t *testing.T) {
	t.Parallel()
	const pods = 2500
	chosen := seedOf(t)
	r := rand.New(rand.NewPCG(chosen, 0))
	minor := baselineMinor(t)
	in := testInput(t, namespace)
	in.KubeVersion = fmt.Sprintf("v1.%d.0", minor)
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
			allowed := judge(&pod.ObjectMeta, defaulted(pod)).Allowed
			if allowed {
				both[0]++
			} else {
				both[1]++
			}
			denied := refused[rule+" "+name] || saidElsewhere(rule, pod, refused)
			if denied == allowed {
				text, _ := yaml.Marshal(pod.Spec)
				t.Errorf("%s: Pod Security allows: %v, the rule does: %v (seed %d)\n%s", rule, allowed, !denied, chosen, text)
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

// defaulted is the pod's spec as admission sees it: a volume of no type is an
// emptyDir.
func defaulted(pod *corev1.Pod) *corev1.PodSpec {
	spec := pod.Spec.DeepCopy()
	for i, v := range spec.Volumes {
		if v.VolumeSource == (corev1.VolumeSource{}) {
			spec.Volumes[i].EmptyDir = &corev1.EmptyDirVolumeSource{}
		}
	}
	return spec
}

// saidElsewhere says that another rule refuses what a check refuses too: each
// fault is told once.
func saidElsewhere(rule string, pod *corev1.Pod, refused map[string]bool) bool {
	switch rule {
	case "DT-SEC-004": // in the node's network every port is the node's, and DT-SEC-002 says so
		return pod.Spec.HostNetwork && hasHostPort(pod) && refused["DT-SEC-002 "+pod.Name]
	case "DT-SEC-015":
		return refused["DT-SEC-003 "+pod.Name]
	}
	return false
}

func hasHostPort(pod *corev1.Pod) bool {
	var ports []corev1.ContainerPort
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		ports = append(ports, c.Ports...)
	}
	for _, c := range pod.Spec.EphemeralContainers {
		ports = append(ports, c.Ports...)
	}
	return slices.ContainsFunc(ports, func(p corev1.ContainerPort) bool { return p.HostPort != 0 })
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
		switch r.IntN(6) {
		case 0:
			v.HostPath = &corev1.HostPathVolumeSource{Path: "/var"}
		case 1:
			v.EmptyDir = &corev1.EmptyDirVolumeSource{}
		case 2:
			v.NFS = &corev1.NFSVolumeSource{Server: "a", Path: "/"}
		case 3:
			v.Projected = &corev1.ProjectedVolumeSource{}
		case 4:
			v.Secret = &corev1.SecretVolumeSource{SecretName: "a"}
		}
		spec.Volumes = append(spec.Volumes, v)
	}
	if r.IntN(3) > 0 {
		spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: maybe(r, true, true, true, false), SeccompProfile: randomProfile(r),
			RunAsUser: maybe(r, int64(0), 1, 10000), SELinuxOptions: randomSELinux(r), Sysctls: randomSysctls(r),
			WindowsOptions: randomWindows(r)}
	}
	if r.IntN(3) == 0 {
		key := "container.apparmor.security.beta.kubernetes.io/" + pick(r, "c0", "i0")
		pod.Annotations = map[string]string{key: pick(r, "", "runtime/default", "localhost/a", "unconfined", "runtime/default2")}
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
			Name: c.Name, Image: c.Image, SecurityContext: c.SecurityContext, Ports: c.Ports,
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
	for range r.IntN(3) {
		c.Ports = append(c.Ports, corev1.ContainerPort{ContainerPort: 80, HostPort: pick[int32](r, 0, 0, 0, 80, 81)})
	}
	if !tidy && r.IntN(4) == 0 {
		return c
	}
	c.SecurityContext = &corev1.SecurityContext{
		Privileged: maybe(r, false, false, true), AllowPrivilegeEscalation: maybe(r, false, true),
		RunAsNonRoot: maybe(r, true, false), SeccompProfile: randomProfile(r),
		RunAsUser: maybe(r, int64(0), 1, 10000), SELinuxOptions: randomSELinux(r), WindowsOptions: randomWindows(r),
		ProcMount: maybe(r, corev1.DefaultProcMount, corev1.DefaultProcMount, corev1.UnmaskedProcMount, ""),
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

func randomSELinux(r *rand.Rand) *corev1.SELinuxOptions {
	if r.IntN(2) == 0 {
		return nil
	}
	return &corev1.SELinuxOptions{Level: pick(r, "", "s0"), User: pick(r, "", "", "", "u"), Role: pick(r, "", "", "", "r"),
		Type: pick(r, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t")}
}

func randomWindows(r *rand.Rand) *corev1.WindowsSecurityContextOptions {
	if r.IntN(2) == 0 {
		return nil
	}
	return &corev1.WindowsSecurityContextOptions{HostProcess: maybe(r, false, true)}
}

func randomSysctls(r *rand.Rand) []corev1.Sysctl {
	list := make([]corev1.Sysctl, r.IntN(3))
	for i := range list {
		list[i].Name = pick(r, "kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies", "net.ipv4.ip_local_reserved_ports",
			"net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_rmem", "kernel.msgmax", "")
	}
	return list
}

func randomCaps(r *rand.Rand) []corev1.Capability {
	caps := slices.Repeat([]corev1.Capability{""}, r.IntN(3))
	for i := range caps {
		caps[i] = pick[corev1.Capability](r, "ALL", "ALL", "all", "NET_BIND_SERVICE", "CHOWN", "chown", "CAP_KILL", "NET_RAW", "SYS_ADMIN", "")
	}
	return caps
}
