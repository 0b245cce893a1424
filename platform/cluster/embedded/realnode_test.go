package embedded

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

// withRealNode is a cluster of a real node and a simulated one.
func withRealNode(c *catalog.Cluster) {
	c.Spec.Nodes = []catalog.Node{{Name: "worker"}, {
		Name: "workshop", Real: true, Zone: "z", Labels: catalog.Labels{"a": "b"},
		Taints: []catalog.Taint{{Key: "dedicated", Effect: "NoSchedule"}},
	}}
}

// realPlanner is a planner of such a cluster that nobody starts.
func realPlanner() planner {
	pl := testPlanner(withRealNode)
	pl.programs["node"], pl.programs["pause"] = "/bin/node", "/bin/pause"
	pl.parts = parts{containerd: "/usr/bin/containerd", runc: "/usr/sbin/runc", plugins: "/usr/lib/cni", path: "/usr/sbin:/usr/bin"}
	pl.link = link{netip.MustParsePrefix("10.209.1.8/30")}
	return pl
}

// TestRealNodePlan holds the programs of a real node, and that those of a cluster
// without one are as they were.
func TestRealNodePlan(t *testing.T) {
	t.Parallel()
	procs, err := realPlanner().plan()
	if err != nil {
		t.Fatal(err)
	}
	plain, err := testPlanner(nil).plan()
	if err != nil {
		t.Fatal(err)
	}
	same := map[string]string{}
	for _, p := range plain {
		same[p.name] = strings.Join(p.argv(), "\n  ")
	}
	var b strings.Builder
	for _, p := range procs {
		if argv := strings.Join(p.argv(), "\n  "); same[p.name] == argv {
			fmt.Fprintf(&b, "== %s as without it\n", p.name)
		} else {
			fmt.Fprintf(&b, "== %s (stage %d, inside %v) env %s\n%s\nprobe %s\nreads %s\n",
				p.name, p.stage, p.inside, strings.Join(p.env, " "), argv, p.probe.url, strings.Join(p.inputs, " "))
		}
	}
	golden(t, "real.argv", b.String())
}

func TestRealNodeConf(t *testing.T) {
	t.Parallel()
	pl := realPlanner()
	var b strings.Builder
	for _, doc := range []object{pl.kubeletConf(), pl.proxyConf(), pl.networkConf()} {
		data, err := yaml.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "---\n%s", data)
	}
	golden(t, "real.yaml", b.String()+"---\n"+pl.containerdConf())
}

func TestRealNodeObject(t *testing.T) {
	t.Parallel()
	nodes, err := declared(realPlanner().spec.Cluster)
	if err != nil || len(nodes) != 2 {
		t.Fatal(nodes, err)
	}
	played, real := nodes[0], nodes[1]
	if isReal(played) || played.Annotations[cluster.SimulatedNodeAnnotation] != cluster.SimulatedNode || len(played.Status.Capacity) == 0 {
		t.Errorf("the simulated node is %+v", played)
	}
	if _, marked := real.Annotations[cluster.SimulatedNodeAnnotation]; !isReal(real) || marked || len(real.Status.Capacity) != 0 ||
		real.Labels["a"] != "b" || real.Labels[corev1.LabelTopologyZone] != "z" || len(real.Spec.Taints) != 1 {
		t.Errorf("the real node is %+v", real)
	}
}

func TestRealNodeLacks(t *testing.T) {
	t.Parallel()
	mixed, alone := &catalog.Cluster{}, &catalog.Cluster{}
	withRealNode(mixed)
	alone.Spec.Nodes = mixed.Spec.Nodes[1:]
	p := &Provider{}
	if got := p.Lacks(mixed); !slices.Contains(got, cluster.RunsPods) {
		t.Errorf("beside a simulated node: %v", got)
	}
	if got := p.Lacks(alone); slices.Contains(got, cluster.RunsPods) || !slices.Contains(got, cluster.MetricsAPI) || !slices.Contains(got, cluster.Volumes) {
		t.Errorf("alone: %v", got)
	}
}

// TestUnfit names what is missing, and how to mend it. PATH is the process's.
func TestUnfit(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	c := &catalog.Cluster{Name: "site"}
	if _, err := fit(c); err != nil {
		t.Errorf("without a real node: %v", err)
	}
	withRealNode(c)
	_, err := fit(c)
	e, ok := errors.AsType[*UnfitError](err)
	if !ok || e.Cluster != "site" || e.Node != "workshop" {
		t.Fatalf("answers %v", err)
	}
	for _, part := range []string{"not in PATH: containerd", "apt-get install --no-install-recommends containerd", "`real: true`"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("nothing of %q: %v", part, err)
		}
	}
	found := (&Provider{}).Preflight(c)
	if len(found) != 1 || !found[0].Denies() || found[0].Clusters[0] != "site" || found[0].Mend == "" {
		t.Errorf("findings: %+v", found)
	}
}

// TestHost plays a machine with two real nodes.
func TestHost(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h := hosts{dir: filepath.Join(dir, "run"), proc: filepath.Join(dir, "sys")}
	set := func(name, value string) {
		t.Helper()
		path := filepath.Join(h.proc, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	set("kernel/panic", "0")
	set("vm/overcommit_memory", "2")
	root := func(name string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		return path
	}
	there := root("var")
	places := []string{filepath.Join(there, "lib", "kubelet"), filepath.Join(dir, "var")}
	join := func(name string, had netip.Prefix) link {
		t.Helper()
		got, err := h.join(t.Context(), root(name), had, places)
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	one, two := join("one", netip.Prefix{}), join("two", netip.Prefix{})
	set("kernel/panic", "10") // a kubelet
	if again := join("one", netip.Prefix{}); again != one {
		t.Errorf("the link changes from %v to %v", one, again)
	}
	if one.Overlaps(two.Prefix) || one.pods().Overlaps(two.pods()) {
		t.Errorf("two nodes share addresses: %v and %v", one, two)
	}
	if three := join("three", one.Prefix); three.Overlaps(one.Prefix) {
		t.Errorf("a link that another node has is given: %v", three)
	}
	leave := func(name, panics string, made bool) {
		t.Helper()
		if err := h.leave(t.Context(), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		now, err := h.settings()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"kernel/panic": panics, "vm/overcommit_memory": "2"}, now); diff != "" {
			t.Errorf("after %s left (-want +got):\n%s", name, diff)
		}
		if _, err := os.Stat(filepath.Join(there, "lib")); (err == nil) != made {
			t.Errorf("after %s left, the folder that was made: %v", name, err)
		}
	}
	leave("one", "10", true)
	leave("never joined", "10", true)
	if err := os.RemoveAll(filepath.Join(dir, "three")); err != nil { // without a word
		t.Fatal(err)
	}
	leave("two", "0", false)
	if _, err := os.Stat(there); err != nil {
		t.Errorf("a folder that was there before is gone: %v", err)
	}
	if _, err := os.Stat(h.file()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the note is left: %v", err)
	}
	if got := join("one", one.Prefix); got != one {
		t.Errorf("a node that comes back has %v, not %v", got, one)
	}
}

func TestLink(t *testing.T) {
	t.Parallel()
	seen := map[netip.Prefix]bool{}
	for i := range linkCount {
		k := link{netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 209, byte(i >> 6), byte(i << 2)}), linkBits)}
		if k.host() == k.node() || !k.Contains(netip.MustParseAddr(k.node())) || seen[k.pods()] {
			t.Errorf("%v: host %s, node %s, pods %v", k, k.host(), k.node(), k.pods())
		}
		seen[k.pods()] = true
	}
	for _, text := range []string{"", "x", "10.0.0.0"} {
		if parseLink(text).IsValid() {
			t.Errorf("%q is a link", text)
		}
	}
}

// TestForgetNode: what was said of a node whose containers are gone is taken back,
// for it and its pods alone.
func TestForgetNode(t *testing.T) {
	t.Parallel()
	yes := []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
	pod := func(name, node string) *corev1.Pod {
		return &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "x"}, Spec: corev1.PodSpec{NodeName: node},
			Status: corev1.PodStatus{
				Conditions: []corev1.PodCondition{
					{Type: corev1.PodScheduled, Status: corev1.ConditionTrue}, {Type: corev1.ContainersReady, Status: corev1.ConditionTrue},
					{Type: corev1.PodReady, Status: corev1.ConditionTrue},
				},
				InitContainerStatuses: []corev1.ContainerStatus{{Ready: true, State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{}}}},
				ContainerStatuses:     []corev1.ContainerStatus{{Ready: true}},
			},
		}
	}
	client := fake.NewClientset(
		&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "real"}, Status: corev1.NodeStatus{Conditions: yes}},
		pod("there", "real"),
	)
	refused := false // once, as when a controller writes to the pod meanwhile
	client.PrependReactor("update", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		if refused {
			return false, nil, nil
		}
		refused = true
		return true, nil, apierrors.NewConflict(corev1.Resource("pods"), "there", errors.New("the object has been modified"))
	})
	if err := forgetNode(t.Context(), client, "real"); err != nil || !refused {
		t.Fatalf("refused once: %t, then %v", refused, err)
	}
	node, err := client.CoreV1().Nodes().Get(t.Context(), "real", metav1.GetOptions{})
	if err != nil || node.Status.Conditions[0].Status != corev1.ConditionUnknown {
		t.Errorf("the node is %v (%v)", node.Status.Conditions, err)
	}
	got, err := client.CoreV1().Pods("x").Get(t.Context(), "there", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	said := map[corev1.PodConditionType]corev1.ConditionStatus{}
	for _, c := range got.Status.Conditions {
		said[c.Type] = c.Status
	}
	want := map[corev1.PodConditionType]corev1.ConditionStatus{corev1.PodScheduled: "True", corev1.ContainersReady: "False", corev1.PodReady: "False"}
	if !maps.Equal(said, want) || got.Status.ContainerStatuses[0].Ready || !got.Status.InitContainerStatuses[0].Ready {
		t.Errorf("the pod is %+v", got.Status)
	}
}

// TestNodePKI: the certificates of a real node come with it, and what was there
// stays.
func TestNodePKI(t *testing.T) {
	t.Parallel()
	l := layout{name: "edge-1", root: t.TempDir()}
	if err := l.makeFolders(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.ensurePKI(time.Now(), false); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(l.pki("apiserver.crt"))
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := l.ensurePKI(time.Now(), false, realPlanner().nodeLeaves()...)
	if err != nil || len(renewed.lines) > 0 {
		t.Errorf("renewed %v (%v)", renewed.lines, err)
	}
	if after, err := os.ReadFile(l.pki("apiserver.crt")); err != nil || string(after) != string(before) {
		t.Errorf("the API server's certificate changed (%v)", err)
	}
	cert, _, err := l.load("kubelet-server")
	if err != nil || cert.Subject.CommonName != "system:node:workshop" || len(cert.IPAddresses) != 1 || cert.IPAddresses[0].String() != "10.209.1.10" {
		t.Errorf("the kubelet's certificate is %+v (%v)", cert, err)
	}
}
