package policy

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

const namespace = `
apiVersion: v1
kind: Namespace
metadata:
  name: shop
  labels: {pod-security.kubernetes.io/enforce: restricted, pod-security.kubernetes.io/enforce-version: v1.98}
`

// denyAll satisfies DT-NET-001.
const denyAll = `
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
`

// lines writes findings as "severity rule object pointer".
func lines(found []finding.Finding) []string {
	out := []string{}
	for _, f := range found {
		line := fmt.Sprintf("%s %s %s %s", f.Severity, f.Rule, f.Object, f.Pointer)
		if f.Class != "" {
			line += " " + string(f.Class)
		}
		out = append(out, line)
	}
	return out
}

func TestJudge(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	tests := map[string]struct {
		docs   []string
		change func(*Input)
		want   []string
	}{
		"a good deployment": {docs: []string{namespace, denyAll, budget, deployment}, want: []string{}},
		"a namespace that nothing creates": {
			docs: []string{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shpo}\n"},
			want: []string{"error DT-NSP-001 ConfigMap shpo/a /metadata/namespace"},
		},
		"the same of a partial bundle": {
			docs:   []string{"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shpo}\n"},
			change: func(in *Input) { in.Partial = []string{"base"} },
			want:   []string{"error DT-NSP-001 ConfigMap shpo/a /metadata/namespace unknown"},
		},
		"items of a list": {
			docs: []string{namespace, denyAll, `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop}}
- apiVersion: v1
  kind: SecretList
  items:
  - {metadata: {name: b, namespace: shop}, data: {token: eA==}}
- {apiVersion: old.example/v1, kind: Thing, metadata: {name: c, namespace: shop}}
- not an object
`},
			want: []string{
				"error DT-SUP-004 Secret shop/b /items/1/items/0/data/token",
				"error DT-API-001 Thing shop/c /items/2/apiVersion",
			},
		},
		"a namespace that a list creates": {
			docs: []string{"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: baseline, pod-security.kubernetes.io/enforce-version: v1.98}}}\n", denyAll},
			want: []string{},
		},
		"an object inside a ConfigMap": {
			docs: []string{namespace, denyAll, `
apiVersion: v1
kind: ConfigMap
metadata: {name: a, namespace: shop}
data:
  a/b.yaml: |
    apiVersion: v1
    kind: ConfigMap
    ---
    apiVersion: old.example/v1
    kind: Thing
  text: "apiVersion and kind: {{ no yaml"
`},
			want: []string{"error DT-API-001 ConfigMap shop/a /data/a~1b.yaml"},
		},
		"without a table of APIs": {
			docs:   []string{namespace, denyAll, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata: {a: '{apiVersion: a/v1, kind: B}'}\n"},
			change: func(in *Input) { in.APIs = nil },
			want:   []string{"error DT-API-001 ConfigMap shop/a /data/a unknown"},
		},
		"the cluster's own flags": {
			change: func(in *Input) {
				in.Cluster.Spec.Kubernetes.ExtraArgs.APIServer = map[string]string{"authorization-mode": "AlwaysAllow,Node,RBAC"}
			},
			want: []string{"error DT-CPL-001 Cluster edge-1 /spec/kubernetes/extraArgs/apiServer/authorization-mode"},
		},
		"a rule switched off, another raised": {
			docs: []string{namespace},
			change: func(in *Input) {
				in.Fleet.Spec.Policy.Severity = map[string]string{"DT-NET-001": "off"}
			},
			want: []string{},
		},
		"a rule raised": {
			docs:   []string{namespace},
			change: func(in *Input) { in.Fleet.Spec.Policy.Severity = map[string]string{"DT-NET-001": "error"} },
			want:   []string{"error DT-NET-001 Namespace shop /metadata/name", "error DT-NET-001 Namespace shop /metadata/name"},
		},
		"an unpinned image on real nodes": {
			docs:   []string{namespace, denyAll, budget, strings.ReplaceAll(deployment, "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "")},
			change: func(in *Input) { in.RealNodes = true },
			want: []string{
				"error DT-SUP-002 Deployment shop/web /spec/template/spec/containers/0/image",
				"error DT-SUP-002 Deployment shop/web /spec/template/spec/initContainers/0/image",
			},
		},
		"a fleet that names no registries": {
			docs:   []string{namespace, denyAll, budget, deployment},
			change: func(in *Input) { in.Fleet = nil },
			want: []string{
				"error DT-SUP-003 Deployment shop/web /spec/template/spec/containers/0/image unknown",
				"error DT-SUP-003 Deployment shop/web /spec/template/spec/initContainers/0/image unknown",
			},
		},
		"a budget over what an autoscaler keeps": {
			docs: []string{namespace, denyAll, deployment, `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web, namespace: shop}
spec: {minAvailable: 2, selector: {matchLabels: {app: web}}, unhealthyPodEvictionPolicy: AlwaysAllow}
`, `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: shop}
spec:
  minReplicas: 2
  maxReplicas: 5
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 80}}}]
`},
			want: []string{
				"warning DT-REL-007 Deployment shop/web /spec/replicas",
				"error DT-REL-004 PodDisruptionBudget shop/web /spec/minAvailable",
			},
		},
		"a hostPath class": {
			docs: []string{namespace, denyAll, `
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk}
spec: {storageClassName: disks, local: {path: /disk}}
`, `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: shop, labels: {app.kubernetes.io/part-of: shop}}
spec:
  replicas: 0
  template: {metadata: {labels: {app.kubernetes.io/part-of: shop}}, spec: {automountServiceAccountToken: false, containers: []}}
  volumeClaimTemplates: [{spec: {storageClassName: disks}}]
`},
			want: []string{
				"warning DT-SEC-003 PersistentVolume disk /spec/local",
				"warning DT-SEC-003 StatefulSet shop/db /spec/volumeClaimTemplates/0/spec/storageClassName",
			},
		},
		"Cilium policies and a role that holds everything": {
			docs: []string{namespace, `
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: deny, namespace: shop}
specs: [{endpointSelector: {}, ingress: [{fromEndpoints: [{}]}]}]
`, `
apiVersion: cilium.io/v2
kind: CiliumClusterwideNetworkPolicy
metadata: {name: deny}
spec: {endpointSelector: {}, egress: [{toEntities: [cluster]}]}
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: god}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
`, `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: god}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: god}
`},
			want: []string{"error DT-RBA-001 ClusterRole god /rules/0", "error DT-RBA-001 ClusterRoleBinding god /roleRef/name"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := testInput(t, tt.docs...)
			if tt.change != nil {
				tt.change(&in)
			}
			r, err := e.Judge(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, lines(r.Findings)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestFinding looks at all of one finding, and at the counts.
func TestFinding(t *testing.T) {
	t.Parallel()
	in := testInput(t, namespace, denyAll, "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop}, spec: {hostPID: true, automountServiceAccountToken: false, containers: []}}\n")
	in.Locate = func(o render.Object, pointer string) finding.Position {
		return finding.Position{File: o.Source.File, Line: 7, Column: len(pointer)}
	}
	r, err := compiled(t).Judge(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	want := []finding.Finding{{
		Rule: "DT-SEC-002", Severity: finding.Error, Message: "the pod shares the node's namespace: hostPID",
		Object:  finding.Object{APIVersion: "v1", Kind: "Pod", Namespace: "shop", Name: "a"},
		Pointer: "/items/0/spec/hostPID", Position: finding.Position{File: "components/shop/shop.yaml", Line: 7, Column: 21},
		Component: "shop", Mend: "remove the field; reach the workload through a Service",
		Patch: json.RawMessage(`[{"op":"remove","path":"/items/0/spec/hostPID"}]`),
	}}
	if diff := cmp.Diff(want, r.Findings); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got := [4]int{r.Objects, r.Passed, r.Unknown, r.Waived}; got != [4]int{3, 2, 0, 0} {
		t.Errorf("objects, passed, unknown, waived: got %v", got)
	}
}

func TestJudgeErrors(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	for name, change := range map[string]func(*Input){
		"no version":               func(in *Input) { in.Baseline = nil },
		"no version that is known": func(in *Input) { in.KubeVersion = "latest" },
		"evidence and no time":     func(in *Input) { in.Evidence = &catalog.Evidence{} },
		"exceptions and no time":   func(in *Input) { in.Exceptions = []catalog.Exception{{}} },
	} {
		in := testInput(t)
		change(&in)
		if _, err := e.Judge(t.Context(), in); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestDeterministic judges the same twice, and the input stays as it was.
func TestDeterministic(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	docs := []string{namespace, deployment, "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop, managedFields: [{manager: x}]}\nstatus: {phase: Running}\nspec: {hostPID: true, hostIPC: true, containers: [{name: a}, {name: b}]}\n"}
	first := testInput(t, docs...)
	want, err := e.Judge(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		got, err := e.Judge(t.Context(), testInput(t, docs...))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.Findings, got.Findings); diff != "" {
			t.Fatalf("two runs differ (-first +second):\n%s", diff)
		}
	}
	if diff := cmp.Diff(testInput(t, docs...).Objects[2].Object, first.Objects[2].Object); diff != "" {
		t.Errorf("judging changed the object (-want +got):\n%s", diff)
	}
}

// TestMends applies the patch of every finding and judges again: the finding is
// gone, and nothing new came.
func TestMends(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	const bad = `
apiVersion: v1
kind: Pod
metadata: {name: a, namespace: shop}
spec:
  hostNetwork: true
  hostPID: true
  securityContext: {runAsNonRoot: false, seccompProfile: {type: Unconfined}}
  initContainers:
  - name: i
    image: registry.example/a:1
  containers:
  - name: a
    image: registry.example/a:1
    securityContext:
      privileged: true
      allowPrivilegeEscalation: true
      runAsNonRoot: false
      seccompProfile: {type: Unconfined}
      capabilities: {add: [CAP_CHOWN, NET_RAW]}
`
	object := testInput(t, bad).Objects[0].Object
	for patched := 0; ; patched++ {
		text, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Judge(t.Context(), testInput(t, namespace, denyAll, string(text)))
		if err != nil {
			t.Fatal(err)
		}
		patch := firstPatch(r.Findings)
		if patch == nil {
			for _, f := range r.Findings {
				if f.Severity == finding.Error {
					t.Errorf("after %d patches there is still %s at %s", patched, f.Rule, f.Pointer)
				}
			}
			if patched < 10 {
				t.Errorf("only %d patches were needed", patched)
			}
			return
		}
		if patched > 40 {
			t.Fatalf("the patches never end; the last was %s", patch)
		}
		before := object
		object = applied(t, object, patch)
		if reflect.DeepEqual(before, object) {
			t.Fatalf("patch %s changes nothing", patch)
		}
	}
}

func firstPatch(found []finding.Finding) json.RawMessage {
	for _, f := range found {
		if f.Patch != nil && f.Severity == finding.Error {
			return f.Patch
		}
	}
	return nil
}
