//go:build node

package node

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// workshop is a site of two simulated nodes and, unless it is left out, a real
// one; its order services stand on one each and ask for a whole CPU.
func workshop(real bool) string {
	if real {
		return withWorkshop
	}
	left := strings.NewReplacer("replicas: 3", "replicas: 2", realLine, "")
	return left.Replace(withWorkshop)
}

const realLine = "    - {name: workshop, real: true, labels: {example.org/kind: real}, taints: [{key: example.org/workshop, effect: NoSchedule}]}\n"

const withWorkshop = `spec:
  role: edge
  profile: small
  site: {city: Oslo, country: NO, region: test-2, zone: test-2a}
  nodes:
    - {name: node, count: 2}
` + realLine + `  components:
    - name: base
      values: {site: {name: site, city: Oslo}, namespaces: {orders: {quota: {requests.cpu: "100"}}}}
    - name: order-service
      values: {replicas: 3, autoscaling: {enabled: false}, resources: {requests: {cpu: 1, memory: 256Mi}, limits: {cpu: 1, memory: 256Mi}}}
      patches:
        - target: {group: apps, kind: Deployment, name: order-service, namespace: orders}
          merge:
            spec:
              template:
                spec:
                  tolerations: [{key: example.org/workshop, operator: Exists, effect: NoSchedule}]
                  affinity:
                    podAntiAffinity:
                      requiredDuringSchedulingIgnoredDuringExecution:
                        - topologyKey: kubernetes.io/hostname
                          labelSelector: {matchLabels: {app.kubernetes.io/name: order-service}}
`

// TestRealNode runs a pod in a kubelet of this machine beside simulated ones,
// and breaks what it stands on.
func TestRealNode(t *testing.T) {
	before := strange(t)
	f := newFleet(t, hub, workshop(true))
	made := f.run(t, "up", "-c", "site", "-o", "json").want(t, 0)
	told(t, made)
	client := f.client(t, "site")
	first := workshopPod(t, client)
	t.Run("what runs there", func(t *testing.T) { runsThere(t, f, client) })
	t.Run("nothing leads out of the node", func(t *testing.T) { closed(t) })
	t.Run("a second up changes nothing", func(t *testing.T) {
		again := f.run(t, "up", "-c", "site", "-o", "json").want(t, 0)
		if strings.Contains(again.stdout, `"changes"`) || strings.Contains(again.stdout, `"started"`) {
			t.Errorf("it did:\n%s", again.stdout)
		}
	})
	f.write(t, "clusters/site/cluster.yaml", envelope("Cluster", "site")+managed(workshop(true)))
	for _, program := range []string{"kubelet", "containerd"} {
		t.Run(program+" is killed", func(t *testing.T) {
			healed(t, f, program)
			if now := workshopPod(t, client); status(now).ContainerID != status(first).ContainerID {
				t.Errorf("the container was not left alone: %s, then %s", status(first).ContainerID, status(now).ContainerID)
			}
		})
	}
	t.Run("it has a CPU and memory of its own", func(t *testing.T) { holdsNote(t, f, workshopPod(t, client)) })
	t.Run("all of the node is killed, its containers too", func(t *testing.T) {
		for _, pid := range marked(t, f) {
			_ = syscall.Kill(pid, syscall.SIGKILL) // some end with others
		}
		f.run(t, "up", "-c", "site", "-o", "json").want(t, 0)
		if now := workshopPod(t, client); status(now).RestartCount == 0 {
			t.Errorf("it is Ready in %s, which was killed", status(now).ContainerID)
		}
	})
	t.Run("stopped and started again", func(t *testing.T) {
		f.run(t, "stop", "-c", "site").want(t, 0)
		nothingLeft(t, f, before)
		f.run(t, "status", "-c", "site").want(t, 3)
		told(t, f.run(t, "up", "-c", "site", "-o", "json").want(t, 0))
		workshopPod(t, client)
	})
	t.Run("it leaves the declaration and comes back", func(t *testing.T) {
		f.write(t, "clusters/site/cluster.yaml", envelope("Cluster", "site")+workshop(false))
		f.run(t, "up", "-c", "site").want(t, 0)
		nothingLeft(t, f, before)
		if _, err := client.CoreV1().Nodes().Get(t.Context(), "workshop", metav1.GetOptions{}); err == nil {
			t.Error("the node is still there")
		}
		f.write(t, "clusters/site/cluster.yaml", envelope("Cluster", "site")+managed(workshop(true)))
		told(t, f.run(t, "up", "-c", "site", "-o", "json").want(t, 0))
		workshopPod(t, client)
	})
	t.Run("who asks for more than there is", func(t *testing.T) { refused(t, f, client) })
	removed := f.run(t, "down", "--all", "--purge").want(t, 0)
	nothingLeft(t, f, before)
	fmt.Fprintf(os.Stderr, "site with a real node: made and converged in %.0f s, removed in %.1f s\n", made.took.Seconds(), removed.took.Seconds())
}

// told holds that a report tells observed pods from simulated ones.
func told(t *testing.T, o outcome) {
	t.Helper()
	var r struct {
		Clusters []struct {
			State, HealthEvidence string
			Pods                  *struct{ Observed, Simulated int }
		}
	}
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil || len(r.Clusters) != 1 {
		t.Fatalf("%v in\n%s", err, o.stdout)
	}
	c := r.Clusters[0]
	if c.State != "converged" || c.HealthEvidence != "simulated" || c.Pods == nil || c.Pods.Observed != 1 || c.Pods.Simulated < 2 {
		t.Errorf("the site is %s by %q evidence, pods %+v", c.State, c.HealthEvidence, c.Pods)
	}
}

func status(p corev1.Pod) corev1.ContainerStatus { return p.Status.ContainerStatuses[0] }

// workshopPod is the order service on the real node, which must be Ready; the
// others must be on the simulated ones.
func workshopPod(t *testing.T, client *kubernetes.Clientset) corev1.Pod {
	t.Helper()
	list, err := client.CoreV1().Pods("orders").List(t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=order-service"})
	if err != nil {
		t.Fatal(err)
	}
	on := map[string]corev1.Pod{}
	for _, p := range list.Items {
		on[p.Spec.NodeName] = p
	}
	real, simulated := on["workshop"], on["node-1"]
	if len(list.Items) != 3 || len(simulated.Status.ContainerStatuses) != 1 || len(real.Status.ContainerStatuses) != 1 {
		t.Fatalf("%d pods, not one on each node: %+v", len(list.Items), list.Items)
	}
	if !status(real).Ready || real.Status.Phase != corev1.PodRunning || !strings.HasPrefix(status(real).ContainerID, "containerd://") {
		t.Fatalf("the pod on the real node is %s: %+v", real.Status.Phase, status(real))
	}
	if status(simulated).ContainerID != "" {
		t.Errorf("the simulated pod has the container %s", status(simulated).ContainerID)
	}
	return real
}

// runsThere asks the pod itself, its log through the API server, and its Service
// from the node.
func runsThere(t *testing.T, f *fleet, client *kubernetes.Clientset) {
	pod := workshopPod(t, client)
	if line := f.run(t, "status", "-c", "site").want(t, 0).stdout; !strings.Contains(line, ", 1 pod of ") {
		t.Errorf("the headline does not tell the pods apart:\n%s", line)
	}
	if log := f.run(t, "kubectl", "site", "--", "logs", "-n", "orders", pod.Name).want(t, 0).stdout; strings.TrimSpace(log) == "" {
		t.Error("the pod's log is empty")
	}
	if log := f.run(t, "logs", "site", "kubelet").want(t, 0).stdout; !strings.Contains(log, "Started kubelet") {
		t.Errorf("the kubelet's log:\n%.500s", log)
	}
	node, err := client.CoreV1().Nodes().Get(t.Context(), "workshop", metav1.GetOptions{})
	if err != nil || node.Labels["example.org/kind"] != "real" || node.Labels["topology.kubernetes.io/zone"] != "test-2a" || len(node.Spec.Taints) != 1 ||
		!strings.HasPrefix(node.Status.NodeInfo.ContainerRuntimeVersion, "containerd://") {
		t.Errorf("the node is %+v (%v)", node, err)
	}
	const order = `{"customer": "c-1", "items": [{"sku": "tea", "quantity": 2, "priceMinor": 450}]}`
	answer, err := client.CoreV1().RESTClient().Post().AbsPath("/api/v1/namespaces/orders/pods/"+pod.Name+":8080/proxy/order/submit").
		SetHeader("Content-Type", "application/json").Body([]byte(order)).DoRaw(t.Context())
	if err != nil || !strings.Contains(string(answer), `"accepted"`) {
		t.Errorf("the pod answers %s (%v)", answer, err)
	}
	service, err := client.CoreV1().Services("default").Get(t.Context(), "kubernetes", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, service.Spec.ClusterIP)
	if _, err := client.CoreV1().RESTClient().Get().AbsPath("/api/v1/nodes/workshop/proxy/healthz").DoRaw(t.Context()); err != nil {
		t.Errorf("the kubelet by way of the API server: %v", err)
	}
}

// ask opens a connection to a Service's address from the node.
func ask(t *testing.T, address string) {
	t.Helper()
	output(t, "nsenter", "--net="+netns(t), "timeout", "10", "bash", "-c", `exec 3<>"/dev/tcp/$1/443"`, "ask", address)
}

func netns(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/run/netns/dt-*")
	if err != nil || len(found) != 1 {
		t.Fatalf("network namespaces: %v (%v)", found, err)
	}
	return found[0]
}

// closed holds that the node has no way out of this machine.
func closed(t *testing.T) {
	for line := range strings.Lines(output(t, "nsenter", "--net="+netns(t), "ip", "route")) {
		if !strings.HasPrefix(line, "10.209.") && !strings.HasPrefix(line, "10.210.") && !strings.HasPrefix(line, "10.96.0.0/16 ") {
			t.Errorf("a way out: %s", line)
		}
	}
	name := filepath.Base(netns(t))
	if forwards := output(t, "cat", "/proc/sys/net/ipv4/conf/"+name+"/forwarding"); strings.TrimSpace(forwards) != "0" {
		t.Errorf("this machine forwards for the node: %s", forwards)
	}
}

// healed kills a program, has status and doctor say so, and up mend it.
func healed(t *testing.T, f *fleet, program string) {
	pid := programs(t, f)[program].PID
	if pid == 0 || syscall.Kill(pid, syscall.SIGKILL) != nil {
		t.Fatalf("%s is no program of the site: %v", program, programs(t, f))
	}
	for deadline := time.Now().Add(10 * time.Second); programs(t, f)[program].State != "dead"; {
		if time.Now().After(deadline) {
			t.Fatalf("status does not see it: %+v", programs(t, f)[program])
		}
	}
	if got := f.run(t, "doctor"); !strings.Contains(got.stdout, program+" is dead") {
		t.Errorf("doctor says nothing of it: exit %d\n%s", got.code, got.stdout)
	}
	up := f.run(t, "up", "-c", "site", "-o", "json").want(t, 0)
	if !strings.Contains(up.stdout, program+": started again (it did not run)") {
		t.Errorf("up says nothing of it:\n%s", up.stdout)
	}
	told(t, up)
}

type program struct {
	Name, State string
	PID         int
}

func programs(t *testing.T, f *fleet) map[string]program {
	t.Helper()
	var r struct {
		Clusters []struct{ Programs []program }
	}
	got := f.run(t, "status", "-c", "site", "--programs", "-o", "json")
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || len(r.Clusters) != 1 {
		t.Fatalf("%v in\n%s\n%s", err, got.stdout, got.stderr)
	}
	out := map[string]program{}
	for _, p := range r.Clusters[0].Programs {
		out[p.Name] = p
	}
	return out
}

// marked are the processes of the site's real node by their environment, those
// that containerd started too; the containers' are found by their group.
func marked(t *testing.T, f *fleet) []int {
	t.Helper()
	var out []int
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(env, []byte(f.state)) || !bytes.Contains(env, []byte("DUALTRACK_BINARY=")) {
			continue
		}
		if pid, err := strconv.Atoi(strings.Split(file, "/")[2]); err == nil {
			out = append(out, pid)
		}
	}
	groups, err := filepath.Glob("/sys/fs/cgroup/pids/dt-*/kubepods/*/*/cgroup.procs") // a Guaranteed pod's
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range groups {
		data, _ := os.ReadFile(file)
		for _, field := range strings.Fields(string(data)) {
			if pid, err := strconv.Atoi(field); err == nil {
				out = append(out, pid)
			}
		}
	}
	if len(out) < 5 { // containerd, kubelet, kube-proxy, a shim, a container
		t.Fatalf("only %d processes of the real node are found", len(out))
	}
	return out
}

// kernel are the settings that a kubelet changes.
func kernel() []string {
	return []string{"kernel/panic", "kernel/panic_on_oops", "vm/overcommit_memory", "vm/panic_on_oom", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"}
}

func places() []string {
	return []string{"/run/containerd", "/var/lib/cni", "/var/lib/containerd", "/var/lib/kubelet", "/var/log/containers", "/var/log/pods"}
}

// traces is what a real node changes of this machine.
type traces struct {
	Settings map[string]string
	Places   []string
}

// strange gives the kernel settings that no kubelet would choose, so that their
// restoring can be seen, and puts them back when the test ends.
func strange(t *testing.T) traces {
	t.Helper()
	for name, value := range map[string]string{"kernel/panic": "7", "kernel/panic_on_oops": "0", "vm/overcommit_memory": "0"} {
		path := "/proc/sys/" + name
		was, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(path, []byte(value), 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.WriteFile(path, was, 0); err != nil {
				t.Error(err)
			}
		})
	}
	return look(t)
}

func look(t *testing.T) traces {
	t.Helper()
	out := traces{Settings: map[string]string{}}
	for _, name := range kernel() {
		data, err := os.ReadFile("/proc/sys/" + name)
		if err != nil {
			t.Fatal(err)
		}
		out.Settings[name] = strings.TrimSpace(string(data))
	}
	for _, place := range places() {
		if _, err := os.Stat(place); err == nil {
			out.Places = append(out.Places, place)
		}
	}
	return out
}

// nothingLeft compares the machine with what it was, and looks for what a real
// node has outside its folder.
func nothingLeft(t *testing.T, f *fleet, before traces) {
	t.Helper()
	if diff := cmp.Diff(before, look(t)); diff != "" {
		t.Errorf("the machine (-before +after):\n%s", diff)
	}
	for _, pattern := range []string{"/run/netns/dt-*", "/sys/class/net/dt-*", "/sys/fs/cgroup/*/dt-*", "/sys/fs/cgroup/dt-*", "/run/dualtrack/real-nodes.json"} {
		if left, err := filepath.Glob(pattern); err != nil || len(left) > 0 {
			t.Errorf("left: %v (%v)", left, err)
		}
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, f.state) || strings.Contains(line, "/dt-") {
			t.Errorf("mounted: %s", line)
		}
	}
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err == nil && bytes.Contains(env, []byte(f.state+"/")) && bytes.Contains(env, []byte("DUALTRACK_BINARY=")) {
			t.Errorf("process %s is left", filepath.Dir(file))
		}
	}
}

// TestRealNodeRefused: a machine or an account that cannot run a real node gets
// told before anything starts.
func TestRealNodeRefused(t *testing.T) {
	f := newFleet(t, hub, workshop(true))
	t.Run("no containerd", func(t *testing.T) {
		got := f.as(t, nil, "/nowhere", "up", "-c", "site").want(t, 6)
		for _, part := range []string{"the real node workshop cannot run here", "not in PATH: containerd", "apt-get install", "real: true"} {
			if !strings.Contains(got.stderr, part) {
				t.Errorf("nothing of %q:\n%s", part, got.stderr)
			}
		}
		if doctor := f.as(t, nil, "/nowhere", "doctor"); !strings.Contains(doctor.stdout, "real-node: the real node workshop cannot run here") {
			t.Errorf("doctor says nothing of it:\n%s", doctor.stdout)
		}
	})
	t.Run("no root", func(t *testing.T) {
		const nobody = 65534
		home, err := os.MkdirTemp("", "nobody")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(home) })
		output(t, "sh", "-c", `cp "$1" "$3/platform" && cp -r "$2" "$3/repo" && chown -R 65534:65534 "$3"`, "copy", built.path, f.repo, home)
		other := &fleet{repo: filepath.Join(home, "repo"), state: filepath.Join(home, "state")}
		got := other.as(t, &syscall.Credential{Uid: nobody, Gid: nobody}, os.Getenv("PATH"), "up", "-c", "site").want(t, 6)
		if !strings.Contains(got.stderr, "a kubelet needs root") || !strings.Contains(got.stderr, "run the command as root") {
			t.Errorf("nothing of root:\n%s", got.stderr)
		}
	})
	if _, err := os.Stat(filepath.Join(f.state, "nodetest", "site")); err == nil {
		t.Error("something was begun")
	}
}

// as runs the program as another user, with another PATH.
func (f *fleet) as(t *testing.T, who *syscall.Credential, path string, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	binary := built.path
	if who != nil {
		binary = filepath.Join(filepath.Dir(f.repo), "platform")
	}
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.SysProcAttr = f.repo, &syscall.SysProcAttr{Credential: who}
	cmd.Env = append(slices.Clone(os.Environ()), "PATH="+path, "DUALTRACK_STATE_DIR="+f.state)
	if who != nil {
		cmd.Env = append(cmd.Env, "HOME="+filepath.Dir(f.repo), "DUALTRACK_CACHE_DIR="+filepath.Join(filepath.Dir(f.repo), "cache"))
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return outcome{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}
