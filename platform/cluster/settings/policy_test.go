package settings

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/policies"
)

// TestOwnRules holds what is rendered here to the distribution's own rules: the
// declaration that they judge becomes files that they would accept.
func TestOwnRules(t *testing.T) {
	t.Parallel()
	engine, err := policy.Compile(t.Context(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	// A fleet of machines of many makers has neither the same kernel settings nor
	// somebody who signs the kubelets' own certificates.
	left := map[string]bool{"DT-CPL-005 /protectKernelDefaults": true, "DT-CPL-005 /serverTLSBootstrap": true}
	for name, c := range map[string]struct {
		change func(*catalog.ClusterSpec)
		want   map[string]bool
	}{
		"defaults": {func(s *catalog.ClusterSpec) { s.Kubernetes.EncryptSecrets = true }, left},
		"request":  {func(s *catalog.ClusterSpec) { s.Kubernetes.EncryptSecrets, s.Kubernetes.Audit.Level = true, "Request" }, left},
		"clear": {func(*catalog.ClusterSpec) {}, map[string]bool{
			"DT-CPL-005 /protectKernelDefaults": true, "DT-CPL-005 /serverTLSBootstrap": true, "DT-CPL-003 /resources/0/providers/0": true,
		}},
	} {
		s := of(c.change)
		var objects []render.Object
		for _, document := range []Object{s.Kubelet(), s.AuditPolicy(Quiet{Users: []string{"a"}}), s.Encryption(""), s.Admission()} {
			objects = append(objects, render.Object{Unstructured: &unstructured.Unstructured{Object: document}})
		}
		r, err := engine.Judge(t.Context(), policy.Input{Objects: objects, KubeVersion: "v1.99.0"})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, f := range r.Findings {
			if f.Class == finding.Unknown || f.Rule == "DT-API-001" {
				continue // of APIs nothing was handed over
			}
			got[f.Rule+" "+f.Pointer] = true
		}
		for key := range got {
			if !c.want[key] {
				t.Errorf("%s: %s", name, key)
			}
		}
		for key := range c.want {
			if !got[key] {
				t.Errorf("%s: nothing said %s", name, key)
			}
		}
	}
}
