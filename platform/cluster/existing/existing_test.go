//go:build linux

package existing_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/cluster/existing"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// declaration is a cluster that is found by a context.
func declaration(t *testing.T, name, context string) cluster.Spec {
	t.Helper()
	spec := clustertest.Spec(t, name)
	spec.Cluster.Spec.Provider, spec.Cluster.Spec.Nodes = catalog.ProviderExisting, nil
	spec.Cluster.Spec.Existing.Context = context
	return spec
}

func provider(t *testing.T, dir, kubeconfig string, spec cluster.Spec, adopt bool) *existing.Provider {
	t.Helper()
	return existing.New(existing.Config{
		StateDir: dir, Kubeconfigs: []string{kubeconfig}, Fleet: spec.Fleet, Adopt: adopt,
		Declared: func(name string) *catalog.Cluster {
			if name == spec.Cluster.Name {
				return spec.Cluster
			}
			return nil
		},
	})
}

// TestContract adopts one cluster, and holds that nobody else may have it then.
func TestContract(t *testing.T) {
	t.Parallel()
	clustertest.OnDisk(t, contract)
}

func contract(t *testing.T, dir string, disk clustertest.Disk) {
	kubeconfig := clustertest.Substrate(t, "substrate").Kubeconfig
	spec := declaration(t, "found", "substrate")
	t.Run("refuses what nobody adopted", func(t *testing.T) {
		_, err := provider(t, dir, kubeconfig, spec, false).Start(t.Context(), spec, cluster.Events{})
		if _, ok := errors.AsType[*existing.NotAdoptedError](err); !ok || !errors.Is(err, cluster.ErrRefused) {
			t.Errorf("start answers %v", err)
		}
	})
	clustertest.Run(t, provider(t, dir, kubeconfig, spec, true), spec, clustertest.Traits{
		Nodes: clustertest.OwnNodes, Found: true, Simulated: true, Disk: disk,
	})
	t.Run("refuses another's, even to adopt it", func(t *testing.T) {
		other := declaration(t, "other", "substrate")
		_, err := provider(t, dir, kubeconfig, other, true).Start(t.Context(), other, cluster.Events{})
		owned, ok := errors.AsType[*existing.OwnedError](err)
		if !ok || owned.Owner != "fleet test, cluster found" {
			t.Errorf("start answers %v", err)
		}
	})
	t.Run("sees what the cluster lacks", func(t *testing.T) {
		survey, err := provider(t, dir, kubeconfig, spec, false).Survey(t.Context(), spec, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := cluster.Survey{
			Server: spec.Kubernetes, Owner: "fleet test, cluster found", Adopted: true,
			Lacks: []cluster.Ability{cluster.RunsPods, cluster.MetricsAPI, cluster.Volumes},
		}
		if diff := cmp.Diff(want, survey); diff != "" {
			t.Errorf("survey (-want +got):\n%s", diff)
		}
	})
	t.Run("left nothing but its record", func(t *testing.T) {
		access, err := provider(t, dir, kubeconfig, spec, false).Access(t.Context(), "found")
		if err != nil {
			t.Fatal(err)
		}
		list, err := clustertest.Core(t, access).ConfigMaps(cluster.SystemNamespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, cm := range list.Items {
			if cm.Name != "kube-root-ca.crt" { // every namespace has it
				names = append(names, cm.Name)
			}
		}
		if !slices.Equal(names, []string{existing.AdoptionName}) {
			t.Errorf("records are %v", names)
		}
	})
}

// TestNoContext says what leads to no cluster.
func TestNoContext(t *testing.T) {
	t.Parallel()
	spec := declaration(t, "nowhere", "no-such")
	p := provider(t, t.TempDir(), filepath.Join(t.TempDir(), "none"), spec, true)
	for what, err := range map[string]error{
		"start":  second(p.Start(t.Context(), spec, cluster.Events{})),
		"access": second(p.Access(t.Context(), "nowhere")),
	} {
		if _, ok := errors.AsType[*existing.ContextError](err); !ok {
			t.Errorf("%s answers %v, want a *ContextError", what, err)
		}
	}
	if _, err := p.Access(t.Context(), "undeclared"); !errors.Is(err, cluster.ErrNotRunning) {
		t.Errorf("access to a cluster without declaration answers %v", err)
	}
}

func second(_ cluster.Access, err error) error { return err }
