package render

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"

	"dualtrack.internal/platform/finding"
)

// TestBuiltinVersions holds the API versions told to charts against Kubernetes'
// deprecation guide.
func TestBuiltinVersions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		api   string
		minor int
		want  bool
	}{
		{"v1", 22, true},
		{"v1/Pod", 22, true},
		{"v1/ListOptions", 22, false},
		{"apps/v1/Deployment", 22, true},
		{"policy/v1beta1/PodDisruptionBudget", 24, true},
		{"policy/v1beta1/PodDisruptionBudget", 25, false},
		{"autoscaling/v2", 22, false},
		{"autoscaling/v2", 23, true},
		{"batch/v1beta1/CronJob", 25, false},
		{"flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema", 27, true},
		{"flowcontrol.apiserver.k8s.io/v1beta3/FlowSchema", 32, false},
		{"admissionregistration.k8s.io/v1beta1/ValidatingAdmissionPolicy", 29, false},
		{"admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy", 29, false},
		{"admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy", 30, true},
		{"authentication.k8s.io/v1/TokenReview", 22, true},
		{"resource.k8s.io/v1alpha3/DeviceTaintRule", 33, false},
	} {
		if got := slices.Contains(builtinVersions(scheme.Scheme, 1, c.minor), c.api); got != c.want {
			t.Errorf("%s in release 1.%d: served is %t, want %t", c.api, c.minor, got, c.want)
		}
	}
}

func TestCapabilities(t *testing.T) {
	t.Parallel()
	caps, err := capabilities("v1.99.3", []string{"shop.example/v1"})
	if err != nil {
		t.Fatal(err)
	}
	if caps.KubeVersion.Version != "v1.99.3" || caps.KubeVersion.Major != "1" || caps.KubeVersion.Minor != "99" {
		t.Errorf("version is %+v", caps.KubeVersion)
	}
	if !caps.APIVersions.Has("shop.example/v1") || !caps.APIVersions.Has("v1") {
		t.Errorf("API versions lack the definition's or the built-in ones: %v", caps.APIVersions)
	}
	if _, err := capabilities("newest", nil); err == nil {
		t.Error("a version that is none was taken")
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	object := func(stage int, apiVersion, kind, name string) Object {
		return Object{Stage: stage, Unstructured: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name}}}}
	}
	want := []Object{
		object(0, "v1", "Namespace", "z"),
		object(0, "apiextensions.k8s.io/v1", "CustomResourceDefinition", "a"),
		object(0, "scheduling.k8s.io/v1", "PriorityClass", "a"),
		object(0, "v1", "ResourceQuota", "a"),
		object(0, "v1", "ServiceAccount", "a"),
		object(0, "rbac.authorization.k8s.io/v1", "Role", "a"),
		object(0, "rbac.authorization.k8s.io/v1", "RoleBinding", "a"),
		object(0, "networking.k8s.io/v1", "NetworkPolicy", "a"),
		object(0, "v1", "ConfigMap", "a"),
		object(0, "v1", "ConfigMap", "b"),
		object(0, "v1", "PersistentVolume", "a"),
		object(0, "v1", "PersistentVolumeClaim", "a"),
		object(0, "v1", "Service", "a"),
		object(0, "apps/v1", "Deployment", "a"),
		object(0, "autoscaling/v2", "HorizontalPodAutoscaler", "a"),
		object(0, "serving.example/v1", "Service", "a"),
		object(0, "admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "a"),
		object(0, "apiregistration.k8s.io/v1", "APIService", "a"),
		object(1, "v1", "Namespace", "a"),
	}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortStableFunc(got, compareObjects)
	names := func(objects []Object) (all []string) {
		for _, o := range objects {
			all = append(all, o.Ref().String()+" "+o.GetAPIVersion())
		}
		return all
	}
	if diff := cmp.Diff(names(want), names(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !Less(want[0], want[1]) || Less(want[1], want[0]) || Less(want[0], want[0]) {
		t.Error("Less does not agree with the order")
	}
}

func TestMergeValues(t *testing.T) {
	t.Parallel()
	base := map[string]any{"a": 1, "m": map[string]any{"x": 1, "y": 2}, "l": []any{1, 2}, "gone": "x"}
	over := map[string]any{"a": 2, "m": map[string]any{"y": 3}, "l": []any{9}, "gone": nil}
	want := map[string]any{"a": 2, "m": map[string]any{"x": 1, "y": 3}, "l": []any{9}, "gone": nil}
	if diff := cmp.Diff(want, mergeValues(base, over)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if base["m"].(map[string]any)["y"] != 2 {
		t.Error("merging changed the values below")
	}
}

func TestSplitDocuments(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, in string
		want     []piece
	}{
		{"empty", "", nil},
		{"comments only", "# a\n---\n \n# b\n", nil},
		{"one", "a: 1\n", []piece{{1, []byte("a: 1\n")}}},
		{"leading separator", "---\na: 1\n", []piece{{2, []byte("a: 1\n")}}},
		{"two", "a: 1\n--- # next\nb: 2\n---", []piece{{1, []byte("a: 1\n")}, {2, []byte(" # next\nb: 2\n")}}},
		{"separator with content", "--- {a: 1}\n", []piece{{1, []byte(" {a: 1}\n")}}},
		{"text that looks like one", "a: |\n  ---\n  b\n----\n", []piece{{1, []byte("a: |\n  ---\n  b\n----\n")}}},
	} {
		if diff := cmp.Diff(c.want, splitDocuments([]byte(c.in)), cmp.AllowUnexported(piece{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// gone is a tree that fails as a broken disk does.
type gone struct{}

var errDisk = errors.New("the disk is gone")

func (gone) Files(string) ([]string, error) { return []string{"components/a/x.yaml"}, nil }
func (gone) Read(string) ([]byte, error)    { return nil, errDisk }

func TestUnreadableComponent(t *testing.T) {
	t.Parallel()
	if _, err := readFolder(gone{}, "components/a"); !errors.Is(err, errDisk) {
		t.Errorf("error is %v, want %v", err, errDisk)
	}
}

func FuzzDocuments(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n---\nb: 2\n", "kind: List\nitems:\n- kind: ConfigMap\n  metadata: {name: a}\n", "&a [*a]", "a: &b {c: *b}\n",
		"? {a: b}\n: c\n", "--- |\n ---\n---", "\xff", "a: !!binary x\n", "<<: *a", "metadata: 1\nkind: {}\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		pieces := splitDocuments(data)
		last := 0
		for _, p := range pieces {
			if p.line <= last-1 || !strings.Contains(string(data), string(p.text)) {
				t.Errorf("piece of line %d after line %d is not in order or not in the text", p.line, last)
			}
			last = p.line
		}
		docs, err := scanDocs("x.yaml", data)
		if err != nil {
			if found, other := finding.Gather(err); other != nil || len(found) == 0 {
				t.Errorf("error is no problem: %v", err)
			}
		}
		for _, d := range docs {
			if d.root == nil || d.line < 1 {
				t.Errorf("document at line %d", d.line)
			}
			duplicateKeys("x.yaml", d.root, 0)
			metadataStrings("x.yaml", d.root)
			findScalar(d.root, "a", 0)
		}
	})
}

func FuzzLocate(f *testing.F) {
	f.Add([]byte("kind: A\nspec:\n  list:\n    - name: a\n      b: 1\n"), "/spec/list/0/b")
	f.Add([]byte("a: &x {b: *x}\n"), "/a/b/b/b/b")
	f.Add([]byte("kind: {{ .K }}\nmetadata:\n  name: {{ x }}-y\n- a: b\n"), "/metadata/name")
	f.Add([]byte("- - a\n"), "/0/0")
	f.Add([]byte("a: 1\n"), "/~2~01//-1/+1/00")
	f.Fuzz(func(t *testing.T, data []byte, pointer string) {
		tokens := splitPointer(pointer)
		lines := strings.Count(string(data), "\n") + 1
		docs, _ := scanDocs("x.yaml", data)
		for _, d := range docs {
			key, value, found := walk(d.root, map[string]any{}, tokens)
			if key == nil || value == nil {
				t.Fatalf("no place for %q, found is %t", pointer, found)
			}
			sameScalar(value, "a")
		}
		blocks := scanTemplate(data)
		for i, b := range blocks {
			if b.line < 1 || b.line > lines || b.end < b.line || i > 0 && b.line <= blocks[i-1].line {
				t.Errorf("block %d stands in lines %d to %d of %d", i, b.line, b.end, lines)
			}
			b.fits("A", "a")
			if got := locateInTemplate(data, b.line, tokens); got < b.line || got >= b.end {
				t.Errorf("%q is in line %d, outside its object's lines %d to %d", pointer, got, b.line, b.end)
			}
		}
	})
}
