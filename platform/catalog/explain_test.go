package catalog_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	for _, path := range []string{
		"cluster", "cluster.spec.etcd", "cluster.spec.kubernetes.kubelet", "cluster.metadata", "cluster.spec.nodes[0].taints", "Component.spec.source",
		"component.spec.source.helm", "component.spec.source.oci", "component.spec.source.git", "lock.spec.sources",
		"component.spec.profiles", "component.spec.profiles.tiny.patches", "baseline.spec.images.envoy.digest",
		"baseline.spec.images.envoy.program",
		"fleet.spec.policy.severity.DT-SEC-001", "exceptions.spec.exceptions", "silences.spec.silences.matchers", "evidence.spec.health", "lock.spec.distribution",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			got, err := catalog.Explain(path)
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", "explain", path+".txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("explanation (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExplainNothing(t *testing.T) {
	t.Parallel()
	cases := []struct{ path, want string }{
		{"clutser", "clutser: there is no kind clutser; did you mean cluster?"},
		{"", "there is no kind ; known kinds: component, cluster, fleet, baseline, exceptions, silences, evidence, lock"},
		{"cluster.spec.ectd", "cluster.spec.ectd: unknown field; did you mean etcd?"},
		{"cluster.spec.role.x", "cluster.spec.role.x: unknown field; it has no fields"},
		{"cluster..role", "cluster.: unknown field; known fields: apiVersion, kind, metadata, spec"},
	}
	for _, c := range cases {
		_, err := catalog.Explain(c.path)
		if diff := cmp.Diff(c.want, errText(err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
	}
}
