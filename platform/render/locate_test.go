package render_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	r := all(t, lay(t, ""), render.Options{})
	bundles := map[string]*render.Bundle{}
	for _, b := range r.Bundles {
		bundles[b.Cluster] = b
	}
	for _, c := range []struct{ name, cluster, kind, object, pointer, want string }{
		{"the object", "north", "Deployment", "gateway", "", "components/gateway/base/gateway.yaml:1:1"},
		{"a field", "north", "Deployment", "gateway", "/spec/replicas", "components/gateway/base/gateway.yaml:8:3"},
		{"a list item's field", "north", "Deployment", "gateway", "/spec/template/spec/containers/1/volumeMounts/0", "components/gateway/base/gateway.yaml:24:15"},
		{"a field that is not there", "north", "Deployment", "gateway", "/spec/template/spec/containers/1/securityContext/privileged", "components/gateway/base/gateway.yaml:21:11"},
		{"an image that was resolved", "north", "Deployment", "gateway", "/spec/template/spec/containers/1/image", "components/gateway/base/gateway.yaml:22:11"},
		{"a second document", "north", "ClusterRole", "gateway", "/rules", "components/gateway/base/gateway.yaml:33:1"},
		{"an item of a List", "north", "ResourceQuota", "quota", "/spec/hard/pods", "components/base/all/quota.yaml:11:9"},
		{"an escaped key", "north", "Deployment", "gateway", "/metadata/labels/app.kubernetes.io~1managed-by", "components/gateway/base/gateway.yaml:6:5"},
		{"a label that rendering added", "north", "Namespace", "shop", "/metadata/labels/platform.dualtrack.internal~1component", "components/base/all/namespaces.yaml:9:1"},
		{"a field of an overlay", "hub", "Deployment", "gateway", "/spec/replicas", "components/gateway/hub/bigger.yaml:6:3"},
		{"a field of a profile's patch", "west", "Deployment", "gateway", "/spec/replicas", "components/gateway/component.yaml:20:25"},
		{"a field of a cluster's patch", "west", "Deployment", "gateway", "/spec/template/spec/containers/1/resources/limits/memory", "clusters/west/cluster.yaml:23:35"},
		{"a field of a cluster's operation", "west", "ConfigMap", "notes", "/data/owner", "clusters/west/cluster.yaml:26:15"},
		{"a patch's neighbour", "west", "Deployment", "gateway", "/spec/template/spec/containers/1/image", "components/gateway/base/gateway.yaml:22:11"},
		{"a generator", "north", "ConfigMap", "settings-mg25b674m9", "/data", "components/gateway/base/kustomization.yaml:5"},
		{"a definition of a chart", "north", "CustomResourceDefinition", "books.shop.example", "/spec/scope", "components/shop/chart/crds/orders.yaml:8:3"},
		{"a template", "north", "Deployment", "shop", "", "components/shop/chart/templates/deployment.yaml:2"},
		{"a template's field", "north", "Deployment", "shop", "/spec/replicas", "components/shop/chart/templates/deployment.yaml:9"},
		{"a template's list", "north", "Deployment", "shop", "/spec/template/spec/containers/0/env/1/value", "components/shop/chart/templates/deployment.yaml:28"},
		{"a template's item on one line with its key", "north", "Deployment", "shop", "/spec/template/spec/containers/0/name", "components/shop/chart/templates/deployment.yaml:22"},
		{"a template's field that is not there", "north", "Deployment", "shop", "/spec/template/spec/containers/0/resources", "components/shop/chart/templates/deployment.yaml:22"},
		{"a template's second object", "north", "Service", "shop", "/spec/ports/0/port", "components/shop/chart/templates/book.yaml:13"},
		{"a template's object ends before the next", "north", "Book", "prices", "/spec", "components/shop/chart/templates/book.yaml:1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.Locate(find(t, bundles[c.cluster], c.kind, c.object), c.pointer).String()
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLocateStranger(t *testing.T) {
	t.Parallel()
	r := all(t, lay(t, ""), render.Options{Clusters: []string{"hub"}})
	o := find(t, r.Bundles[0], "Deployment", "gateway")
	o.Unstructured = o.DeepCopy()
	if got := r.Locate(o, "/spec/replicas"); got != o.Source {
		t.Errorf("a copy is at %s, want its source %s", got, o.Source)
	}
	if got := (*render.Result)(nil).Locate(render.Object{}, "/spec"); got != (finding.Position{}) {
		t.Errorf("nothing is at %s", got)
	}
}

// TestPlace holds that a place which is known already is told as it is, in all results
// that share renderings, and that a copy of an object has none.
func TestPlace(t *testing.T) {
	t.Parallel()
	root, shared := lay(t, ""), render.NewShared(nil)
	first := all(t, root, render.Options{Clusters: []string{"hub"}, Shared: shared})
	second := all(t, root, render.Options{Clusters: []string{"hub"}, Shared: shared})
	alone := all(t, root, render.Options{Clusters: []string{"hub"}})
	o := find(t, first.Bundles[0], "Deployment", "gateway")
	copied := o
	copied.Unstructured = o.DeepCopy()
	known := finding.Position{File: "elsewhere.yaml", Line: 7}
	first.Place(o, "/spec/replicas", known)
	first.Place(copied, "/spec/template", known)
	(*render.Result)(nil).Place(o, "/spec/template", known)
	for _, c := range []struct {
		name    string
		result  *render.Result
		pointer string
		want    bool
	}{
		{"the result", first, "/spec/replicas", true},
		{"one that shares", second, "/spec/replicas", true},
		{"one that does not", alone, "/spec/replicas", false},
		{"another field", second, "/spec/template", false},
	} {
		got := c.result.Locate(find(t, c.result.Bundles[0], "Deployment", "gateway"), c.pointer)
		if (got == known) != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
