//go:build node

package node

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const hub = `spec:
  role: hub
  profile: tiny
  site: {city: Berlin, country: DE, region: test-1, zone: test-1a}
  nodes: [{name: node}]
  components:
    - name: base
      values: {site: {name: hub, city: Berlin}}
    - name: order-service
`

// site runs two pods under an autoscaler; patch comes behind the component.
func site(patch string) string {
	return `spec:
  role: edge
  profile: small
  site: {city: Oslo, country: NO, region: test-2, zone: test-2a}
  nodes: [{name: node, labels: {example.org/kind: plain}}]
  components:
    - name: base
      values: {site: {name: site, city: Oslo}}
    - name: order-service
` + patch
}

// TestFleet runs a hub and a site with real pods, and breaks one of them.
func TestFleet(t *testing.T) {
	before := machine(t)
	f := newFleet(t, hub+"    - name: etcd-backup\n    - name: jaeger\n", site(""))
	made := f.run(t, "up", "--provider", "kind", "-o", "json").want(t, 0)
	r := made.report(t)
	for _, c := range r.Clusters {
		if c.State != "converged" || c.HealthEvidence != "observed" || len(c.Tracks) != 2 {
			t.Errorf("%s is %s by %q evidence and %d tracks", c.Name, c.State, c.HealthEvidence, len(c.Tracks))
		}
		for _, track := range c.Tracks {
			const unjudged = 1 // the site's autoscaler: there are no metrics; the hub's claim: nobody makes volumes
			if !track.OK || track.NotJudgeable != unjudged || track.Healthy+unjudged != track.Objects {
				t.Errorf("%s by %s: %+v", c.Name, track.Name, track)
			}
		}
	}
	client := f.client(t, "site")
	t.Run("orders are taken by every pod", func(t *testing.T) { orders(t, client) })
	t.Run("the node says where it is", func(t *testing.T) {
		nodes, err := client.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{LabelSelector: "example.org/kind=plain,topology.kubernetes.io/zone=test-2a"})
		if err != nil || len(nodes.Items) != 1 {
			t.Errorf("nodes with the declared labels: %v, %v", nodes, err)
		}
	})
	again := f.run(t, "up", "--provider", "kind", "-o", "json").want(t, 0)
	if strings.Contains(again.stdout, `"changes"`) {
		t.Errorf("a second up changed something:\n%s", again.stdout)
	}
	t.Run("etcd of the hub is backed up", func(t *testing.T) { backedUp(t, f) })
	t.Run("a trace is kept and found", func(t *testing.T) { traced(t, f.client(t, "hub")) })
	t.Run("an image that cannot start", func(t *testing.T) { cannotStart(t, f) })
	t.Run("stopped and started again", func(t *testing.T) {
		f.run(t, "stop").want(t, 0)
		f.run(t, "status").want(t, 3)
		f.run(t, "up", "--provider", "kind").want(t, 0)
		orders(t, client) // on the port that it had
	})
	removed := f.run(t, "down", "--all", "--purge").want(t, 0)
	unchanged(t, before)
	if left, err := os.ReadDir(f.state); err == nil && len(left) > 0 {
		t.Errorf("state is left: %v", left)
	}
	fmt.Fprintf(os.Stderr, "hub and site with real nodes: made and converged in %.0f s, again in %.1f s, removed in %.1f s\n",
		made.took.Seconds(), again.took.Seconds(), removed.took.Seconds())
}

// orders submits one to each pod and, by the Service's own address, from the node.
func orders(t *testing.T, client *kubernetes.Clientset) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	core := client.CoreV1()
	pods := twoPods(ctx, t, client)
	paths := []string{"services/order-service:http"}
	for _, p := range pods {
		if c := p.Status.ContainerStatuses[0]; !strings.HasPrefix(c.ContainerID, "containerd://") {
			t.Errorf("pod %s: %+v", p.Name, c)
		}
		paths = append(paths, "pods/"+p.Name+":8080")
	}
	const order = `{"customer": "c-1", "items": [{"sku": "tea", "quantity": 2, "priceMinor": 450}]}`
	for _, path := range paths {
		eventually(ctx, t, path+" takes an order", func() error {
			answer, err := core.RESTClient().Post().AbsPath("/api/v1/namespaces/orders/"+path+"/proxy/order/submit").
				SetHeader("Content-Type", "application/json").Body([]byte(order)).DoRaw(ctx)
			if err != nil {
				return fmt.Errorf("%w: %s", err, answer)
			}
			return accepted(answer)
		})
	}
	service, err := core.Services("orders").Get(ctx, "order-service", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	eventually(ctx, t, "the Service answers by its own address", func() error {
		answer := output(t, "docker", "exec", pods[0].Spec.NodeName, "bash", "-c",
			`exec 3<>"/dev/tcp/$1/80"; printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3; cat <&3`, "ask", service.Spec.ClusterIP)
		if !strings.HasPrefix(answer, "HTTP/1.0 200") {
			return fmt.Errorf("%s answers %q", service.Spec.ClusterIP, answer)
		}
		return nil
	})
}

// accepted checks the receipt of the order.
func accepted(answer []byte) error {
	var receipt struct {
		Status, Site string
		Total        struct {
			MinorUnits int64
			Currency   string
		}
	}
	if err := json.Unmarshal(answer, &receipt); err != nil {
		return err
	}
	if receipt.Status != "accepted" || receipt.Site != "site" || receipt.Total.MinorUnits != 900 || receipt.Total.Currency != "EUR" {
		return fmt.Errorf("the receipt is %s", answer)
	}
	return nil
}

// eventually tries again: a Service follows its pods a moment later.
func eventually(ctx context.Context, t *testing.T, what string, try func() error) {
	t.Helper()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("never seen: %s: %v", what, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// twoPods waits for the second pod, which the autoscaler asks for after its
// first look.
func twoPods(ctx context.Context, t *testing.T, client *kubernetes.Clientset) []corev1.Pod {
	t.Helper()
	var pods []corev1.Pod
	eventually(ctx, t, "two ready pods", func() error {
		list, err := client.CoreV1().Pods("orders").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=order-service"})
		if err != nil {
			return err
		}
		if pods = list.Items; len(pods) != 2 || ready(pods) != 2 {
			return fmt.Errorf("%d of %d pods are ready", ready(pods), len(pods))
		}
		return nil
	})
	return pods
}

func ready(pods []corev1.Pod) int {
	n := 0
	for _, p := range pods {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue {
				n++
			}
		}
	}
	return n
}

// cannotStart gives the site an image that nobody has: both tracks call it
// degraded, with the kubelet's own reason beside it, and the old pods stay.
func cannotStart(t *testing.T, f *fleet) {
	f.write(t, "clusters/site/cluster.yaml", envelope("Cluster", "site")+site(`      patches:
        - target: {group: apps, kind: Deployment, name: order-service, namespace: orders}
          merge:
            spec:
              progressDeadlineSeconds: 10
              template:
                spec:
                  containers:
                    - name: order-service
                      image: registry.dualtrack.internal/shop/order-service:0@sha256:`+strings.Repeat("0", 64)+"\n"))
	got := f.run(t, "up", "--provider", "kind", "-c", "site", "--timeout", "60s", "-o", "json").want(t, 3).report(t).Clusters[0]
	for _, track := range got.Tracks {
		if len(track.Against) != 1 || track.Against[0].Object.Name != "order-service" || track.Against[0].Health != "degraded" {
			t.Errorf("%s says %+v", track.Name, track.Against)
		}
	}
	if len(got.Waiting) != 1 || !strings.Contains(got.Waiting[0].Why, "ImagePullBackOff") && !strings.Contains(got.Waiting[0].Why, "ErrImagePull") {
		t.Errorf("waiting says %+v", got.Waiting)
	}
	pods, err := f.client(t, "site").CoreV1().Pods("orders").List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if n := ready(pods.Items); n != 2 {
		t.Errorf("%d old pods are ready, want 2", n)
	}
	f.write(t, "clusters/site/cluster.yaml", envelope("Cluster", "site")+site(""))
	f.run(t, "up", "--provider", "kind", "-c", "site").want(t, 0)
}
