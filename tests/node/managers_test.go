//go:build node

package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// greedy is a pod without CPUs of its own, and an agent that asks for all of the
// machine's, of which one is kept. The scheduler is not asked: it would never send the agent there.
func greedy() string {
	const pod = `      nodeName: workshop
      tolerations: [{operator: Exists}]
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 65532, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: agent
          image: order-service
          securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}, readOnlyRootFilesystem: true}
`
	set := func(name, resources string) string {
		return "---\napiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: " + name + ", namespace: orders}\nspec:\n" +
			"  selector: {matchLabels: {app.kubernetes.io/name: " + name + "}}\n  template:\n" +
			"    metadata: {labels: {app.kubernetes.io/name: " + name + "}}\n    spec:\n" +
			pod + "          resources: " + resources + "\n"
	}
	return set("burst", `{requests: {cpu: "0", memory: 64Mi}, limits: {memory: 128Mi}}`) +
		set("greedy", fmt.Sprintf(`{requests: {cpu: "%[1]d", memory: 64Mi}, limits: {cpu: "%[1]d", memory: 64Mi}}`, runtime.NumCPU()))
}

// managed has the site's kubelet give whole CPUs and memory by NUMA node, and
// keep one CPU.
func managed(site string) string {
	const settings = `  kubernetes:
    kubelet:
      cpuManagerPolicy: static
      topologyManagerPolicy: single-numa-node
      memoryManagerPolicy: Static
      reservedSystemCPUs: "0"
      kubeReserved: {memory: 512Mi}
      systemReserved: {memory: 412Mi}
      reservedMemory: [{numaNode: 0, memory: 1Gi}]
  nodes:
`
	return strings.Replace(site, "  nodes:\n", settings, 1)
}

// refused keeps more memory for the system, with which the kubelet would not
// start beside its notes, and adds pods that ask for more than there is and for
// less than a CPU. Both tracks must say why one does not run, in the kubelet's
// words.
func refused(t *testing.T, f *fleet, client *kubernetes.Clientset) {
	f.write(t, "components/greedy/component.yaml", envelope("Component", "greedy")+`spec:
  description: Pods that ask for much, and for little.
  version: 1.0.0
  namespace: orders
  source: {kustomize: {path: manifests}}
  dependsOn: [base]
  images: [order-service]
  needs: {pods: true}
  tenant: shop
`)
	f.write(t, "components/greedy/manifests/kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [pods.yaml]\n")
	f.write(t, "components/greedy/manifests/pods.yaml", greedy())
	more := strings.NewReplacer("kubeReserved: {memory: 512Mi}", "kubeReserved: {memory: 612Mi}", "memory: 1Gi}]", "memory: 1124Mi}]", "  components:\n", "  components:\n    - name: greedy\n")
	f.write(t, "clusters/site/cluster.yaml", envelope("Cluster", "site")+more.Replace(managed(workshop(true))))

	up := f.run(t, "up", "-c", "site", "--timeout", "10s", "-o", "json").want(t, 3)
	if !strings.Contains(up.stdout, "kubelet: forgot whose CPUs and memory are whose") {
		t.Errorf("up does not say that the kubelet's notes are gone:\n%s", up.stdout)
	}
	status := f.run(t, "status", "-c", "site").want(t, 3).stdout
	for _, part := range []string{
		"waiting for DaemonSet orders/greedy: flux: in sync, progressing (Available: 0/1); argo: in sync, progressing",
		"TopologyAffinityError: Pod was rejected: Resources cannot be allocated with Topology locality",
	} {
		if !strings.Contains(status, part) {
			t.Errorf("nothing of %q:\n%s", part, status)
		}
	}
	own := workshopPod(t, client)
	holdsNote(t, f, own)
	list, err := client.CoreV1().Pods("orders").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=burst"})
	if err != nil || len(list.Items) != 1 || list.Items[0].Status.Phase != corev1.PodRunning {
		t.Fatalf("the pod without CPUs of its own: %+v (%v)", list.Items, err)
	}
	if shared, cpu := allowed(t, list.Items[0]), allowed(t, own); shared == cpu || !strings.HasPrefix(shared, "0") {
		t.Errorf("the other pod may run on the CPUs %s, of which the order service has %s", shared, cpu)
	}
	saidDead(t, f)
}

// saidDead kills the kubelet of a site that did not converge: status says so.
func saidDead(t *testing.T, f *fleet) {
	t.Helper()
	if err := syscall.Kill(programs(t, f)["kubelet"].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	const want = "kubelet is dead: `platform up` starts it again, `platform logs site kubelet` says why"
	for deadline := time.Now().Add(10 * time.Second); ; {
		if got := f.run(t, "status", "-c", "site").want(t, 3).stdout; strings.Contains(got, want) {
			return
		} else if time.Now().After(deadline) {
			t.Fatalf("status says nothing of it:\n%s", got)
		}
	}
}

// allowed is the list of CPUs on which the kernel lets a pod's container run.
func allowed(t *testing.T, pod corev1.Pod) string {
	t.Helper()
	id := strings.TrimPrefix(status(pod).ContainerID, "containerd://")
	groups, err := filepath.Glob("/sys/fs/cgroup/*/dt-*/kubepods*/*/*/" + id + "/cgroup.procs") // of a Burstable pod
	guaranteed, again := filepath.Glob("/sys/fs/cgroup/*/dt-*/kubepods*/*/" + id + "/cgroup.procs")
	if groups = append(groups, guaranteed...); err != nil || again != nil || len(groups) == 0 {
		t.Fatalf("no control group of container %s (%v, %v)", id, err, again)
	}
	data, err := os.ReadFile(groups[0])
	if err != nil || len(bytes.Fields(data)) == 0 {
		t.Fatalf("no process in %s (%v)", groups[0], err)
	}
	data, err = os.ReadFile("/proc/" + string(bytes.Fields(data)[0]) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(data), "Cpus_allowed_list:")
	line, _, _ := strings.Cut(rest, "\n")
	return strings.TrimSpace(line)
}

// holdsNote compares the kubelet's own notes with what the kernel does: the order
// service has one CPU, which is not the one that is kept, and its memory. A
// container that ran before gets its CPU within 10 seconds.
func holdsNote(t *testing.T, f *fleet, pod corev1.Pod) {
	t.Helper()
	cpus := allowed(t, pod)
	for deadline := time.Now().Add(15 * time.Second); strings.ContainsAny(cpus, ",-") && time.Now().Before(deadline); cpus = allowed(t, pod) {
		time.Sleep(100 * time.Millisecond)
	}
	if pod.Status.QOSClass != corev1.PodQOSGuaranteed || strings.ContainsAny(cpus, ",-") || cpus == "0" {
		t.Errorf("the order service is %s, and may run on the CPUs %s, not on one of its own that is not kept", pod.Status.QOSClass, cpus)
	}
	var note struct {
		PolicyName string
		Entries    map[string]map[string]string
	}
	var memory struct {
		PolicyName string
		Entries    map[string]map[string][]struct {
			NUMAAffinity []int
			Size         int64
		}
	}
	for file, into := range map[string]any{"cpu_manager_state": &note, "memory_manager_state": &memory} {
		data, err := os.ReadFile(filepath.Join(f.state, "nodetest", "site", "node", "kubelet", file))
		if err == nil {
			err = json.Unmarshal(data, into)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := note.Entries[string(pod.UID)]["order-service"]; note.PolicyName != "static" || got != cpus || len(note.Entries) != 1 {
		t.Errorf("the kubelet notes %+v, and the kernel lets the order service run on %s", note, cpus)
	}
	blocks := memory.Entries[string(pod.UID)]["order-service"]
	if memory.PolicyName != "Static" || len(blocks) != 1 || blocks[0].Size != 256<<20 || len(blocks[0].NUMAAffinity) != 1 {
		t.Errorf("the kubelet notes of memory %+v", memory)
	}
}
