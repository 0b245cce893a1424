package render

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/scheme"

	"dualtrack.internal/platform/catalog"
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
	if diff := cmp.Diff(want, MergeValues(base, over)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if base["m"].(map[string]any)["y"] != 2 {
		t.Error("merging changed the values below")
	}
}

// onlyFile is a tree of one text.
type onlyFile string

func (onlyFile) Files(string) ([]string, error) { return nil, nil }
func (o onlyFile) Read(string) ([]byte, error)  { return []byte(o), nil }

// served are the files of a remote source.
type served map[string][]byte

func (s served) Files(context.Context, *catalog.Component, catalog.LockedSource) (map[string][]byte, error) {
	return s, nil
}

// TestRemoteDigest: what a rendering is shared and kept by covers component.yaml,
// the fetched files and how they are taken.
func TestRemoteDigest(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for name, c := range map[string]struct {
		own    onlyFile
		files  served
		format string
	}{
		"one":                  {"namespace: a", served{"x": []byte("1")}, catalog.FormatFiles},
		"another namespace":    {"namespace: b", served{"x": []byte("1")}, catalog.FormatFiles},
		"another file":         {"namespace: a", served{"x": []byte("2")}, catalog.FormatFiles},
		"of a chart's archive": {"namespace: a", served{"x": []byte("1")}, catalog.FormatChart},
	} {
		far := &catalog.Component{Name: "far", Spec: catalog.ComponentSpec{Source: catalog.Source{OCI: &catalog.OCI{URL: "oci://r.example.com/x", Version: "1", Helm: &catalog.Helm{}}}}}
		pin := catalog.LockedSource{Wants: far.Spec.Source.Wants(), Format: c.format}
		cat := &catalog.Catalog{Remotes: c.files, Lock: &catalog.Lock{Spec: catalog.LockSpec{Sources: map[string]catalog.LockedSource{"far": pin}}}}
		f, err := fetchFolder(t.Context(), c.own, cat, far)
		if err != nil {
			t.Fatal(err)
		}
		if other, twice := seen[f.digest]; twice {
			t.Errorf("%s has the digest of %s", name, other)
		}
		seen[f.digest] = name
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
