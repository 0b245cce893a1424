package clustertest

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
)

// startLimit bounds one start; a loaded machine of two cores needs most of it.
const startLimit = 5 * time.Minute

// Run holds what every provider must do, on one cluster that it makes and
// removes. The parts build on each other, so that the first that fails ends it.
func Run(t *testing.T, core cluster.Core, spec cluster.Spec) {
	t.Helper()
	s := &suite{core: core, spec: spec, name: spec.Cluster.Name}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), startLimit)
		defer cancel()
		if err := core.Remove(ctx, s.name); err != nil {
			t.Errorf("remove at the end: %v", err)
		}
	})
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"what is not there is no error to stop or remove", s.absent},
		{"start reaches readiness", s.first},
		{"a second start changes nothing", s.again},
		{"nodes follow the declaration", s.nodes},
		{"stop keeps data, and may be repeated", s.stop},
		{"a cancelled start is finished by the next", s.cancelled},
		{"two starts at once end with one cluster", s.twoAtOnce},
		{"remove leaves nothing, and may be repeated", s.remove},
	} {
		if !t.Run(part.name, part.run) {
			return
		}
	}
}

type suite struct {
	core cluster.Core
	spec cluster.Spec
	name string
}

func (s *suite) start(t *testing.T) cluster.Access {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	access, err := s.core.Start(ctx, s.spec, cluster.Events{})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return access
}

func (s *suite) absent(t *testing.T) {
	if err := errors.Join(s.core.Stop(t.Context(), s.name), s.core.Remove(t.Context(), s.name)); err != nil {
		t.Error(err)
	}
	if _, err := s.core.Access(t.Context(), s.name); err == nil {
		t.Error("access to a cluster that is not there has no error")
	}
}

func (s *suite) first(t *testing.T) {
	access := s.start(t)
	if len(access.Changed) == 0 {
		t.Error("the first start says that nothing changed")
	}
	if access.Name != s.name || access.Config == nil {
		t.Errorf("access is incomplete: %+v", access)
	}
	info, err := os.Stat(access.Kubeconfig)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("kubeconfig must be a file of mode 0600: %v, %v", info, err)
	}
	if err := cluster.Wait(t.Context(), access); err != nil {
		t.Error(err)
	}
	disco, err := discovery.NewDiscoveryClientForConfigAndClient(access.Config, Client(t, access))
	if err != nil {
		t.Fatal(err)
	}
	version, err := disco.ServerVersion()
	if err != nil || version.GitVersion != s.spec.Kubernetes {
		t.Errorf("server version is %v, %v; want %s", version, err, s.spec.Kubernetes)
	}
	if _, err := Core(t, access).ServiceAccounts("default").Get(t.Context(), "default", metav1.GetOptions{}); err != nil {
		t.Errorf("default ServiceAccount: %v", err)
	}
	s.compareNodes(t, access)
}

func (s *suite) again(t *testing.T) {
	if diff := gocmp.Diff([]string(nil), s.start(t).Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	access, err := s.core.Access(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	if err := cluster.Wait(t.Context(), access); err != nil {
		t.Error(err)
	}
}

// nodes changes every part of the nodes' declaration.
func (s *suite) nodes(t *testing.T) {
	before := s.spec.Cluster
	changed := *before
	s.spec.Cluster = &changed
	kept := before.Spec.Nodes[0]
	kept.Labels = catalog.Labels{"example.org/new": "yes"}
	kept.Taints = []catalog.Taint{{Key: "example.org/new", Effect: "PreferNoSchedule"}}
	kept.Capacity.Memory, kept.Zone = "6Gi", "elsewhere"
	changed.Spec.Nodes = []catalog.Node{kept, {Name: "many", Count: 3, Capacity: catalog.Capacity{CPU: "1", Memory: "1Gi", Pods: 10}}}
	s.compareNodes(t, s.start(t))
	s.spec.Cluster = before
	s.compareNodes(t, s.start(t))
}

// node is what the suite compares of a node.
type node struct {
	Name, Zone, Region, Hostname, CPU, Memory, Pods string
	Labels                                          map[string]string // declared ones
	Taints                                          []string
	Ready                                           bool
}

func (s *suite) compareNodes(t *testing.T, access cluster.Access) {
	t.Helper()
	list, err := Core(t, access).Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var got []node
	for _, n := range list.Items {
		got = append(got, observed(n))
	}
	want := s.declared()
	for _, nodes := range [][]node{got, want} {
		slices.SortFunc(nodes, func(a, b node) int { return cmp.Compare(a.Name, b.Name) })
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
}

func (s *suite) declared() []node {
	var want []node
	for _, n := range s.spec.Cluster.Spec.Nodes {
		names := []string{n.Name}
		if n.Count > 1 {
			names = nil
			for i := range n.Count {
				names = append(names, n.Name+"-"+strconv.Itoa(i+1))
			}
		}
		for _, name := range names {
			w := node{
				Name: name, Hostname: name, Zone: cmp.Or(n.Zone, s.spec.Cluster.Spec.Site.Zone), Region: s.spec.Cluster.Spec.Site.Region,
				CPU: string(n.Capacity.CPU), Memory: string(n.Capacity.Memory), Pods: strconv.Itoa(n.Capacity.Pods),
				Labels: map[string]string{}, Ready: true,
			}
			for k, v := range n.Labels {
				w.Labels[k] = v
			}
			for _, taint := range n.Taints {
				w.Taints = append(w.Taints, taint.Key+"="+taint.Value+":"+taint.Effect)
			}
			want = append(want, w)
		}
	}
	return want
}

func observed(n corev1.Node) node {
	got := node{
		Name: n.Name, Hostname: n.Labels[corev1.LabelHostname], Zone: n.Labels[corev1.LabelTopologyZone],
		Region: n.Labels[corev1.LabelTopologyRegion], CPU: n.Status.Capacity.Cpu().String(),
		Memory: n.Status.Allocatable.Memory().String(), Pods: n.Status.Capacity.Pods().String(), Labels: map[string]string{},
	}
	for k, v := range n.Labels {
		if strings.HasPrefix(k, "example.org/") {
			got.Labels[k] = v
		}
	}
	for _, taint := range n.Spec.Taints {
		if strings.HasPrefix(taint.Key, "example.org/") { // Kubernetes sets its own
			got.Taints = append(got.Taints, taint.Key+"="+taint.Value+":"+string(taint.Effect))
		}
	}
	for _, c := range n.Status.Conditions {
		got.Ready = got.Ready || c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	}
	return got
}

func (s *suite) stop(t *testing.T) {
	access := s.start(t)
	Keep(t, access)
	if err := errors.Join(s.core.Stop(t.Context(), s.name), s.core.Stop(t.Context(), s.name)); err != nil {
		t.Fatalf("stop twice: %v", err)
	}
	if _, err := s.core.Access(t.Context(), s.name); err == nil {
		t.Error("access to a stopped cluster has no error")
	}
	access = s.start(t)
	if len(access.Changed) == 0 {
		t.Error("a start after a stop says that nothing changed")
	}
	Kept(t, access)
}

func (s *suite) cancelled(t *testing.T) {
	if err := s.core.Stop(t.Context(), s.name); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var steps int
	events := cluster.Events{Step: func(string, string, time.Duration) {
		if steps++; steps == 2 {
			cancel()
		}
	}}
	if _, err := s.core.Start(ctx, s.spec, events); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled start answers %v", err)
	}
	Kept(t, s.start(t))
}

func (s *suite) twoAtOnce(t *testing.T) {
	if err := s.core.Stop(t.Context(), s.name); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i := range errs {
		wg.Go(func() { _, errs[i] = s.core.Start(t.Context(), s.spec, cluster.Events{}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	access := s.start(t)
	if diff := gocmp.Diff([]string(nil), access.Changed); diff != "" {
		t.Errorf("a third start changed (-want +got):\n%s", diff)
	}
	Kept(t, access)
}

func (s *suite) remove(t *testing.T) {
	access, err := s.core.Access(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.core.Remove(t.Context(), s.name), s.core.Remove(t.Context(), s.name)); err != nil {
		t.Fatalf("remove twice: %v", err)
	}
	if _, err := s.core.Access(t.Context(), s.name); err == nil {
		t.Error("access to a removed cluster has no error")
	}
	if _, err := os.Stat(access.Kubeconfig); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the kubeconfig is still there: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := cluster.Wait(ctx, access); err == nil {
		t.Error("the API still answers")
	}
}

// Core is a client of the core API whose connections end with the test.
func Core(t testing.TB, access cluster.Access) *typed.CoreV1Client {
	t.Helper()
	core, err := typed.NewForConfigAndClient(access.Config, Client(t, access))
	if err != nil {
		t.Fatal(err)
	}
	return core
}

// keptName is the ConfigMap that Keep makes.
const keptName = "kept"

// Keep stores an object that Kept looks for.
func Keep(t testing.TB, access cluster.Access) {
	t.Helper()
	cm := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: keptName}, Data: map[string]string{"key": "value"}}
	if _, err := Core(t, access).ConfigMaps("default").Create(t.Context(), cm, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// Kept fails unless what Keep stored is still there.
func Kept(t testing.TB, access cluster.Access) {
	t.Helper()
	cm, err := Core(t, access).ConfigMaps("default").Get(t.Context(), keptName, metav1.GetOptions{})
	if err != nil || cm.Data["key"] != "value" {
		t.Errorf("what was stored is gone: %v, %v", cm, err)
	}
}
