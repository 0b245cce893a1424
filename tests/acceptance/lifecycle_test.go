package acceptance

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/tests/independent"
)

const fleetSize = 8

// TestFleetOfEight follows one fleet from nothing to nothing, as its user does.
// The parts build on one another; the first that fails ends it.
func TestFleetOfEight(t *testing.T) {
	if testing.Short() {
		t.Fatal("runs eight control planes: leave the package out instead of shortening it")
	}
	before := processes(t)
	f := newFleet(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *fleet)
	}{
		{"up converges on both tracks", upConverges},
		{"plain client-go agrees", clientAgrees},
		{"a second up changes nothing", secondUp},
		{"one value reaches only its cluster", oneValue},
		{"drift is named and mended", driftAndRepair},
		{"a stopped API server is unreachable", stoppedServer},
		{"an unschedulable Deployment is said in the scheduler's words", unschedulable},
		{"a denied tree touches nothing", denied},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, f) }) {
			return
		}
	}
	t.Run("down leaves nothing", func(t *testing.T) {
		f.run(t, "down", "--all", "--purge").want(t, 0)
		if left := processes(t).minus(before); len(left) > 0 {
			t.Errorf("processes left: %v", left)
		}
		if entries, err := os.ReadDir(f.state); err == nil && len(entries) > 0 {
			t.Errorf("state left: %v", entries)
		}
	})
}

func upConverges(t *testing.T, f *fleet) {
	got := f.run(t, "up").want(t, 0)
	for _, words := range []string{"8/8 in sync by both tracks", "control planes real", "pod health SIMULATED (kwok)", "Next:"} {
		if !strings.Contains(got.stdout, words) {
			t.Errorf("the report does not say %q:\n%s", words, got.stdout)
		}
	}
}

func clientAgrees(t *testing.T, f *fleet) {
	bundles := filepath.Join(t.TempDir(), "bundles")
	f.run(t, "render", "--to", bundles).want(t, 0)
	var baseline struct {
		Spec struct {
			Kubernetes string `json:"kubernetes"`
		} `json:"spec"`
	}
	data, err := os.ReadFile(filepath.Join(f.repo, "components", "baseline.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(data, &baseline); err != nil {
		t.Fatal(err)
	}
	status := f.run(t, "status", "-o", "json").want(t, 0).json(t)
	if len(status.Clusters) != fleetSize {
		t.Fatalf("%d clusters, want %d", len(status.Clusters), fleetSize)
	}
	for _, c := range status.Clusters {
		if len(c.Withheld) > 0 {
			t.Errorf("%s: withheld %v, want nothing: no component brings a webhook", c.Name, c.Withheld)
		}
		independent.Check(t, independent.Cluster{
			Kubeconfig: f.kubeconfig(t, c.Name), Files: []string{filepath.Join(bundles, c.Name)}, Version: baseline.Spec.Kubernetes,
		})
	}
}

func secondUp(t *testing.T, f *fleet) {
	known := map[string]bool{}
	if first := f.mutations(t, known); len(first) == 0 {
		t.Fatal("the first up shows no mutating request: the audit log is not what it seems")
	}
	got := f.run(t, "up", "-o", "json").want(t, 0)
	for _, c := range got.json(t).Clusters {
		if len(c.Changes) > 0 || len(c.Started) > 0 {
			t.Errorf("%s: changes %v, started %v, want none", c.Name, c.Changes, c.Started)
		}
	}
	pause(t, time.Second) // the audit log is written behind the answer
	for _, e := range f.mutations(t, known) {
		t.Errorf("the second up wrote: %s %s as %s (%s)", e.Verb, e.RequestURI, e.User.Username, e.UserAgent)
	}
	t.Logf("second up: %.1f s", got.took.Seconds())
}

// oneValue sets a label on one site's Deployment by a patch in its cluster.yaml.
func oneValue(t *testing.T, f *fleet) {
	site := f.site(t)
	f.addPatch(t, site)
	got := f.run(t, "up", "-o", "json").want(t, 0).json(t)
	for _, c := range got.Clusters {
		if c.Name != site && len(c.Changes) > 0 {
			t.Errorf("%s changed too: %v", c.Name, c.Changes)
		}
		if c.Name != site {
			continue
		}
		if len(c.Changes) != 1 || c.Changes[0].Object.Kind != "Service" {
			t.Errorf("%s: changes %v, want the one Service", site, c.Changes)
		}
	}
}

func driftAndRepair(t *testing.T, f *fleet) {
	site := f.site(t)
	if got := f.run(t, "repair", "-c", site).want(t, 0); strings.Contains(got.stdout, "--yes") {
		t.Errorf("nothing drifted, and a plan is offered:\n%s", got.stdout)
	}
	hands := f.client(t, site, "hands")
	const namespace, manager = "orders", "night-shift"
	ctx := t.Context()
	options := metav1.PatchOptions{FieldManager: manager}
	_, err := hands.AppsV1().Deployments("ingress").Patch(ctx, "envoy-gateway", types.MergePatchType, []byte(`{"spec":{"replicas":5}}`), options)
	check(t, err)
	maps, err := hands.CoreV1().ConfigMaps("ingress").List(ctx, metav1.ListOptions{LabelSelector: "platform.dualtrack.internal/component=envoy-gateway"})
	check(t, err)
	if len(maps.Items) == 0 {
		t.Fatal("no ConfigMap to edit")
	}
	edited := maps.Items[0].Name
	_, err = hands.CoreV1().ConfigMaps("ingress").Patch(ctx, edited, types.MergePatchType, []byte(`{"data":{"envoy.yaml":"by hand"}}`), options)
	check(t, err)
	check(t, hands.CoreV1().Services(namespace).Delete(ctx, "order-service", metav1.DeleteOptions{}))
	foreign := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "by-hand", Namespace: namespace}, Data: map[string]string{"a": "b"}}
	_, err = hands.CoreV1().ConfigMaps(namespace).Create(ctx, foreign, metav1.CreateOptions{FieldManager: manager})
	check(t, err)

	drifted := map[string]drift{}
	for _, c := range f.run(t, "drift", "-o", "json").want(t, 1).json(t).Clusters {
		if c.Name != site && len(c.Drift) > 0 {
			t.Errorf("%s drifted too: %+v", c.Name, c.Drift)
		}
		for _, d := range c.Drift {
			drifted[d.Object.Kind+" "+d.Object.Name] = d
		}
	}
	written(t, drifted["Deployment envoy-gateway"], "differs", "/spec/replicas", manager)
	written(t, drifted["ConfigMap "+edited], "differs", "/data/envoy.yaml", manager)
	if d := drifted["Service order-service"]; d.Class != "missing" || d.Writer != (writer{}) {
		t.Errorf("the deleted Service: %+v, want missing with an unknown writer", d)
	}
	if d := drifted["ConfigMap by-hand"]; d.Class != "unmanaged" || d.Writer.Manager != manager {
		t.Errorf("the foreign ConfigMap: %+v, want unmanaged by %s", d, manager)
	}
	for name, d := range drifted {
		if d.Flux == "" || d.Argo == "" {
			t.Errorf("%s: flux %q, argo %q: want both tracks' words", name, d.Flux, d.Argo)
		}
		if len(d.Policy) == 0 {
			t.Errorf("%s: no policy verdict", name)
		}
	}
	if len(drifted) != 4 {
		t.Errorf("%d drifted objects, want 4: %v", len(drifted), drifted)
	}

	if got := f.run(t, "repair").want(t, 1); !strings.Contains(got.stdout, "platform repair --yes") {
		t.Errorf("the plan is not offered:\n%s", got.stdout)
	}
	f.run(t, "repair", "--yes").want(t, 0)
	left := f.run(t, "drift", "-o", "json").want(t, 1).json(t)
	for _, c := range left.Clusters {
		for _, d := range c.Drift {
			if d.Class != "unmanaged" || d.Object.Name != "by-hand" {
				t.Errorf("after the repair: %s %v", d.Class, d.Object)
			}
		}
	}
	check(t, hands.CoreV1().ConfigMaps(namespace).Delete(ctx, "by-hand", metav1.DeleteOptions{}))
	f.run(t, "drift").want(t, 0)
}

// written fails unless the field of the drifted object is named with its writer.
func written(t *testing.T, d drift, kind, pointer, manager string) {
	t.Helper()
	if d.Class != kind {
		t.Errorf("%v: %q, want %q", d.Object, d.Class, kind)
	}
	for _, f := range d.Fields {
		if f.Pointer == pointer && f.Writer.Manager == manager && f.Writer.Operation == "Update" && f.Writer.Time != "" {
			return
		}
	}
	t.Errorf("%v: fields %+v, want %s by %s", d.Object, d.Fields, pointer, manager)
}

func stoppedServer(t *testing.T, f *fleet) {
	site := f.site(t)
	pid := f.pid(t, site, "kube-apiserver")
	check(t, syscall.Kill(pid, syscall.SIGSTOP))
	got := f.run(t, "status", "-o", "json")
	check(t, syscall.Kill(pid, syscall.SIGCONT))
	states := map[string]int{}
	for _, c := range got.want(t, 5).json(t).Clusters {
		states[c.State]++
		if (c.Name == site) != (c.State == "unreachable") {
			t.Errorf("%s: %s", c.Name, c.State)
		}
	}
	if states["converged"] != fleetSize-1 {
		t.Errorf("states %v, want the other %d judged", states, fleetSize-1)
	}
	f.run(t, "wait", "--timeout", "5m").want(t, 0)
}

func unschedulable(t *testing.T, f *fleet) {
	site := f.site(t)
	deployment := "components/edge-inference/base/inference.yaml"
	path := filepath.Join(f.repo, deployment)
	original, err := os.ReadFile(path)
	check(t, err)
	f.edit(t, deployment, "    spec:\n", "    spec:\n      nodeSelector: {no-such-node: \"true\"}\n")
	got := f.run(t, "up", "-c", site, "--timeout", "60s").want(t, 3)
	if !strings.Contains(got.stdout, "didn't match Pod's node affinity/selector") {
		t.Errorf("the scheduler's words are missing:\n%s", got.stdout)
	}
	check(t, os.WriteFile(path, original, 0o644))
	f.run(t, "up", "-c", site).want(t, 0)
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// site is the first edge cluster by name that is not a tiny one.
func (f *fleet) site(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(f.repo, "clusters", "*", "cluster.yaml"))
	check(t, err)
	for _, file := range files {
		data, err := os.ReadFile(file)
		check(t, err)
		if !strings.Contains(string(data), "profile: tiny") && !strings.Contains(string(data), "role: hub") {
			return filepath.Base(filepath.Dir(file))
		}
	}
	t.Fatal("no edge cluster")
	return ""
}
