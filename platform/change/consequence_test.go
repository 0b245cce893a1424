package change_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/render"
)

// TestConsequences is about what no API server tells; what it refuses is in
// tests/changes.
func TestConsequences(t *testing.T) {
	t.Parallel()
	const deployment = "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 2, template: {spec: {containers: [{name: a, image: 'r.example/shop/a:1@sha256:1'}]}}}}"
	image := func(ref string) string {
		return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {replicas: 2, template: {spec: {containers: [{name: a, image: '" + ref + "'}]}}}}"
	}
	const at, replaced = "/spec/template/spec/containers/0/image", "its pods are replaced, a few at a time"
	moves := func(why string) []change.Consequence {
		return []change.Consequence{{Effect: change.Image, Why: why, Pointer: at}, {Effect: change.Restarts, Why: replaced, Pointer: at}}
	}
	cases := []struct {
		name, before, after string
		want                []change.Consequence
	}{
		{"tag", deployment, image("r.example/shop/a:2@sha256:2"), moves("shop/a: 1 → 2")},
		{"digest", deployment, image("r.example/shop/a:1@sha256:2"), moves("shop/a: another digest of the same tag")},
		{"registry", deployment, image("other.example:5000/shop/a:1@sha256:1"), moves("registry r.example → other.example:5000")},
		{"repository", deployment, image("r.example/shop/b:1"), moves("image shop/a → shop/b")},
		{"replicas", deployment, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d}, spec: {template: {spec: {containers: [{name: a, image: 'r.example/shop/a:1@sha256:1'}]}}}}",
			[]change.Consequence{{Effect: change.Scales, Why: "2 → 1 pods", Pointer: "/spec/replicas"}}},
		{"label of the object", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}}", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d, labels: {a: b}}}", nil},
		{"every node", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {template: {metadata: {}}}}",
			"{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {template: {metadata: {labels: {a: b}}}}}",
			[]change.Consequence{{Effect: change.Restarts, Why: "its pod on every node is replaced", Pointer: "/spec/template/metadata/labels"}}},
		{"claim goes", "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d}}", "",
			[]change.Consequence{{Effect: change.LosesData, Why: "the volume goes with its claim, unless its class retains it"}}},
		{"ConfigMap goes", "{apiVersion: v1, kind: ConfigMap, metadata: {name: d}}", "", nil},
		{"claim comes", "", "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: d}}", nil},
		{"a newer version of the API", "{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: d}}", "{apiVersion: batch/v1, kind: CronJob, metadata: {name: d}}", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			bundle := func(text string) []*render.Bundle {
				b := &render.Bundle{Cluster: "c"}
				if text != "" {
					b.Objects = []render.Object{{Component: "x", Unstructured: &unstructured.Unstructured{Object: parsed(t, text)}}}
				}
				return []*render.Bundle{b}
			}
			got := change.Between(bundle(c.before), bundle(c.after))
			if len(got) != 1 || len(got[0].Objects) != 1 {
				t.Fatalf("not one change of one object: %+v", got)
			}
			if diff := cmp.Diff(c.want, got[0].Objects[0].Consequences); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
