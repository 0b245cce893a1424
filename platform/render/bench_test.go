package render_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/render"
)

// fleet is the small repository with eight clusters, each with values and
// patches of its own, so that only base is shared by all.
func fleet() string {
	var out strings.Builder
	var names []string
	for i := range 8 {
		name := fmt.Sprintf("site-%d", i)
		names = append(names, name)
		fmt.Fprintf(&out, `-- clusters/%[1]s/cluster.yaml --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Cluster
metadata:
  name: %[1]s
spec:
  role: edge
  nodes:
    - name: node
  components:
    - name: base
    - name: gateway
      patches:
        - target: {kind: Deployment}
          merge: {spec: {replicas: %[2]d}}
    - name: shop
      values: {replicas: %[2]d}
`, name, i+1)
	}
	fmt.Fprintf(&out, `-- clusters/fleet.yaml --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Fleet
metadata:
  name: small
spec:
  waves:
    - name: first
      clusters: [north, south, west, %s]
`, strings.Join(names, ", "))
	return out.String()
}

// BenchmarkSmall renders twelve clusters of three components, from the files.
func BenchmarkSmall(b *testing.B) {
	cat := load(b, lay(b, fleet()))
	for b.Loop() {
		if _, err := render.All(b.Context(), cat, render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRepository renders the whole repository, from the files.
func BenchmarkRepository(b *testing.B) {
	root, err := catalog.FindRoot(".")
	if err != nil {
		b.Fatal(err)
	}
	cat := load(b, root)
	objects := 0
	for b.Loop() {
		r, err := render.All(b.Context(), cat, render.Options{})
		if err != nil {
			b.Fatal(err)
		}
		objects = 0
		for _, bundle := range r.Bundles {
			objects += len(bundle.Objects)
		}
	}
	b.ReportMetric(float64(objects), "objects")
	b.ReportMetric(float64(len(cat.Clusters)), "clusters")
}

func TestFleetRenders(t *testing.T) {
	t.Parallel()
	if len(txtar.Parse([]byte(fleet())).Files) != 9 {
		t.Fatal("the fleet's archive is broken")
	}
	r := all(t, lay(t, fleet()), render.Options{})
	if got, want := len(r.Bundles), 12; got != want {
		t.Errorf("%d bundles, want %d", got, want)
	}
	for _, b := range r.Bundles {
		if len(b.NotRendered) > 0 {
			t.Errorf("%s: not rendered: %v", b.Cluster, b.NotRendered)
		}
	}
}
