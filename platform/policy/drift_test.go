package policy

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

func thing(kind, name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": kind, "metadata": map[string]any{
			"name": name, "namespace": "shop",
			"managedFields": []any{map[string]any{"manager": "dualtrack", "operation": "Apply"}},
		},
	}}
}

func TestJudgeDrift(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	controlled := thing("PersistentVolumeClaim", "data-db-0")
	controlled.Object["metadata"].(map[string]any)["managedFields"] = []any{map[string]any{"manager": "kube-controller-manager"}}
	helm := thing("Secret", "sh.helm.release.v1.a.v1")
	helm.Object["type"] = "helm.sh/release.v1"
	scaled := &Scale{Name: "HorizontalPodAutoscaler web", Min: 2, Max: 4}
	tests := map[string]struct {
		in   DriftInput
		want []string
	}{
		"an edit by hand": {
			in:   DriftInput{Desired: thing("ConfigMap", "a"), Live: thing("ConfigMap", "a"), Fields: []DriftField{{Pointer: "/data/a", Have: "x", Manager: "kubectl-edit", Operation: "Update"}}},
			want: []string{"error DT-DRF-001 ConfigMap shop/a /data/a"},
		},
		"not yet applied": {
			in:   DriftInput{Desired: thing("ConfigMap", "a"), Live: thing("ConfigMap", "a"), Fields: []DriftField{{Pointer: "/data/a", Manager: "dualtrack", Operation: "Apply"}}},
			want: []string{},
		},
		"scaled by its autoscaler": {
			in: DriftInput{Desired: thing("Deployment", "a"), Live: thing("Deployment", "a"), Scaled: scaled,
				Fields: []DriftField{{Pointer: "/spec/replicas", Have: int64(3), Manager: "kube-controller-manager", Subresource: "scale"}}},
			want: []string{"info DT-DRF-002 Deployment shop/a /spec/replicas"},
		},
		"scaled out of bounds": {
			in: DriftInput{Desired: thing("Deployment", "a"), Live: thing("Deployment", "a"), Scaled: scaled,
				Fields: []DriftField{{Pointer: "/spec/replicas", Have: int64(9), Manager: "kube-controller-manager", Subresource: "scale"}}},
			want: []string{"error DT-DRF-002 Deployment shop/a /spec/replicas"},
		},
		"scaled by hand": {
			in: DriftInput{Desired: thing("Deployment", "a"), Live: thing("Deployment", "a"), Scaled: scaled,
				Fields: []DriftField{{Pointer: "/spec/replicas", Have: int64(3), Manager: "kubectl", Subresource: "scale"}}},
			want: []string{"error DT-DRF-001 Deployment shop/a /spec/replicas"},
		},
		"missing":            {in: DriftInput{Desired: thing("Service", "a")}, want: []string{"error DT-DRF-004 Service shop/a "}},
		"unmanaged":          {in: DriftInput{Live: thing("ConfigMap", "a")}, want: []string{"warning DT-DRF-004 ConfigMap shop/a "}},
		"left Git":           {in: DriftInput{Live: thing("ConfigMap", "a"), Inventory: true}, want: []string{"warning DT-DRF-004 ConfigMap shop/a "}},
		"root certificate":   {in: DriftInput{Live: thing("ConfigMap", "kube-root-ca.crt")}, want: []string{}},
		"a release of Helm":  {in: DriftInput{Live: helm}, want: []string{}},
		"made by controller": {in: DriftInput{Live: controlled}, want: []string{}},
		"nothing":            {want: []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.in.Cluster, tt.in.Component = "edge-1", "shop"
			tt.in.Locate = func(pointer string) finding.Position { return finding.Position{File: "a.yaml", Line: 1 + len(pointer)} }
			got, err := e.JudgeDrift(t.Context(), []DriftInput{tt.in}, DriftContext{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, lines(got)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			for _, f := range got {
				if f.Position.Line != 1+len(f.Pointer) || f.Component != "shop" || len(f.Clusters) != 1 {
					t.Errorf("position %s, component %q, clusters %v", f.Position, f.Component, f.Clusters)
				}
			}
		})
	}
}

// TestDriftSaysNoValues holds messages to names: a value may be a secret.
func TestDriftSaysNoValues(t *testing.T) {
	t.Parallel()
	got, err := compiled(t).JudgeDrift(t.Context(), []DriftInput{{
		Desired: thing("Secret", "a"), Live: thing("Secret", "a"),
		Fields: []DriftField{{Pointer: "/data/a", Want: "hunter2", Have: "hunter3", Manager: "kubectl-edit"}},
	}}, DriftContext{})
	if err != nil || len(got) != 1 {
		t.Fatalf("got %v, %v", lines(got), err)
	}
	if strings.Contains(got[0].Message, "hunter") {
		t.Errorf("the message tells a value: %s", got[0].Message)
	}
}

func TestDriftSeverity(t *testing.T) {
	t.Parallel()
	fleet := &catalog.Fleet{}
	fleet.Spec.Policy.Severity = map[string]string{"DT-DRF-004": "error"}
	got, err := compiled(t).JudgeDrift(t.Context(), []DriftInput{{Live: thing("ConfigMap", "a")}}, DriftContext{Fleet: fleet})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"error DT-DRF-004 ConfigMap shop/a "}, lines(got)); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// TestWeakened holds the live form to the rules that Git's form passes, and
// finds who shares fields and how long somebody has been debugging.
func TestWeakened(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	about := DriftContext{
		Baseline:   &catalog.Baseline{Spec: catalog.BaselineSpec{Kubernetes: "v1.99.0"}},
		Production: []string{"edge-1"}, Now: time.Date(2030, 1, 15, 12, 0, 0, 0, time.UTC),
	}
	pod := func(change func(spec map[string]any)) *unstructured.Unstructured {
		u := thing("Pod", "a")
		spec := map[string]any{"containers": []any{map[string]any{"name": "a", "image": "registry.example/a:1"}}}
		change(spec)
		u.Object["spec"] = spec
		return u
	}
	nothing := func(map[string]any) {}
	host := func(spec map[string]any) { spec["hostPID"] = true }
	debugged := func(started string) *unstructured.Unstructured {
		u := pod(func(spec map[string]any) {
			spec["ephemeralContainers"] = []any{map[string]any{"name": "dbg", "image": "registry.example/a:1"}}
		})
		if started != "" {
			u.Object["status"] = map[string]any{"ephemeralContainerStatuses": []any{
				map[string]any{"name": "dbg", "state": map[string]any{"running": map[string]any{"startedAt": started}}},
			}}
		}
		return u
	}
	applied := func(managers ...string) *unstructured.Unstructured {
		u := pod(nothing)
		var entries []any
		for _, m := range managers {
			entries = append(entries, map[string]any{"manager": m, "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
				"fieldsV1": map[string]any{"f:metadata": map[string]any{"f:labels": map[string]any{"f:a": map[string]any{}}}}})
		}
		u.Object["metadata"].(map[string]any)["managedFields"] = entries
		return u
	}
	tests := map[string]struct {
		desired, live *unstructured.Unstructured
		want          []string
	}{
		"the same":          {pod(nothing), pod(nothing), []string{}},
		"weakened":          {pod(nothing), pod(host), []string{"error DT-DRF-006 Pod shop/a /spec/hostPID"}},
		"weak in Git too":   {pod(host), pod(host), []string{}},
		"stronger":          {pod(host), pod(nothing), []string{}},
		"wiped":             {pod(nothing), applied(), []string{"warning DT-DRF-005 Pod shop/a /metadata/managedFields unknown"}},
		"two that apply":    {pod(nothing), applied("dualtrack", "other"), []string{"warning DT-DRF-005 Pod shop/a "}},
		"another applies":   {pod(nothing), applied("other"), []string{"warning DT-DRF-005 Pod shop/a /metadata/managedFields"}},
		"debugged for long": {debugged(""), debugged("2030-01-15T07:59:59Z"), []string{"error DT-DRF-006 Pod shop/a /spec/ephemeralContainers"}},
		"debugged just now": {debugged(""), debugged("2030-01-15T08:00:00Z"), []string{}},
		"debugged, unknown": {debugged(""), debugged(""), []string{"error DT-DRF-006 Pod shop/a /spec/ephemeralContainers unknown"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := e.JudgeDrift(t.Context(), []DriftInput{{Cluster: "edge-1", Desired: tt.desired, Live: tt.live}}, about)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, lines(got)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
