package policy_test

import (
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
	"dualtrack.internal/policies"
)

// TestGateOfPlainTrees holds what a tree without a catalog is not blamed for: what
// may stand in another place.
func TestGateOfPlainTrees(t *testing.T) {
	t.Parallel()
	engine, err := policy.Compile(t.Context(), policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	file := "c/a.yaml"
	text := "apiVersion: example.org/v1\nkind: Boat\nmetadata: {name: a, namespace: ns}\n" +
		"---\napiVersion: apps/v1\nkind: Deploymnt\nmetadata: {name: b, namespace: ns}\n" +
		"---\napiVersion: v1\nkind: Secret\nmetadata: {name: c, namespace: ns}\ndata: {p: 'ENC[AES256_GCM,data:x]'}\nsops: {mac: x}\n" +
		"---\napiVersion: v1\nkind: Pod\nmetadata: {name: d, namespace: ns}\nspec: {containers: [{name: d, image: 'registry.example.org/d:1'}]}\n"
	component := &catalog.Component{Name: "c", Dir: ".", File: file, Plain: &catalog.Plain{Files: map[string][]byte{file: []byte(text)}, Manifests: []string{file}}}
	cat := catalog.Made(catalog.TreeOf(fstest.MapFS{}, nil), catalog.Catalog{
		Baseline: baselineOf(t), Fleet: &catalog.Fleet{}, Components: map[string]*catalog.Component{"k": component},
		Clusters: []*catalog.Cluster{{Name: "c", Spec: catalog.ClusterSpec{Provider: catalog.ProviderEmbedded, Components: []catalog.ClusterComponent{{Name: "k"}}}}},
	})
	g, err := policy.Gate(t.Context(), engine, cat, policy.GateOptions{Now: time.Unix(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range g.Findings {
		if f.Rule == "schema" || f.Rule == "DT-NSP-001" && f.Object.Kind == "Pod" {
			got = append(got, f.Rule+" "+f.Object.Kind+f.Pointer+" "+string(f.Class))
		}
		if f.Rule == "DT-SUP-002" && f.Mend != "add @ and the digest that the registry answers to the image" {
			t.Errorf("mend of DT-SUP-002: %s", f.Mend)
		}
	}
	slices.Sort(got)
	want := []string{"DT-NSP-001 Pod/metadata/namespace unknown", "schema Boat/kind unknown", "schema Deploymnt/kind ", "schema Secret/data/p unknown", "schema Secret/sops unknown"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	unknown := 0
	for _, f := range g.Findings {
		if f.Class == finding.Unknown {
			unknown++
		}
	}
	if g.Unknown != unknown {
		t.Errorf("%d unknown are counted, and there are %d", g.Unknown, unknown)
	}
}

// baselineOf is the repository's own.
func baselineOf(t *testing.T) *catalog.Baseline {
	t.Helper()
	data, err := os.ReadFile("../../components/baseline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := catalog.ParseBaseline("components/baseline.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
