package flux

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

func manifest(t testing.TB, text string) *unstructured.Unstructured {
	t.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	u := &unstructured.Unstructured{}
	if err := u.UnmarshalJSON(raw); err != nil {
		t.Fatal(err)
	}
	return u
}

const workload = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, labels: {a: b}, annotations: {x: "1"}}
spec:
  replicas: 3
  template:
    spec:
      containers:
      - {name: side, image: s}
      - {name: web, image: w, env: [{name: A, value: "1"}, {name: B, value: "2"}], args: [one]}
`

func entry(manager, operation, subresource, fields string) metav1.ManagedFieldsEntry {
	at := metav1.NewTime(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC))
	return metav1.ManagedFieldsEntry{
		Manager: manager, Operation: metav1.ManagedFieldsOperationType(operation), Subresource: subresource,
		Time: &at, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}
}

// inWeb is a path into the container web.
func inWeb(inner string) string {
	return `{"f:spec":{"f:template":{"f:spec":{"f:containers":{"k:{\"name\":\"web\"}":` + inner + `}}}}}`
}

func TestTakenOver(t *testing.T) {
	t.Parallel()
	ours := inWeb(`{".":{},"f:name":{},"f:image":{},"f:env":{"k:{\"name\":\"A\"}":{".":{},"f:name":{},"f:value":{}}}}`)
	for _, tc := range []struct {
		name    string
		entries []metav1.ManagedFieldsEntry
		want    []string
	}{
		{"nothing of kubectl", []metav1.ManagedFieldsEntry{entry("operator", "Update", "", inWeb(`{"f:args":{}}`))}, nil},
		{"an item as a whole", []metav1.ManagedFieldsEntry{entry("kubectl-edit", "Update", "", inWeb(`{"f:env":{"k:{\"name\":\"B\"}":{".":{},"f:name":{},"f:value":{}}}}`))},
			[]string{"/spec/template/spec/containers/1/env/1"}},
		{"what others own too stays", []metav1.ManagedFieldsEntry{
			entry("kubectl", "Apply", "", inWeb(`{"f:args":{}}`)), entry("operator", "Update", "", inWeb(`{"f:args":{}}`)),
		}, nil},
		{"a list in which we own an item", []metav1.ManagedFieldsEntry{entry("kubectl-edit", "Update", "", inWeb(`{"f:env":{".":{},"k:{\"name\":\"B\"}":{".":{},"f:name":{}}}}`))},
			[]string{"/spec/template/spec/containers/1/env/1"}},
		{"scale is left alone", []metav1.ManagedFieldsEntry{entry("kubectl", "Update", "scale", `{"f:spec":{"f:replicas":{}}}`)}, nil},
		{"labels and annotations, no other metadata", []metav1.ManagedFieldsEntry{entry("before-first-apply", "Update", "",
			`{"f:metadata":{"f:labels":{"f:a":{}},"f:annotations":{".":{},"f:x":{}},"f:name":{}},"f:status":{"f:phase":{}}}`)},
			[]string{"/metadata/annotations/x", "/metadata/labels/a"}},
		{"before-first-apply counts for updates only", []metav1.ManagedFieldsEntry{entry("before-first-apply", "Apply", "", inWeb(`{"f:args":{}}`))}, nil},
	} {
		live, dry := manifest(t, workload), manifest(t, workload)
		live.SetManagedFields(append([]metav1.ManagedFieldsEntry{entry("dualtrack", "Apply", "", ours)}, tc.entries...))
		dry.SetManagedFields([]metav1.ManagedFieldsEntry{entry("dualtrack", "Apply", "", ours)})
		var got []string
		for _, f := range takenOver(dry, live) {
			got = append(got, f.Pointer)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// FuzzTakenOver holds that whatever managedFields say, the fields told are
// there, and a pointer leads to each.
func FuzzTakenOver(f *testing.F) {
	f.Add(inWeb(`{"f:env":{"k:{\"name\":\"B\"}":{".":{}}}}`))
	f.Add(`{"f:spec":{"i:0":{},"v:1":{},"f:template":{}}}`)
	f.Add(`{".":{},"f:metadata":{"f:labels":{"f:a":{}}}}`)
	f.Add(`{"f:spec":{"k:{}":{}}}`)
	base := manifest(f, workload)
	f.Fuzz(func(t *testing.T, fields string) {
		if !json.Valid([]byte(fields)) {
			return // the API server stores JSON only
		}
		live := base.DeepCopy()
		live.SetManagedFields([]metav1.ManagedFieldsEntry{entry("kubectl-edit", "Update", "", fields)})
		for _, got := range takenOver(base, live) {
			if got.Have == nil || !strings.HasPrefix(got.Pointer, "/") {
				t.Errorf("%+v", got)
			}
			if w := track.LastWriter(live, got.Pointer); w.Manager != "kubectl-edit" {
				t.Errorf("%s is taken over from %q", got.Pointer, w.Manager)
			}
		}
	})
}

func TestDiffers(t *testing.T) {
	t.Parallel()
	autoscaler := render.Object{Unstructured: manifest(t, "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: h, namespace: shop}\nspec: {maxReplicas: 5, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}\n")}
	for _, tc := range []struct {
		name   string
		change func(live *unstructured.Unstructured)
		in     track.Input
		want   []string
	}{
		{"the same", func(*unstructured.Unstructured) {}, track.Input{}, nil},
		{"status, generation and finalizers do not count", func(u *unstructured.Unstructured) {
			u.Object["status"] = map[string]any{"a": "b"}
			u.SetGeneration(7)
			u.SetFinalizers([]string{"a.test/b"})
		}, track.Input{}, nil},
		{"a label", func(u *unstructured.Unstructured) { u.SetLabels(map[string]string{"a": "c"}) }, track.Input{}, []string{"/metadata/labels/a"}},
		{"an annotation more", func(u *unstructured.Unstructured) { u.SetAnnotations(map[string]string{"x": "1", "y": "2"}) }, track.Input{}, []string{"/metadata/annotations/y"}},
		{"replicas", func(u *unstructured.Unstructured) {
			_ = unstructured.SetNestedField(u.Object, int64(5), "spec", "replicas")
		}, track.Input{}, []string{"/spec/replicas"}},
		{"replicas of an autoscaler", func(u *unstructured.Unstructured) {
			_ = unstructured.SetNestedField(u.Object, int64(5), "spec", "replicas")
		}, track.Input{Objects: []render.Object{autoscaler}}, nil},
	} {
		dry, live := manifest(t, workload), manifest(t, workload)
		tc.change(live)
		fields, err := differs(dry, live, tc.in)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range fields {
			got = append(got, f.Pointer)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

func TestNormalLeavesTheBundleAlone(t *testing.T) {
	t.Parallel()
	o := render.Object{Unstructured: manifest(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s, creationTimestamp: null}\nstringData: {k: v}\nstatus: {}\n")}
	before := o.DeepCopy()
	got := normal(o)
	want := map[string]any{"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s"}, "data": map[string]any{"k": "dg=="}}
	if diff := cmp.Diff(want, got.Object); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before.Object, o.Object); diff != "" {
		t.Errorf("the bundle's object changed:\n%s", diff)
	}
}

func TestNotJudgeable(t *testing.T) {
	t.Parallel()
	claim := func(phase string) string {
		return "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: x}\nstatus: {phase: " + phase + "}\n"
	}
	hpa := "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x}\nspec: {maxReplicas: 1}\n"
	for _, tc := range []struct {
		name, live string
		lacks      []cluster.Ability
		want       track.Health
	}{
		{"no metrics", hpa, []cluster.Ability{cluster.MetricsAPI}, track.NotJudgeable},
		{"metrics", hpa, nil, track.Healthy},
		{"no volumes", claim("Pending"), []cluster.Ability{cluster.Volumes}, track.NotJudgeable},
		{"bound all the same", claim("Bound"), []cluster.Ability{cluster.Volumes}, track.Healthy},
		{"volumes", claim("Pending"), nil, track.Progressing},
		{"not used yet", strings.Replace(claim("Pending"), "name: x", "name: unused", 1), nil, track.NotJudgeable},
	} {
		v := track.Verdict{Object: finding.Object{}}
		unused := map[finding.Object]bool{{APIVersion: "v1", Kind: "PersistentVolumeClaim", Name: "unused"}: true}
		judgeHealth(&v, track.Input{Lacks: tc.lacks, Live: &track.Live{Unused: unused}}, manifest(t, tc.live))
		if v.Health != tc.want || (v.Health == track.NotJudgeable) == (v.Why == "") && v.Health != track.Progressing {
			t.Errorf("%s: %s (%s), want %s", tc.name, v.Health, v.Why, tc.want)
		}
	}
	running := manifest(t, "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nstatus: {startTime: '2030-01-01T00:00:00Z', active: 1}\n")
	if r, err := compute(running); err != nil || r.Status != status.InProgressStatus {
		t.Errorf("running Job: %v %v, want in progress until it is complete", r, err)
	}
}
