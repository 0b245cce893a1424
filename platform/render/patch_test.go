package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/render"
)

// site is a cluster that patches the gateway.
func site(patches string) string {
	return `
-- clusters/fleet.yaml --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Fleet
metadata:
  name: small
spec:
  waves:
    - name: first
      clusters: [north, south, west, lake]
-- clusters/lake/cluster.yaml --
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Cluster
metadata:
  name: lake
spec:
  role: edge
  nodes:
    - name: node
  components:
    - name: base
    - name: gateway
      patches:
` + patches
}

func find(t *testing.T, b *render.Bundle, kind, name string) render.Object {
	t.Helper()
	for _, o := range b.Objects {
		if o.GetKind() == kind && o.GetName() == name {
			return o
		}
	}
	t.Fatalf("%s has no %s %s: %v", b.Cluster, kind, name, b.NotRendered)
	return render.Object{}
}

func TestPatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, patches string
		path          []string
		want          any
	}{
		{"merge into a list by name", `
        - target: {kind: Deployment, name: gateway}
          merge: {spec: {template: {spec: {containers: [{name: proxy, image: other}]}}}}
`, []string{"spec", "template", "spec", "containers"}, []any{
			map[string]any{"name": "sidecar", "image": "registry.example/sidecar:v9"},
			map[string]any{"name": "proxy", "image": "other",
				"volumeMounts": []any{map[string]any{"name": "settings", "mountPath": "/etc/proxy"}}},
		}},
		{"symbolic image in a patch is resolved", `
        - target: {kind: Deployment}
          merge: {spec: {template: {spec: {containers: [{$patch: replace}, {name: only, image: proxy}]}}}}
`, []string{"spec", "template", "spec", "containers"}, []any{
			map[string]any{"name": "only", "image": "registry.example/proxy:v1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		}},
		{"for one role", `
        - {target: {kind: Deployment, name: gateway}, role: edge, merge: {spec: {replicas: 7}}}
        - {target: {kind: Deployment, name: gateway}, role: hub, merge: {spec: {replicas: 8}}}
        - {target: {kind: StatefulSet, name: only-the-hub-has-it}, role: hub, merge: {spec: {replicas: 9}}}
`, []string{"spec", "replicas"}, int64(7)},
		{"null removes", `
        - target: {group: apps, kind: Deployment, namespace: gateway}
          merge: {spec: {template: {spec: {initContainers: null}}}}
`, []string{"spec", "template", "spec", "initContainers"}, nil},
		{"json6902", `
        - target: {kind: Deployment, name: gateway}
          json6902:
            - {op: test, path: /spec/replicas, value: 2}
            - {op: replace, path: /spec/replicas, value: 7}
            - {op: add, path: /metadata/annotations, value: {a: b}}
`, []string{"spec", "replicas"}, int64(7)},
		{"the label can't be patched away", `
        - target: {kind: Deployment}
          merge: {metadata: {labels: null}}
`, []string{"metadata", "labels"}, map[string]any{render.ComponentLabel: "gateway"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := all(t, lay(t, site(c.patches)), render.Options{Clusters: []string{"lake"}})
			o := find(t, r.Bundles[0], "Deployment", "gateway")
			got, _, err := unstructured.NestedFieldNoCopy(o.Object, c.path...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPatchDeletes(t *testing.T) {
	t.Parallel()
	r := all(t, lay(t, site(`
        - target: {kind: ConfigMap, name: notes}
          merge: {$patch: delete}
`)), render.Options{Clusters: []string{"lake"}})
	for _, o := range r.Bundles[0].Objects {
		if o.GetName() == "notes" {
			t.Errorf("%s is still there", o.Ref())
		}
	}
	find(t, r.Bundles[0], "Deployment", "gateway")
}

func TestPatchesThatDoNotFit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, patches, want string }{
		{"matches nothing", `
        - target: {kind: Deployment, name: gatway}
          merge: {spec: {replicas: 1}}
`, "clusters/lake/cluster.yaml:14:11: target: the patch matches no object: Deployment gatway; the component's Deployment objects are gateway"},
		{"no such kind", `
        - target: {kind: StatefulSet}
          merge: {spec: {replicas: 1}}
`, "clusters/lake/cluster.yaml:14:11: target: the patch matches no object: StatefulSet; the component has no StatefulSet"},
		{"renames", `
        - target: {kind: Deployment}
          merge: {metadata: {name: other}}
`, "clusters/lake/cluster.yaml:14:11: the patch changes what the object is: Deployment gateway/gateway; leave apiVersion, kind, name and namespace as they are"},
		{"list without its key", `
        - target: {kind: Deployment}
          merge: {spec: {template: {spec: {containers: [{image: x}]}}}}
`, "clusters/lake/cluster.yaml:14:11: merge: does not fit Deployment gateway/gateway: map: map[image:x] does not contain declared merge key: name; mend the patch"},
		{"path that is not there", `
        - target: {kind: Deployment}
          json6902:
            - {op: replace, path: /spec/replica, value: 1}
`, "clusters/lake/cluster.yaml:16:15: json6902[0]: does not fit Deployment gateway/gateway: replace operation does not apply: doc is missing key: /spec/replica: missing value; mend the patch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := all(t, lay(t, site(c.patches)), render.Options{Clusters: []string{"lake"}}).Bundles[0]
			if len(b.NotRendered) != 1 {
				t.Fatalf("not rendered: %v, want one", b.NotRendered)
			}
			if diff := cmp.Diff(c.want, b.NotRendered[0].Err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	dir := lay(t, "")
	// north and south share all three, west only base; the hub has base too:
	// 12 renderings would be made, base needs 1, gateway 3, shop 3.
	if got, want := all(t, dir, render.Options{}).Shared, 5; got != want {
		t.Errorf("shared %d renderings, want %d", got, want)
	}
	if got := all(t, dir, render.Options{Clusters: []string{"west"}}).Shared; got != 0 {
		t.Errorf("one cluster alone shared %d renderings", got)
	}
}
