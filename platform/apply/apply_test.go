package apply

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/render"
)

func namespaceOf(name string) string {
	return "apiVersion: v1\nkind: Namespace\nmetadata: {name: " + name + ", labels: {pod-security.kubernetes.io/enforce: baseline}}\n"
}

func configMap(namespace, name, value string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s, namespace: %s}\ndata: {key: %q}\n", name, namespace, value)
}

func deployment(namespace, name, more string) string {
	return fmt.Sprintf(`
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[2]s, namespace: %[1]s}
spec:
  %[3]s
  selector: {matchLabels: {app: %[2]s}}
  template:
    metadata: {labels: {app: %[2]s}}
    spec:
      containers:
      - {name: web, image: "registry.test/web:1", ports: [{containerPort: 80}], resources: {requests: {cpu: 1000m}}}
`, namespace, name, more)
}

func TestApplyTwiceWritesOnce(t *testing.T) {
	a, spy := spied(access(t), 0)
	ap := applier(t, a, Config{})
	alone(t, ap)
	b := bundleOf("sha256:twice", objects(t,
		namespaceOf("twice"),
		configMap("twice", "settings", "1"),
		"apiVersion: v1\nkind: Secret\nmetadata: {name: keys, namespace: twice}\nstringData: {password: swordfish}\n",
		"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: twice}\nspec: {selector: {app: web}, ports: [{port: 80}]}\n",
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader, namespace: twice}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]\n",
		deployment("twice", "web", "replicas: 0"),
	)...)
	first := mustApply(t, ap, b, Options{})
	if n := first.Count(Created); n != len(b.Objects) {
		t.Errorf("first apply created %d of %d: %v", n, len(b.Objects), actions(first))
	}
	before := spy.writes.Load()
	second := mustApply(t, ap, b, Options{})
	if n := second.Count(Unchanged); n != len(b.Objects) {
		t.Errorf("second apply left %d of %d unchanged: %v", n, len(b.Objects), actions(second))
	}
	if n := spy.writes.Load() - before; n != 0 {
		t.Errorf("second apply sent %d mutating requests, want 0", n)
	}
	if _, ok, _ := unstructured.NestedMap(b.Objects[2].Object, "stringData"); !ok {
		t.Error("the bundle's own Secret was changed")
	}
	if second.Digest != "sha256:twice" {
		t.Errorf("digest %q after apply", second.Digest)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	a, spy := spied(access(t), 0)
	ap := applier(t, a, Config{})
	alone(t, ap)
	mustApply(t, ap, bundleOf("sha256:dry-1", objects(t, namespaceOf("dry"), configMap("dry", "same", "1"), configMap("dry", "changed", "1"), configMap("dry", "gone", "1"))...), Options{})
	before := spy.writes.Load()
	result := mustApply(t, ap, bundleOf("sha256:dry-2", objects(t,
		namespaceOf("dry"), configMap("dry", "same", "1"), configMap("dry", "changed", "2"), configMap("dry", "new", "1"),
		namespaceOf("dry-new"), configMap("dry-new", "inside", "1"),
	)...), Options{DryRun: true})
	want := map[string]Action{
		"Namespace dry": Unchanged, "ConfigMap dry/same": Unchanged, "ConfigMap dry/changed": Configured, "ConfigMap dry/new": Created,
		"Namespace dry-new": Created, "ConfigMap dry-new/inside": Created, "ConfigMap dry/gone": Pruned,
	}
	if diff := cmp.Diff(want, actions(result)); diff != "" {
		t.Errorf("dry run (-want +got):\n%s", diff)
	}
	if n := spy.writes.Load() - before; n != 0 {
		t.Errorf("dry run sent %d mutating requests", n)
	}
	if result.Digest != "sha256:dry-1" {
		t.Errorf("digest %q, want the one applied", result.Digest)
	}
}

func TestPrune(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	keep := objects(t, namespaceOf("prune"), configMap("prune", "stays", "1"))
	leave := objects(t,
		namespaceOf("prune-data"),
		"apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data, namespace: prune-data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n",
		configMap("prune", "gone", "1"),
		"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: pinned, namespace: prune, annotations: {platform.dualtrack.internal/prune: disabled}}\n",
		configMap("prune", "foreign", "1"),
	)
	lost := manifest(t, "broken", 0, configMap("prune", "of-broken", "1"))
	mustApply(t, ap, bundleOf("sha256:all", append(append(append([]render.Object{}, keep...), leave...), lost)...), Options{})

	foreign := leave[4].DeepCopy()
	if err := errors.Join(ap.client.Delete(t.Context(), foreign.DeepCopy()), ap.client.Create(t.Context(), foreign, client.FieldOwner("someone"))); err != nil {
		t.Fatal(err)
	}
	b := bundleOf("sha256:less", keep...)
	b.NotRendered = []render.NotRendered{{Component: "broken", Err: errors.New("broken")}}
	result := mustApply(t, ap, b, Options{})
	want := map[string]Action{
		"Namespace prune": Unchanged, "ConfigMap prune/stays": Unchanged,
		"ConfigMap prune/gone": Pruned, "ConfigMap prune/pinned": Kept, "ConfigMap prune/foreign": Kept,
		"Namespace prune-data": Kept, "PersistentVolumeClaim prune-data/data": Kept,
	}
	if diff := cmp.Diff(want, actions(result)); diff != "" {
		t.Errorf("prune (-want +got):\n%s", diff)
	}
	for i, o := range append(leave, lost) {
		if gone := get(t, ap, o) == nil; gone != (i == 2) {
			t.Errorf("%s: gone is %v", o.Ref(), gone)
		}
	}
	inventory, err := ReadInventory(t.Context(), ap.client)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range inventory.Entries {
		got = append(got, e.Object.String()+" "+e.Component+" "+e.Kept)
	}
	wantEntries := []string{
		"Namespace prune-data test it holds data: only --prune-data prunes a Namespace",
		"PersistentVolumeClaim prune-data/data test it holds data: only --prune-data prunes a PersistentVolumeClaim",
		"ConfigMap prune/pinned test annotation platform.dualtrack.internal/prune is disabled",
		"ConfigMap prune/foreign test field manager dualtrack owns none of its fields",
		"ConfigMap prune/of-broken broken ",
		"Namespace prune test ", "ConfigMap prune/stays test ",
	}
	if diff := cmp.Diff(wantEntries, got); diff != "" {
		t.Errorf("inventory (-want +got):\n%s", diff)
	}

	result = mustApply(t, ap, bundleOf("sha256:less-2", keep...), Options{PruneData: true})
	if acts := actions(result); acts["Namespace prune-data"] != Pruned || acts["ConfigMap prune/of-broken"] != Pruned {
		t.Errorf("with PruneData: %v", acts)
	}
}

// TestCrash cuts a run off at each of its writes in turn: the next run finds
// everything, and what left the bundle meanwhile is gone.
func TestCrash(t *testing.T) {
	healthy := applier(t, access(t), Config{})
	alone(t, healthy)
	first := objects(t, namespaceOf("crash"), configMap("crash", "one", "1"), configMap("crash", "two", "1"))
	second := objects(t, namespaceOf("crash"), configMap("crash", "one", "2"), configMap("crash", "three", "1"))
	third := objects(t, namespaceOf("crash"), configMap("crash", "one", "3"))
	for at := int64(1); at <= 6; at++ {
		t.Run(fmt.Sprintf("write %d", at), func(t *testing.T) {
			mustApply(t, healthy, bundleOf("sha256:first", first...), Options{})
			a, spy := spied(access(t), at)
			_, err := applier(t, a, Config{}).Apply(t.Context(), bundleOf("sha256:second", second...), Options{Timeout: 30 * time.Second})
			if (err != nil) != (spy.writes.Load() >= at) {
				t.Errorf("error %v after %d writes", err, spy.writes.Load())
			}
			mustApply(t, healthy, bundleOf("sha256:third", third...), Options{})
			for i, o := range append(append([]render.Object{}, first...), second...) {
				if there, want := get(t, healthy, o) != nil, i%3 < 2 && o.GetName() != "two" && o.GetName() != "three"; there != want {
					t.Errorf("%s: there is %v, want %v", o.Ref(), there, want)
				}
			}
			inventory, err := ReadInventory(t.Context(), healthy.client)
			if err != nil || len(inventory.Entries) != 2 || inventory.Digest != "sha256:third" {
				t.Errorf("inventory %+v, %v", inventory, err)
			}
		})
	}
}

func crdOf(plural, kind string) string {
	return fmt.Sprintf(`
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: %[1]s.apply.test}
spec:
  group: apply.test
  scope: Namespaced
  names: {plural: %[1]s, singular: %[3]s, kind: %[2]s, listKind: %[2]sList}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}}}}
`, plural, kind, strings.ToLower(kind))
}

func TestDefinitionAndItsObject(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	definition := objects(t, namespaceOf("crd"), crdOf("widgets", "Widget"))
	widget := objects(t, "apiVersion: apply.test/v1\nkind: Widget\nmetadata: {name: w, namespace: crd}\nspec: {size: 1}\n")
	// The object stands first and in an earlier stage: definitions go before all.
	definition[1].Stage = 3
	result := mustApply(t, ap, bundleOf("sha256:crd", append(widget, definition...)...), Options{})
	if n := result.Count(Created); n != 3 {
		t.Fatalf("created %d: %v", n, actions(result))
	}
	other := widget[0].DeepCopy()
	other.SetName("someone-elses")
	if err := ap.client.Create(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	result = mustApply(t, ap, bundleOf("sha256:no-crd", definition[0]), Options{})
	if acts := actions(result); acts["Widget crd/w"] != Pruned || acts["CustomResourceDefinition widgets.apply.test"] != Kept {
		t.Errorf("with an object left: %v", acts)
	}
	if err := ap.client.Delete(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	result = mustApply(t, ap, bundleOf("sha256:no-crd-2", definition[0]), Options{})
	if acts := actions(result); acts["CustomResourceDefinition widgets.apply.test"] != Pruned {
		t.Errorf("with none left: %v", acts)
	}
}

func TestRefusals(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	base := objects(t, namespaceOf("refused"), deployment("refused", "web", "replicas: 0"))
	mustApply(t, ap, bundleOf("sha256:base", base...), Options{})
	moved := base[1].DeepCopy()
	for _, path := range [][]string{{"spec", "selector", "matchLabels"}, {"spec", "template", "metadata", "labels"}} {
		if err := unstructured.SetNestedStringMap(moved.Object, map[string]string{"app": "other"}, path...); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name   string
		object render.Object
		want   error
	}{
		{"immutable", render.Object{Unstructured: moved}, ErrImmutable},
		{"invalid", manifest(t, "", 0, "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: refused}\nspec: {ports: [{port: 99999}]}\n"), ErrInvalid},
		{"misspelt", manifest(t, "", 0, "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: refused}\nspec: {prots: [{port: 1}]}\n"), nil},
		{"kind not served", manifest(t, "", 0, "apiVersion: nobody.test/v1\nkind: Nothing\nmetadata: {name: s, namespace: refused}\n"), ErrNotServed},
		{"no namespace", manifest(t, "", 0, configMap("never-made", "x", "1")), ErrNotServed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			also := manifest(t, "", 0, configMap("refused", "beside", tc.name))
			result, err := ap.Apply(t.Context(), bundleOf("sha256:"+tc.name, base[0], tc.object, also), Options{Timeout: 60 * time.Second})
			failed, ok := errors.AsType[*ObjectError](err)
			if !ok || failed.Object != tc.object.Ref() || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v of %s", err, tc.want, tc.object.Ref())
			}
			if acts := actions(result); acts["ConfigMap refused/beside"] == "" {
				t.Errorf("the object beside it was not tried: %v", acts)
			}
			if len(result.Failed) != 1 {
				t.Errorf("%d failed, want 1", len(result.Failed))
			}
			if result.Digest == "sha256:"+tc.name {
				t.Error("the bundle counts as applied")
			}
		})
	}
	t.Run("forbidden", func(t *testing.T) {
		a := access(t)
		a.Config = rest.CopyConfig(a.Config)
		a.Config.Impersonate = rest.ImpersonationConfig{UserName: "nobody"}
		_, err := applier(t, a, Config{}).Apply(t.Context(), bundleOf("sha256:f", base...), Options{})
		if err == nil || errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), "forbidden") {
			t.Errorf("error %v, want forbidden", err)
		}
	})
}

func TestAutoscalerOwnsReplicas(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	hpa := `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: scaled}
spec: {minReplicas: 1, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}
`
	with := func(more string) []render.Object {
		return objects(t, namespaceOf("scaled"), deployment("scaled", "web", more), hpa)
	}
	replicas := func() int64 {
		n, _, _ := unstructured.NestedInt64(get(t, ap, with("")[1]).Object, "spec", "replicas")
		return n
	}
	mustApply(t, ap, bundleOf("sha256:2", with("replicas: 2")...), Options{})
	if n := replicas(); n != 2 {
		t.Fatalf("%d replicas at creation, want the bundle's 2", n)
	}
	asManager(t, ap, "autoscaler", with("")[1], `{"spec":{"replicas":1}}`)
	for _, tc := range []struct{ name, more string }{
		{"the same", "replicas: 2"},
		{"another field changes", "replicas: 2\n  revisionHistoryLimit: 3"},
		{"replicas leave Git", "revisionHistoryLimit: 4"},
	} {
		mustApply(t, ap, bundleOf("sha256:"+tc.name, with(tc.more)...), Options{})
		if n := replicas(); n != 1 {
			t.Errorf("%s: %d replicas, want the autoscaler's 1", tc.name, n)
		}
	}
	mustApply(t, ap, bundleOf("sha256:none", with("")[0]), Options{})
}

// TestGivesReplicasUp: the change that drops the number from the bundle and adds
// the autoscaler keeps the pods that run.
func TestGivesReplicasUp(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	base := objects(t, namespaceOf("giveup"), deployment("giveup", "web", "replicas: 3"))
	mustApply(t, ap, bundleOf("sha256:fixed", base...), Options{})
	after := objects(t, namespaceOf("giveup"), deployment("giveup", "web", ""), `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web, namespace: giveup}
spec: {minReplicas: 1, maxReplicas: 9, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]}
`)
	replicas := func() int64 {
		n, _, _ := unstructured.NestedInt64(get(t, ap, base[1]).Object, "spec", "replicas")
		return n
	}
	plan, err := ap.Apply(t.Context(), bundleOf("sha256:scaled", after...), Options{DryRun: true})
	if err != nil || plan.Count(Created) != 1 {
		t.Errorf("the plan is %+v, %v", plan, err)
	}
	mustApply(t, ap, bundleOf("sha256:scaled", after...), Options{})
	if n := replicas(); n != 3 {
		t.Errorf("%d replicas after the number left the bundle, want the 3 that ran", n)
	}
	asManager(t, ap, "autoscaler", base[1], `{"spec":{"replicas":5}}`)
	mustApply(t, ap, bundleOf("sha256:again", after...), Options{})
	if n := replicas(); n != 5 {
		t.Errorf("%d replicas, want the autoscaler's 5", n)
	}
	mustApply(t, ap, bundleOf("sha256:none", base[0]), Options{})
}

func TestTakesOverKubectl(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	b := bundleOf("sha256:k", objects(t, namespaceOf("kubectl"), configMap("kubectl", "cm", "1"))...)
	mustApply(t, ap, b, Options{})
	asManager(t, ap, "kubectl-edit", b.Objects[1], `{"data":{"added":"by hand"}}`)
	asManager(t, ap, "an-operator", b.Objects[1], `{"data":{"other":"kept"}}`)
	mustApply(t, ap, b, Options{})
	data, _, _ := unstructured.NestedStringMap(get(t, ap, b.Objects[1]).Object, "data")
	if diff := cmp.Diff(map[string]string{"key": "1", "other": "kept"}, data); diff != "" {
		t.Errorf("data (-want +got):\n%s", diff)
	}
}

func TestOtherClustersInventory(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	b := bundleOf("sha256:mine", objects(t, namespaceOf("other"))...)
	mustApply(t, ap, b, Options{})
	foreign := *b
	foreign.Cluster = "c2"
	if _, err := ap.Apply(t.Context(), &foreign, Options{}); !errors.Is(err, ErrOtherCluster) {
		t.Errorf("error %v, want %v", err, ErrOtherCluster)
	}
}

func TestUnschedulableInTheSchedulersWords(t *testing.T) {
	ap := applier(t, access(t), Config{})
	alone(t, ap)
	stuck := manifest(t, "test", 0, strings.Replace(deployment("stuck", "big", "replicas: 1"), "1000m", "1000", 1))
	b := bundleOf("sha256:stuck", manifest(t, "test", 0, namespaceOf("stuck")), stuck, manifest(t, "test", 1, configMap("stuck", "later", "1")))
	result, err := ap.Apply(t.Context(), b, Options{Timeout: 6 * time.Second})
	if !errors.Is(err, ErrNotReady) {
		t.Fatalf("error %v, want %v", err, ErrNotReady)
	}
	if len(result.Waiting) != 1 || result.Waiting[0].Object != stuck.Ref() || !strings.Contains(result.Waiting[0].Why, "nodes are available") {
		t.Errorf("waiting %+v, want the scheduler's words", result.Waiting)
	}
	if get(t, ap, b.Objects[2]) != nil {
		t.Error("the next stage was applied")
	}
	mustApply(t, ap, bundleOf("sha256:unstuck", b.Objects[0]), Options{})
}

func TestWithheld(t *testing.T) {
	t.Parallel()
	hook := func(kind, config string) string {
		return "apiVersion: admissionregistration.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: h}\nwebhooks: [{name: a.test, clientConfig: " + config + "}]\n"
	}
	for _, tc := range []struct {
		name, text string
		lacks      []cluster.Ability
		want       bool
	}{
		{"webhook in the cluster", hook("ValidatingWebhookConfiguration", "{service: {name: s, namespace: ns}}"), []cluster.Ability{cluster.RunsPods}, true},
		{"mutating webhook", hook("MutatingWebhookConfiguration", "{service: {name: s, namespace: ns}}"), []cluster.Ability{cluster.RunsPods}, true},
		{"webhook elsewhere", hook("ValidatingWebhookConfiguration", "{url: 'https://hook.test'}"), []cluster.Ability{cluster.RunsPods}, false},
		{"pods run", hook("ValidatingWebhookConfiguration", "{service: {name: s, namespace: ns}}"), []cluster.Ability{cluster.Volumes}, false},
		{"API service", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.x}\nspec: {service: {name: s, namespace: ns}}\n", []cluster.Ability{cluster.RunsPods}, true},
		{"local API service", "apiVersion: apiregistration.k8s.io/v1\nkind: APIService\nmetadata: {name: v1.x}\nspec: {}\n", []cluster.Ability{cluster.RunsPods}, false},
	} {
		got := WithheldOf(bundleOf("sha256:w", manifest(t, "c", 0, tc.text)), tc.lacks)
		if (len(got) == 1) != tc.want || tc.want && !strings.Contains(got[0].Why, "Service ns/s") {
			t.Errorf("%s: withheld %+v, want %v", tc.name, got, tc.want)
		}
	}
}
