package cluster

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

// TestCheckCPUs holds the CPUs that pods do not get against a machine.
func TestCheckCPUs(t *testing.T) {
	t.Parallel()
	const field = "clusters/edge-1/cluster.yaml: spec.kubernetes.kubelet.reservedSystemCPUs: "
	const mend = "; name fewer, or run the cluster on a larger machine"
	for _, c := range []struct {
		kept    string
		machine int
		want    string
	}{
		{"", 1, ""}, {"0", 2, ""}, {"0-1,3", 8, ""},
		{"2", 2, field + "names CPU 2, and this machine has 2, from 0" + mend},
		{"0-1", 2, field + "keeps all 2 CPUs of this machine, and pods get none" + mend},
	} {
		declared := &catalog.Cluster{Name: "edge-1", File: "clusters/edge-1/cluster.yaml"}
		declared.Spec.Kubernetes.Kubelet.ReservedSystemCPUs = c.kept
		got := ""
		if err := CheckCPUs(declared, c.machine); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q of %d (-want +got):\n%s", c.kept, c.machine, diff)
		}
	}
}
