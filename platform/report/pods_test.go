package report_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/report"
)

// TestPods: pods that a kubelet runs are told from those that kwok plays, and a
// cluster with both has simulated evidence.
func TestPods(t *testing.T) {
	t.Parallel()
	cluster := func(e report.Evidence, observed, simulated int) report.Cluster {
		return report.Cluster{Name: "a", State: report.Converged, HealthEvidence: e, Pods: &report.Pods{Observed: observed, Simulated: simulated}}
	}
	unseen := report.Cluster{Name: "b", State: report.Converged, HealthEvidence: report.Simulated}
	const played = " in sync by both tracks · control planes real · pod health SIMULATED (kwok)"
	for _, c := range []struct {
		name     string
		clusters []report.Cluster
		want     string
	}{
		{"none observed", []report.Cluster{cluster(report.Simulated, 0, 24), unseen}, "2/2" + played},
		{"one", []report.Cluster{cluster(report.Simulated, 1, 23), unseen}, "2/2" + played + ", 1 pod of 24 observed"},
		{"several", []report.Cluster{cluster(report.Simulated, 1, 3), cluster(report.Simulated, 2, 4)}, "2/2" + played + ", 3 pods of 10 observed"},
		{"a cluster of real nodes counts for itself", []report.Cluster{cluster(report.Simulated, 1, 3), cluster(report.Observed, 9, 0)},
			"2/2" + played + " on 1, observed on 1, 1 pod of 4 observed"},
		{"real nodes alone", []report.Cluster{cluster(report.Observed, 9, 0)}, "1/1 in sync by both tracks"},
	} {
		r := &report.Result{Command: "up", Awaited: true, Clusters: c.clusters}
		if diff := cmp.Diff(c.want, report.Headline(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	r := &report.Result{Command: "up", Awaited: true, Clusters: []report.Cluster{cluster(report.Simulated, 1, 23)}}
	for verbose, want := range map[bool]bool{true: true, false: false} {
		text := string(write(t, report.TextFormat, r, report.TextOptions{Verbose: verbose}))
		if got := strings.Contains(text, "  pods: 1 observed, 23 simulated\n"); got != want {
			t.Errorf("verbose %v tells the pods: %v\n%s", verbose, got, text)
		}
	}
	if text := string(write(t, report.JSONFormat, r, report.TextOptions{})); !strings.Contains(text, `"observed": 1,`) || !strings.Contains(text, `"simulated": 23`) {
		t.Errorf("JSON does not:\n%s", text)
	}
}
