package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kube "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
)

func TestOpenNamesTheKnownVersions(t *testing.T) {
	t.Parallel()
	known := Versions()
	if len(known) < 7 || !slices.IsSorted(minors()) {
		t.Fatalf("known versions are %v", known)
	}
	for _, version := range []string{"", "v1", "1.99", "v2.30.1", "latest", "1.30.1.1.1", "v1.30x", "1.-3"} {
		_, err := Open(version)
		unknown, ok := errors.AsType[*UnknownVersionError](err)
		if !ok {
			t.Errorf("Open(%q): %v, want an UnknownVersionError", version, err)
			continue
		}
		if diff := cmp.Diff(known, unknown.Known); diff != "" || !strings.Contains(err.Error(), known[0]) {
			t.Errorf("Open(%q): %v names other versions (-want +got):\n%s", version, err, diff)
		}
	}
	for _, version := range []string{known[0], "v" + known[0], "v" + known[0] + ".3", known[0] + ".0-rc.1", "v" + known[0] + ".2+local"} {
		if v, err := Open(version); err != nil || v.Version() != known[0] {
			t.Errorf("Open(%q): %v", version, err)
		}
	}
	if v := open(t, baseline(t)); !strings.HasPrefix(baseline(t), "v"+v.Version()+".") {
		t.Errorf("the baseline is %s, the validator is for %s", baseline(t), v.Version())
	}
}

// One object, judged for the baseline and for other minors.
func TestLifecycle(t *testing.T) {
	t.Parallel()
	here := open(t, baseline(t)).Version()
	flow := func(version string) string {
		return `{apiVersion: flowcontrol.apiserver.k8s.io/` + version + `, kind: FlowSchema, metadata: {name: x}, spec: {priorityLevelConfiguration: {name: low}}}`
	}
	for _, c := range []struct{ name, version, object, want string }{
		{"Ingress of old", here, `{apiVersion: extensions/v1beta1, kind: Ingress, metadata: {name: x}}`,
			"error schema-removed /apiVersion: extensions/v1beta1 Ingress is not served from Kubernetes 1.22 on, this is for " + here + "; write it as networking.k8s.io/v1 Ingress"},
		{"HPA of old", here, `{apiVersion: autoscaling/v2beta2, kind: HorizontalPodAutoscaler, metadata: {name: x}}`,
			"error schema-removed /apiVersion: autoscaling/v2beta2 HorizontalPodAutoscaler is not served from Kubernetes 1.26 on, this is for " + here + "; write it as autoscaling/v2 HorizontalPodAutoscaler"},
		{"Deployment of old", here, `{apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: x}}`,
			"error schema-removed /apiVersion: apps/v1beta1 Deployment is not served from Kubernetes 1.16 on, this is for " + here + "; write it as apps/v1 Deployment"},
		{"PSP", here, `{apiVersion: policy/v1beta1, kind: PodSecurityPolicy, metadata: {name: x}}`,
			"error schema-removed /apiVersion: policy/v1beta1 PodSecurityPolicy is not served from Kubernetes 1.25 on, this is for " + here + "; label the namespace with pod-security.kubernetes.io/enforce instead"},
		{"PSP older still", here, `{apiVersion: extensions/v1beta1, kind: PodSecurityPolicy, metadata: {name: x}}`,
			"error schema-removed /apiVersion: extensions/v1beta1 PodSecurityPolicy is not served from Kubernetes 1.16 on, this is for " + here + "; label the namespace with pod-security.kubernetes.io/enforce instead"},
		{"definition of old", here, `{apiVersion: apiextensions.k8s.io/v1beta1, kind: CustomResourceDefinition, metadata: {name: x}}`,
			"error schema-removed /apiVersion: apiextensions.k8s.io/v1beta1 CustomResourceDefinition is not served from Kubernetes 1.22 on, this is for " + here + "; write it as apiextensions.k8s.io/v1 CustomResourceDefinition"},
		{"current", here, flow("v1beta3"), ""},
		{"deprecated", "1.29", flow("v1beta3"),
			"warning schema-deprecated /apiVersion: flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema is deprecated since Kubernetes 1.29 and not served from 1.32 on; write it as flowcontrol.apiserver.k8s.io/v1 FlowSchema"},
		{"last minor", "1.31", flow("v1beta3"),
			"warning schema-deprecated /apiVersion: flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema is deprecated since Kubernetes 1.29 and not served from 1.32 on; write it as flowcontrol.apiserver.k8s.io/v1 FlowSchema"},
		{"removed", "1.32", flow("v1beta3"),
			"error schema-removed /apiVersion: flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema is not served from Kubernetes 1.32 on, this is for 1.32; write it as flowcontrol.apiserver.k8s.io/v1 FlowSchema"},
		{"replacement removed too", "1.34", flow("v1beta2"),
			"error schema-removed /apiVersion: flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema is not served from Kubernetes 1.29 on, this is for 1.34; write it as flowcontrol.apiserver.k8s.io/v1 FlowSchema"},
		{"not yet", here, flow("v1"),
			"error schema /apiVersion: flowcontrol.apiserver.k8s.io/v1 FlowSchema: no such kind in Kubernetes " + here + " and no CRD brings it; it comes with Kubernetes 1.29; FlowSchema is served as flowcontrol.apiserver.k8s.io/v1beta3, flowcontrol.apiserver.k8s.io/v1beta2; write apiVersion: flowcontrol.apiserver.k8s.io/v1beta3"},
		{"since", "1.29", flow("v1"), ""},
		{"field of a later minor", here, deployment("", "restartPolicyRules: []"),
			"error schema /spec/template/spec/containers/0/restartPolicyRules: unknown field spec.template.spec.containers[0].restartPolicyRules; did you mean restartPolicy?; rename restartPolicyRules to restartPolicy"},
		{"the same field there", "1.34", deployment("", "restartPolicyRules: []"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := strings.TrimSpace(lines(open(t, c.version).Check(t.Context(), objects(t, c.object))))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s on %s (-want +got):\n%s", c.name, c.version, diff)
			}
		})
	}
}

// The table is generated from source files; the linked types say the same.
func TestLifecycleTableAgreesWithTheTypes(t *testing.T) {
	t.Parallel()
	table, err := readLifecycle()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for gvk := range scheme.Scheme.AllKnownTypes() {
		obj, err := scheme.Scheme.New(gvk)
		if err != nil || strings.HasSuffix(gvk.Kind, "List") {
			continue
		}
		in, ok := obj.(interface{ APILifecycleIntroduced() (int, int) })
		if !ok {
			continue
		}
		want := lifecycle{Group: gvk.Group, Version: gvk.Version, Kind: gvk.Kind}
		_, want.Introduced = in.APILifecycleIntroduced()
		if d, ok := obj.(interface{ APILifecycleDeprecated() (int, int) }); ok {
			_, want.Deprecated = d.APILifecycleDeprecated()
		}
		if r, ok := obj.(interface{ APILifecycleRemoved() (int, int) }); ok {
			_, want.Removed = r.APILifecycleRemoved()
		}
		if r, ok := obj.(interface {
			APILifecycleReplacement() kube.GroupVersionKind
		}); ok {
			want.Replacement = name(r.APILifecycleReplacement())
		}
		seen++
		if diff := cmp.Diff(want, table[gvk]); diff != "" {
			t.Errorf("%s (-types +table):\n%s", gvk, diff)
		}
	}
	if seen < 50 {
		t.Errorf("only %d types have a lifecycle", seen)
	}
}

// What the table calls removed must not be in that minor's document, and what
// is in a document must not be removed by then.
func TestDocumentsAgreeWithTheTable(t *testing.T) {
	t.Parallel()
	for _, version := range Versions() {
		v := open(t, version)
		for gvk := range v.kinds {
			if l := v.lifecycle[gvk]; l.Removed > 0 && l.Removed <= v.minor || l.Introduced > v.minor {
				t.Errorf("%s serves %s, which the table has as introduced in %d and removed in %d", version, gvk, l.Introduced, l.Removed)
			}
		}
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	for _, version := range Versions() {
		v := open(t, version)
		for _, c := range []struct {
			gvk               kube.GroupVersionKind
			namespaced, known bool
		}{
			{kube.GroupVersionKind{Version: "v1", Kind: "Pod"}, true, true},
			{kube.GroupVersionKind{Version: "v1", Kind: "Node"}, false, true},
			{kube.GroupVersionKind{Version: "v1", Kind: "Namespace"}, false, true},
			{kube.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, true, true},
			{kube.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "ClusterRole"}, false, true},
			{kube.GroupVersionKind{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"}, true, true},
			{kube.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"}, false, true},
			{kube.GroupVersionKind{Group: "example.org", Version: "v1", Kind: "Widget"}, false, false},
		} {
			if namespaced, known := v.Scope(c.gvk); namespaced != c.namespaced || known != c.known {
				t.Errorf("%s: Scope(%s) = %t, %t", version, c.gvk, namespaced, known)
			}
		}
	}
}

// Every file is what index.json says it is.
func TestGeneratedFiles(t *testing.T) {
	t.Parallel()
	text, err := files.ReadFile("openapi/index.json")
	if err != nil {
		t.Fatal(err)
	}
	type entry struct {
		Minor   int
		SHA256  string
		Sources []struct{ Module, Version, Sum string }
	}
	var index struct {
		Lifecycle entry
		Documents []entry
	}
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	var have []int
	check := func(name string, e entry) {
		if got := checksum(t, name); got != e.SHA256 {
			t.Errorf("%s: sha256 %s, index.json has %s", name, got, e.SHA256)
		}
		if len(e.Sources) == 0 {
			t.Errorf("%s has no sources", name)
		}
		for _, s := range e.Sources {
			if s.Module == "" || s.Version == "" || !strings.HasPrefix(s.Sum, "h1:") {
				t.Errorf("%s: source without version or checksum: %+v", name, s)
			}
		}
	}
	check("lifecycle.json", index.Lifecycle)
	for _, d := range index.Documents {
		have = append(have, d.Minor)
		check(fmt.Sprintf("v1.%d.json.gz", d.Minor), d)
	}
	if diff := cmp.Diff(minors(), have); diff != "" {
		t.Errorf("files and index.json differ (-files +index):\n%s", diff)
	}
}
