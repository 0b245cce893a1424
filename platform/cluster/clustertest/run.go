package clustertest

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
	typed "k8s.io/client-go/kubernetes/typed/core/v1"

	"dualtrack.internal/platform/cluster"
)

// startLimit bounds one start; a loaded machine of two cores needs most of it.
const startLimit = 5 * time.Minute

// Nodes says whose a cluster's nodes are.
type Nodes int

// The kinds of nodes.
const (
	// DeclaredNodes are the declaration's one by one, with its capacities.
	DeclaredNodes Nodes = iota
	// RealNodes bear the declaration's groups in turn: labels, taints and zones.
	RealNodes
	// OwnNodes are the cluster's own: the declaration has none.
	OwnNodes
)

// Traits are what a provider is, so that it is asked for that and no more.
type Traits struct {
	Nodes Nodes
	// Found: the cluster was there before; it can be neither stopped nor removed,
	// only taken and forgotten.
	Found bool
	// Simulated: no container runs.
	Simulated bool
	// Disk holds the state folder, nil where the machine gives the test none to fill.
	Disk Disk
}

// Run holds what every provider must do, on one cluster that it makes and
// removes. The parts build on each other, so that the first that fails ends it.
// What a provider by its traits does not offer is named in the test's log.
func Run(t *testing.T, core cluster.Core, spec cluster.Spec, traits Traits) {
	t.Helper()
	s := &suite{core: core, spec: spec, name: spec.Cluster.Name, traits: traits}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), startLimit)
		defer cancel()
		if err := core.Remove(ctx, s.name); err != nil {
			t.Errorf("remove at the end: %v", err)
		}
	})
	const found, diskless = "the cluster was there before", "this machine gives the test no disk to fill"
	without := func(lacking bool, why string) string {
		if lacking {
			return why
		}
		return ""
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T)
		not  string // why the provider is not asked for it
	}{
		{"what is not there is no error to stop or remove", s.absent, without(traits.Found, found)},
		{"what it lacks is declared", s.lacks, without(traits.Found, found+", and only asking it tells")},
		{"a first start on a full disk makes nothing", s.fullAtFirst, without(traits.Disk == nil, diskless)},
		{"start reaches readiness", s.first, ""},
		{"a second start changes nothing", s.again, ""},
		{"nodes follow the declaration", s.nodes, without(traits.Nodes == OwnNodes, "the nodes are the cluster's own")},
		{"stop keeps data, and may be repeated", s.stop, without(traits.Found, found)},
		{"a stop changes nothing", s.unstoppable, without(!traits.Found, "the cluster can be stopped")},
		{"a cancelled start is finished by the next", s.cancelled, ""},
		{"a full disk loses nothing, and with space a start goes on", s.full, without(traits.Disk == nil, diskless)},
		{"two starts at once end with one cluster", s.twoAtOnce, ""},
		{"remove leaves nothing, and may be repeated", s.remove, without(traits.Found, found)},
		{"remove forgets and leaves the cluster alone", s.forget, without(!traits.Found, "the cluster is removed")},
	} {
		if part.not != "" {
			t.Logf("not asked for: %s (%s)", part.name, part.not)
			continue
		}
		if !t.Run(part.name, part.run) {
			return
		}
	}
}

type suite struct {
	core   cluster.Core
	spec   cluster.Spec
	name   string
	traits Traits
	kept   bool // an object was stored
}

// halt stops the cluster, where that can be.
func (s *suite) halt(t *testing.T) {
	t.Helper()
	if s.traits.Found {
		return
	}
	if err := s.core.Stop(t.Context(), s.name); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) keep(t *testing.T, access cluster.Access) {
	t.Helper()
	if !s.kept {
		Keep(t, access)
	}
	s.kept = true
}

// lacks holds what the provider says before a cluster is there.
func (s *suite) lacks(t *testing.T) {
	lacks := s.core.Lacks(s.spec.Cluster)
	if slices.Contains(lacks, cluster.RunsPods) != s.traits.Simulated {
		t.Errorf("lacks are %v, and whether containers run is %t", lacks, !s.traits.Simulated)
	}
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
	if diff := gocmp.Diff(s.core.Lacks(s.spec.Cluster), access.Lacks); diff != "" && !s.traits.Found {
		t.Errorf("lacks as declared and as found (-want +got):\n%s", diff)
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

func (s *suite) stop(t *testing.T) {
	access := s.start(t)
	s.keep(t, access)
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

// unstoppable holds that a cluster of somebody else is not stopped.
func (s *suite) unstoppable(t *testing.T) {
	access := s.start(t)
	s.keep(t, access)
	if err := errors.Join(s.core.Stop(t.Context(), s.name), s.core.Stop(t.Context(), s.name)); err != nil {
		t.Fatalf("stop twice: %v", err)
	}
	Kept(t, access)
}

func (s *suite) cancelled(t *testing.T) {
	s.halt(t)
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
	s.halt(t)
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

func (s *suite) forget(t *testing.T) {
	access, err := s.core.Access(t.Context(), s.name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.core.Remove(t.Context(), s.name), s.core.Remove(t.Context(), s.name)); err != nil {
		t.Fatalf("remove twice: %v", err)
	}
	if _, err := os.Stat(access.Kubeconfig); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the kubeconfig is still there: %v", err)
	}
	if s.core.Knows(s.name) {
		t.Error("the cluster is still known")
	}
	Kept(t, access)
	if diff := gocmp.Diff([]string(nil), s.start(t).Changed); diff != "" {
		t.Errorf("a start of a cluster that was taken before changed (-want +got):\n%s", diff)
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
