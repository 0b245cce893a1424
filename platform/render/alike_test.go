package render_test

import (
	"testing"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// TestAlike has two clusters patch a component alike, in other lines: they share the
// object, and each has the field at its own place.
func TestAlike(t *testing.T) {
	t.Parallel()
	cluster := func(name, comment string) string {
		return "-- clusters/" + name + `/cluster.yaml --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Cluster
metadata: {name: ` + name + `}
` + comment + `spec:
  role: edge
  site: {city: Kiel, country: DE, region: eu, zone: ` + name + `, timeZone: Europe/Berlin}
  nodes: [{name: box}]
  components:
    - name: base
    - name: gateway
      patches:
        - target: {kind: Deployment, name: gateway}
          merge: {spec: {replicas: 7}}
`
	}
	fleet := `-- clusters/fleet.yaml --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Fleet
metadata: {name: shops}
spec: {waves: [{name: all, clusters: [north, south, west, alike-a, alike-b]}]}
`
	dir := lay(t, fleet+cluster("alike-a", "")+cluster("alike-b", "# one line more\n"))
	for _, shared := range []*render.Shared{nil, render.NewShared(nil)} {
		r := all(t, dir, render.Options{Clusters: []string{"alike-a", "alike-b"}, Shared: shared})
		a, b := find(t, r.Bundles[0], "Deployment", "gateway"), find(t, r.Bundles[1], "Deployment", "gateway")
		if a.Unstructured != b.Unstructured {
			t.Error("the clusters have an object each")
		}
		for want, o := range map[string]render.Object{"clusters/alike-a/cluster.yaml:13": a, "clusters/alike-b/cluster.yaml:14": b} {
			at := r.Locate(o, "/spec/replicas")
			if got := (finding.Position{File: at.File, Line: at.Line}).String(); got != want {
				t.Errorf("the patch is at %s, want %s", got, want)
			}
		}
	}
}
