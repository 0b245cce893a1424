//go:build node

package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

// three is a hub with three control planes and settings of its own.
const three = `spec:
  role: hub
  profile: tiny
  site: {city: Berlin, country: DE, region: test-1, zone: test-1a}
  provider: kind
  kubernetes:
    audit: {level: Request, maxSizeMB: 7, maxBackups: 2}
    admissionPlugins: [DenyServiceExternalIPs]
  etcd: {members: 3, gogc: 75, goMemLimit: 300Mi, batchInterval: 50ms, batchLimit: 5000, snapshotCount: 20000, quota: 1Gi}
  nodes: [{name: a, zone: test-1a}, {name: b, zone: test-1b}, {name: c, zone: test-1c}]
  components:
    - name: base
      values: {site: {name: hub, city: Berlin}}
    - name: order-service
`

// first is the container of the first control plane.
const first = "dualtrack-nodetest-hub-control-plane"

// staticPod waits for a static pod to be seen: a kubelet shows it to the API
// server some seconds after it has started it.
func staticPod(t *testing.T, client *kubernetes.Clientset, name string) *corev1.Pod {
	t.Helper()
	var pod *corev1.Pod
	err := wait.PollUntilContextTimeout(t.Context(), time.Second, time.Minute, true, func(ctx context.Context) (bool, error) {
		var err error
		pod, err = client.CoreV1().Pods("kube-system").Get(ctx, name, metav1.GetOptions{})
		return err == nil, nil
	})
	if err != nil {
		t.Fatalf("the static pod %s: %v", name, err)
	}
	return pod
}

// TestThreeControlPlanes reads the settings back from what runs, and stops the
// first control plane.
func TestThreeControlPlanes(t *testing.T) {
	before := machine(t)
	f := newFleet(t, three, site(""))
	made := f.run(t, "up", "-c", "hub", "-o", "json").want(t, 0)
	if c := made.report(t).Clusters[0]; c.State != "converged" || c.HealthEvidence != "observed" {
		t.Errorf("the hub is %s by %q evidence", c.State, c.HealthEvidence)
	}
	client := f.client(t, "hub")
	t.Run("settings of the running programs", func(t *testing.T) {
		for _, node := range []string{first, first + "2", first + "3"} {
			pod := staticPod(t, client, "etcd-"+node)
			env := map[string]string{}
			for _, e := range pod.Spec.Containers[0].Env {
				env[e.Name] = e.Value
			}
			want := map[string]string{"GOGC": "75", "GOMEMLIMIT": "314572800"}
			if diff := cmp.Diff(want, env); diff != "" {
				t.Errorf("environment of etcd in the static pod of %s (-want +got):\n%s", node, diff)
			}
			for _, flag := range []string{"--backend-batch-interval=50ms", "--backend-batch-limit=5000", "--snapshot-count=20000", "--quota-backend-bytes=1073741824"} {
				if !slices.Contains(pod.Spec.Containers[0].Command, flag) {
					t.Errorf("etcd of %s runs without %s: %v", node, flag, pod.Spec.Containers[0].Command)
				}
			}
			process := output(t, "docker", "exec", node, "bash", "-c", `tr '\0' '\n' <"/proc/$(pgrep -x etcd)/environ"`)
			for name, value := range want {
				if !strings.Contains(process, name+"="+value+"\n") {
					t.Errorf("the process of etcd in %s has not %s=%s:\n%s", node, name, value, process)
				}
			}
		}
		server := output(t, "docker", "exec", first, "bash", "-c", `tr '\0' '\n' <"/proc/$(pgrep -f ^kube-apiserver | head -n 1)/cmdline"`)
		for _, flag := range []string{
			"--audit-log-maxsize=7", "--audit-log-maxbackup=2", "--enable-admission-plugins=NodeRestriction,DenyServiceExternalIPs",
			"--encryption-provider-config=/etc/dualtrack/conf/encryption.yaml", "--profiling=false", "--goaway-chance=0.001",
		} {
			if !strings.Contains(server, flag+"\n") {
				t.Errorf("kube-apiserver runs without %s:\n%s", flag, server)
			}
		}
		kubelet := output(t, "docker", "exec", first+"2", "cat", "/var/lib/kubelet/config.yaml")
		for _, line := range []string{"seccompDefault: true", "containerLogMaxSize: 10Mi", "maxPods: 110"} {
			if !strings.Contains(kubelet, line+"\n") {
				t.Errorf("the kubelet runs without %q:\n%s", line, kubelet)
			}
		}
	})
	t.Run("one control plane stopped", func(t *testing.T) {
		output(t, "docker", "stop", "-t", "1", first)
		got := f.run(t, "status", "-c", "hub", "-o", "json").want(t, 0).report(t).Clusters[0]
		for _, track := range got.Tracks {
			if !track.OK {
				t.Errorf("with a control plane stopped, %s says %+v", track.Name, track)
			}
		}
		if got.HealthEvidence != "observed" {
			t.Errorf("evidence is %q", got.HealthEvidence)
		}
		f.run(t, "up", "-c", "hub").want(t, 0)
		if state := strings.TrimSpace(output(t, "docker", "inspect", "-f", "{{.State.Status}}", first)); state != "running" {
			t.Errorf("after up the stopped control plane is %s", state)
		}
	})
	t.Run("a setting that a cluster cannot take on", func(t *testing.T) {
		f.write(t, "clusters/hub/cluster.yaml", envelope("Cluster", "hub")+strings.Replace(three, "gogc: 75", "gogc: 80", 1))
		got := f.run(t, "up", "-c", "hub")
		if got.code != 6 || !strings.Contains(got.stdout+got.stderr, "platform down -c hub") {
			t.Errorf("exit %d\n%s\n%s", got.code, got.stdout, got.stderr)
		}
	})
	f.run(t, "down", "--all", "--purge").want(t, 0)
	unchanged(t, before)
	fmt.Fprintf(os.Stderr, "three control planes and a worker: made and converged in %.0f s\n", made.took.Seconds())
}

// TestRenderedForKubeadm has kubeadm of the node image read what `node render`
// writes for every cluster of this repository.
func TestRenderedForKubeadm(t *testing.T) {
	f := newFleet(t, three, site(""))
	image := strings.TrimSpace(f.run(t, "node", "image").want(t, 0).stdout)
	for _, name := range []string{"hub", "site"} {
		dir := filepath.Join(t.TempDir(), "rendered")
		f.run(t, "node", "render", name, "--to", dir).want(t, 0)
		configs, err := filepath.Glob(filepath.Join(dir, "kubeadm-*.yaml"))
		if err != nil || len(configs) == 0 {
			t.Fatalf("%s: no configuration of kubeadm: %v", name, err)
		}
		for _, config := range configs {
			said := output(t, "docker", "run", "--rm", "--network", "none", "--entrypoint", "kubeadm", "-v", dir+":/rendered:ro",
				image, "config", "validate", "--config", "/rendered/"+filepath.Base(config))
			if strings.TrimSpace(said) != "ok" {
				t.Errorf("%s of %s: kubeadm says %q", filepath.Base(config), name, said)
			}
		}
	}
}
