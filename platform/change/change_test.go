package change_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

func object(component, name, data string) render.Object {
	return render.Object{Component: component, Unstructured: &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "ns"}, "data": map[string]any{"x": data},
	}}}
}

func ref(name string) finding.Object {
	return finding.Object{APIVersion: "v1", Kind: "ConfigMap", Namespace: "ns", Name: name}
}

func TestBetween(t *testing.T) {
	t.Parallel()
	before := []*render.Bundle{
		{Cluster: "hub", Objects: []render.Object{object("a", "same", "1"), object("a", "other", "1"), object("a", "gone", "1"), object("b", "lost", "1")}},
		{Cluster: "edge", Objects: []render.Object{object("a", "same", "1")}},
		{Cluster: "less", Objects: []render.Object{object("a", "same", "1")}},
	}
	after := []*render.Bundle{
		{Cluster: "hub", Objects: []render.Object{object("a", "new", "1"), object("a", "same", "1"), object("a", "other", "2")},
			NotRendered: []render.NotRendered{{Component: "b", Err: errors.New("broken")}}},
		{Cluster: "edge", Objects: []render.Object{object("a", "same", "1")}},
		{Cluster: "more", Objects: []render.Object{object("c", "new", "1")}},
	}
	want := []change.Cluster{
		{Name: "hub", Objects: []change.Object{
			{Object: ref("new"), Component: "a", Action: change.Added},
			{Object: ref("other"), Component: "a", Action: change.Changed, Fields: []change.Field{{Path: "data.x", Pointer: "/data/x", Before: "1", After: "2"}}},
			{Object: ref("gone"), Component: "a", Action: change.Removed},
		}, Unknown: []string{"b"}}, // not rendered is not removed
		{Name: "edge"},
		{Name: "more", Joins: true, Objects: []change.Object{{Object: ref("new"), Component: "c", Action: change.Added}}},
		{Name: "less", Leaves: true},
	}
	if diff := cmp.Diff(want, change.Between(before, after), cmpopts.IgnoreUnexported(change.Object{})); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	cat := func(kubernetes, etcd, tag, own string, components ...string) *catalog.Catalog {
		c := &catalog.Catalog{Baseline: &catalog.Baseline{}, Components: map[string]*catalog.Component{}}
		c.Baseline.Spec.Kubernetes = kubernetes
		c.Baseline.Spec.Versions = map[string]catalog.Version{"etcd": {Declared: etcd}, "otel": {Declared: "7"}}
		c.Baseline.Spec.Images = map[string]catalog.Image{"shop": {Repository: "r/shop", Tag: tag}}
		for _, name := range components {
			c.Components[name] = &catalog.Component{Name: name}
		}
		c.Components["own"] = &catalog.Component{Name: "own", Spec: catalog.ComponentSpec{Version: own}}
		return c
	}
	got := change.Versions(cat("v1.99.0", "1", "a", "1", "otel", "old"), cat("v1.99.1", "1", "b", "2", "otel", "new"))
	want := []change.Version{
		{Part: "component new", After: "without a version"},
		{Part: "component old", Before: "without a version"},
		{Part: "component own", Before: "1", After: "2"},
		{Part: "image shop", Before: "r/shop:a", After: "r/shop:b"},
		{Part: "kubernetes", Before: "v1.99.0", After: "v1.99.1"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
}
