package change_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/render"
)

// bundle reads objects that are written one a line; a line that begins with "@name "
// is of that component.
func bundle(t *testing.T, text string) []*render.Bundle {
	t.Helper()
	b := &render.Bundle{Cluster: "c"}
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		component := "x"
		if strings.HasPrefix(line, "@") {
			component, line, _ = strings.Cut(line[1:], " ")
		}
		object := map[string]any{}
		if err := yaml.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		b.Objects = append(b.Objects, render.Object{Component: component, Unstructured: &unstructured.Unstructured{Object: object}})
	}
	return []*render.Bundle{b}
}

// told is what is said of each object that differs.
func told(clusters []change.Cluster) []string {
	var out []string
	for _, c := range clusters {
		for _, o := range c.Objects {
			head := fmt.Sprintf("%s %s", o.Action, o.Object)
			if o.From != "" {
				head += " from " + o.From
			}
			if len(o.Consequences) == 0 {
				out = append(out, head)
			}
			for _, q := range o.Consequences {
				out = append(out, fmt.Sprintf("%s: %s: %s: %s @%s", head, q.Level, q.Effect, q.Why, q.Pointer))
			}
		}
	}
	return out
}

type consequenceCase struct {
	name, before, after string
	want                []string
}

// TestConsequences is about what no API server tells; what it refuses is in
// tests/changes.
func TestConsequences(t *testing.T) {
	t.Parallel()
	for _, c := range append(append(imageCases(), numberCases()...), otherCases()...) {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, told(change.Between(bundle(t, c.before), bundle(t, c.after)))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func deployment(spec string) string {
	return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ns}, spec: " + spec + "}\n"
}

func imageCases() []consequenceCase {
	of := func(ref string) string {
		return deployment("{template: {metadata: {labels: {app: d}}, spec: {containers: [{name: a, image: '" + ref + "'}]}}}")
	}
	const head, at = "changed Deployment ns/d: ", " @/spec/template/spec/containers/0/image"
	restart := head + "info: restarts: its pods are replaced, a few at a time" + at
	cases := []struct{ name, from, to, want string }{
		{"up", "r.example/shop/a:1.2@sha256:1", "r.example/shop/a:1.10@sha256:2", "info: image: shop/a: 1.2 → 1.10"},
		{"down", "shop/a:v1.10.0", "shop/a:v1.9.0", "warning: image: shop/a: v1.10.0 → v1.9.0, an older version"},
		{"no versions", "shop/a:blue", "shop/a:green", "warning: image: shop/a: blue → green, tags that don't compare as versions"},
		{"digest", "r.example/shop/a:1@sha256:1", "r.example/shop/a:1@sha256:2", "info: image: shop/a: another digest of the same tag"},
		{"pinned", "shop/a:1", "shop/a:1@sha256:2", "info: image: shop/a: pinned to a digest of the same tag"},
		{"not pinned", "shop/a:1@sha256:2", "shop/a:1", "warning: image: shop/a: no longer pinned to a digest"},
		{"registry", "shop/a:1", "other.example:5000/shop/a:1", "warning: image: registry docker.io → other.example:5000"},
		{"repository", "r.example/shop/a:1", "r.example/shop/b:1", "info: image: image shop/a → shop/b"},
	}
	var out []consequenceCase
	for _, c := range cases {
		out = append(out, consequenceCase{"image " + c.name, of(c.from), of(c.to), []string{head + c.want + at, restart}})
	}
	return out
}

func numberCases() []consequenceCase {
	const hpa = "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h, namespace: ns}, spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}, minReplicas: 2, maxReplicas: 8}}\n"
	const head = "changed Deployment ns/d: "
	return []consequenceCase{
		{"up", deployment("{replicas: 2}"), deployment("{replicas: 3}"), []string{head + "info: scales: 2 → 3 pods @/spec/replicas"}},
		{"the default said", deployment("{}"), deployment("{replicas: 1}"), []string{"changed Deployment ns/d"}},
		{"to nothing", deployment("{replicas: 2}"), deployment("{replicas: 0}"), []string{head + "warning: scales: 2 → 0 pods @/spec/replicas"}},
		{"the line goes", deployment("{replicas: 3}"), deployment("{}"), []string{head + "warning: scales: 3 → 1 pods: the line goes, and nobody else owns the field @/spec/replicas"}},
		{"an autoscaler comes, the line stays", deployment("{replicas: 3}"), deployment("{replicas: 3}") + hpa, []string{
			"added HorizontalPodAutoscaler ns/h: warning: takes over: it says how many pods Deployment d has from now on, and the manifest says so too (replicas: 3): every apply sets it back @/spec/scaleTargetRef"}},
		{"an autoscaler comes, the line goes", deployment("{replicas: 3}"), deployment("{}") + hpa, []string{
			head + "warning: scales: 3 → 1 pods: the line goes, and nobody else owns the field until HorizontalPodAutoscaler ns/h has scaled once @/spec/replicas",
			"added HorizontalPodAutoscaler ns/h: info: takes over: it says how many pods Deployment d has from now on @/spec/scaleTargetRef"}},
		{"the line goes, an autoscaler is there", deployment("{replicas: 3}") + hpa, deployment("{}") + hpa, []string{head + "info: takes over: HorizontalPodAutoscaler ns/h alone says how many pods there are from now on @/spec/replicas"}},
		{"a bound", deployment("{}") + hpa, deployment("{}") + strings.Replace(hpa, "maxReplicas: 8", "maxReplicas: 3", 1), []string{"changed HorizontalPodAutoscaler ns/h: warning: scales: maxReplicas of Deployment d: 8 → 3 @/spec/maxReplicas"}},
		{"of nothing", "", hpa, []string{"added HorizontalPodAutoscaler ns/h: warning: takes over: it scales Deployment d, which the bundle does not hold @/spec/scaleTargetRef"}},
	}
}

func otherCases() []consequenceCase {
	const (
		service   = "{apiVersion: v1, kind: Service, metadata: {name: s, namespace: ns}, spec: {selector: {app: d}, ports: [{port: 80, targetPort: http}]}}\n"
		pod       = "{template: {metadata: {labels: {app: d}}, spec: {containers: [{name: a, ports: [{name: http, containerPort: 80}], envFrom: [{configMapRef: {name: c}}]}]}}}"
		budget    = "{apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: b, namespace: ns}, spec: {minAvailable: 1, selector: {matchLabels: {app: d}}}}\n"
		config    = "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, namespace: ns}, data: {a: b}}\n"
		namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: ns, labels: {pod-security.kubernetes.io/enforce: restricted}}}\n"
		crd       = "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: things.e.org}, spec: {group: e.org, names: {kind: Thing}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: {type: string}}}}}]}}\n"
		thing     = "{apiVersion: e.org/v1, kind: Thing, metadata: {name: t}}\n"
		policy    = "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: p, namespace: ns}, spec: {podSelector: {matchLabels: {app: d}}, ingress: []}}\n"
		cilium    = "{apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: ns}, data: {bpf-lb-map-max: '1', routing-mode: native, debug: 'false'}}\n"
		role      = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: r}, rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]}\n"
		binding   = "{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRoleBinding, metadata: {name: r}, roleRef: {kind: ClusterRole, name: r}, subjects: [{kind: Group, name: people}]}\n"
		claim     = "{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: p, namespace: ns}}\n"
		stateful  = "{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: d, namespace: ns}, spec: {replicas: 3, template: {metadata: {labels: {app: d}}}}}\n"
	)
	replace := strings.NewReplacer
	return []consequenceCase{
		{"nothing", deployment(pod) + service, deployment(pod) + service, nil},
		{"moved", "@old " + config, "@new " + config, []string{"moved ConfigMap ns/c from old"}},
		{"renamed", "{apiVersion: apps/v1, kind: Deployment, metadata: {name: d, namespace: ns}, spec: {replicas: 2, template: {metadata: {labels: {app: d}}, spec: {nodeName: q}}}}",
			"{apiVersion: apps/v1, kind: Deployment, metadata: {name: other, namespace: ns}, spec: {replicas: 2, template: {metadata: {labels: {app: other}}, spec: {nodeName: q}}}}",
			[]string{"renamed Deployment ns/other from d: info: replaced: d is deleted and other made: to the API server they are two objects @/metadata/name", "renamed Deployment ns/other from d: info: stops: its pods stop @"}},
		{"label of the object", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}}", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d, labels: {a: b}}}", []string{"changed DaemonSet d"}},
		{"every node", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {template: {metadata: {}}}}", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {template: {metadata: {labels: {a: b}}}}}",
			[]string{"changed DaemonSet d: info: restarts: its pod on every node is replaced @/spec/template/metadata/labels"}},
		{"a default said", deployment("{template: {spec: {containers: [{name: a}]}}}"), deployment("{template: {spec: {restartPolicy: Always, containers: [{name: a, imagePullPolicy: Always}]}}}"), []string{"changed Deployment ns/d"}},
		{"on delete", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {updateStrategy: {type: OnDelete}, template: {metadata: {}}}}", "{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: d}, spec: {updateStrategy: {type: OnDelete}, template: {metadata: {labels: {a: b}}}}}",
			[]string{"changed DaemonSet d: info: not taken up: its pods stay as they are until somebody deletes them: updateStrategy OnDelete @/spec/template/metadata/labels"}},
		{"claim goes", claim, "", []string{"removed PersistentVolumeClaim ns/p: warning: loses data: the volume goes with its claim, unless its class retains it @"}},
		{"StatefulSet goes", stateful, "", []string{"removed StatefulSet ns/d: warning: stops: its pods stop; the claims it made stay, and nobody tends them @"}},
		{"ConfigMap goes", config, "", []string{"removed ConfigMap ns/c"}},
		{"claim comes", "", claim, []string{"added PersistentVolumeClaim ns/p"}},
		{"a newer version of the API", "{apiVersion: batch/v1beta1, kind: CronJob, metadata: {name: d}}", "{apiVersion: batch/v1, kind: CronJob, metadata: {name: d}}", []string{"changed CronJob d"}},
		{"namespace goes", namespace + config + claim, "", []string{
			"removed Namespace ns: warning: loses data: everything in the namespace is deleted with it: ConfigMap c, PersistentVolumeClaim p @", "removed ConfigMap ns/c", "removed PersistentVolumeClaim ns/p: warning: loses data: the volume goes with its claim, unless its class retains it @"}},
		{"namespace guards less", namespace, replace("restricted", "baseline").Replace(namespace), []string{
			"changed Namespace ns: warning: weakens: pods of the namespace are held to baseline from now on, no longer to restricted @/metadata/labels/pod-security.kubernetes.io~1enforce"}},
		{"definition goes, its objects stay", crd + thing, thing, []string{
			"removed CustomResourceDefinition things.e.org: warning: loses data: every object of the kind is deleted with its definition: Thing t @",
			"removed CustomResourceDefinition things.e.org: error: order: Thing t is still in the bundle, and can't be applied without it @"}},
		{"an object without a definition", "", thing, []string{"added Thing t: warning: order: no definition of Thing.e.org is in the bundle: it must be on the cluster before @/kind"}},
		{"definition takes less", crd, replace("a: {type: string}", "a: {type: integer}").Replace(crd), []string{
			"changed CustomResourceDefinition things.e.org: error: narrows: the type of a changes from string to integer @/spec/versions/0/schema/openAPIV3Schema/properties/a/type"}},
		{"the stored version goes", crd, replace("name: v1", "name: v2").Replace(crd), []string{
			"changed CustomResourceDefinition things.e.org: error: refused: version v1 goes, and objects are stored in it: the API server refuses that while status.storedVersions names it @/spec/versions"}},
		{"a role grows", role + binding, replace("verbs: [get]", "verbs: [get, list]").Replace(role) + binding, []string{
			"changed ClusterRole r: warning: widens: Group people may list pods in every namespace @/rules/0"}},
		{"a policy closes", deployment(pod) + deployment2(), deployment(pod) + deployment2() + policy, []string{
			"added NetworkPolicy ns/p: warning: closes: Deployment ns/other → Deployment ns/d TCP 80, anyone outside → Deployment ns/d TCP 80 @/spec"}},
		{"a Cilium policy closes, and names what nobody resolves here", deployment(pod) + deployment2() + cnp("ingress: [{fromEntities: [all]}]"), deployment(pod) + deployment2() + cnp("ingress: [{fromEndpoints: [{}]}], egress: [{toFQDNs: [{matchName: a.b}]}, {toEntities: [all]}]"), []string{
			"changed CiliumNetworkPolicy ns/p: warning: closes: anyone outside → Deployment ns/d TCP 80 @/spec",
			"changed CiliumNetworkPolicy ns/p: info: not computed: Deployment ns/d may reach addresses of DNS names (a.b): not computed @/spec/egress/0/toFQDNs"}},
		{"pods that a Cilium policy no longer selects", deployment(pod) + cnp("egress: [{toFQDNs: [{matchName: a.b}]}, {toEntities: [all]}]"), replace("app: d", "app: e").Replace(deployment(pod)) + cnp("egress: [{toFQDNs: [{matchName: a.b}]}, {toEntities: [all]}]"), []string{
			"changed Deployment ns/d: info: restarts: its pods are replaced, a few at a time @/spec/template/metadata/labels/app",
			"changed Deployment ns/d: info: not computed: CiliumNetworkPolicy ns/p: no longer: Deployment ns/d may reach addresses of DNS names (a.b): not computed @/spec/template/metadata/labels"}},
		{"a Cilium policy is let go", deployment(pod) + deployment2() + cnp("ingress: [{}], egress: [{toFQDNs: [{matchName: a.b}]}, {toEntities: [all]}]"), deployment(pod) + deployment2(), []string{
			"removed CiliumNetworkPolicy ns/p: warning: opens: Deployment ns/other → Deployment ns/d TCP 80, anyone outside → Deployment ns/d TCP 80 @/spec",
			"removed CiliumNetworkPolicy ns/p: info: not computed: no longer: Deployment ns/d may reach addresses of DNS names (a.b): not computed @"}},
		{"Cilium enforces nothing", deployment(pod) + deployment2() + cnp("ingress: [{}]") + cilium, deployment(pod) + deployment2() + cnp("ingress: [{}]") + replace("debug: 'false'", "debug: 'false', enable-policy: never").Replace(cilium), []string{
			"changed ConfigMap ns/cilium-config: warning: opens: Deployment ns/other → Deployment ns/d TCP 80, anyone outside → Deployment ns/d TCP 80 @/data"}},
		{"a Cilium policy that is refused", "", "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: ns}}", []string{
			"added CiliumNetworkPolicy ns/p: info: not computed: Cilium refuses it, so its paths are not computed: it has no rule @",
			"added CiliumNetworkPolicy ns/p: warning: order: no definition of CiliumNetworkPolicy.cilium.io is in the bundle: it must be on the cluster before @/kind"}},
		{"Cilium's maps", cilium, replace("'1'", "'2'", "native", "tunnel").Replace(cilium), []string{
			"changed ConfigMap ns/cilium-config: warning: recreates: agents make the maps anew when they next start, and the connections in them drop: bpf-lb-map-max 1 → 2 @/data/bpf-lb-map-max",
			"changed ConfigMap ns/cilium-config: error: control plane: nodes that have it and nodes that don't may not reach each other's pods while agents restart: routing-mode native → tunnel @/data/routing-mode"}},
		{"a Service loses its pods", deployment(pod) + service, deployment(pod) + replace("app: d", "app: e").Replace(service), []string{
			"changed Service ns/s: error: cuts traffic: Service ns/s selects no workload of the bundle any more: nobody answers @/spec/selector"}},
		{"pods leave a Service", deployment(pod) + service, deployment(replace("app: d", "app: e").Replace(pod)) + service, []string{
			"changed Deployment ns/d: info: restarts: its pods are replaced, a few at a time @/spec/template/metadata/labels/app",
			"changed Deployment ns/d: error: cuts traffic: Service ns/s selects no workload of the bundle any more: nobody answers @/spec/template"}},
		{"a port's name goes", deployment(pod) + service, deployment(replace("name: http", "name: web").Replace(pod)) + service, []string{
			"changed Deployment ns/d: info: restarts: its pods are replaced, a few at a time @/spec/template/spec/containers/0/ports/0",
			"changed Deployment ns/d: error: cuts traffic: no workload behind Service ns/s has a port called http: nobody answers @/spec/template"}},
		{"a port goes", deployment(pod) + service, deployment(pod) + replace("port: 80,", "port: 81,").Replace(service), []string{
			"changed Service ns/s: warning: cuts traffic: port 80 goes: whoever calls it gets no answer @/spec/ports"}},
		{"a budget selects nothing", deployment(pod) + budget, deployment(pod) + replace("app: d", "app: e").Replace(budget), []string{
			"changed PodDisruptionBudget ns/b: warning: cuts traffic: PodDisruptionBudget ns/b selects nothing of the bundle any more @/spec/selector"}},
		{"a budget blocks", deployment(replace("{template", "{replicas: 2, template").Replace(pod)) + budget, deployment(replace("{template", "{replicas: 1, template").Replace(pod)) + budget, []string{
			"changed Deployment ns/d: warning: scales: 2 → 1 pods @/spec/replicas",
			"changed Deployment ns/d: error: blocks drains: PodDisruptionBudget ns/b: minAvailable 1 of 1 pods: no node that runs one of them can be drained @/spec/replicas"}},
		{"a budget that blocks comes", stateful, stateful + replace("minAvailable: 1", "maxUnavailable: 0%").Replace(budget), []string{
			"added PodDisruptionBudget ns/b: error: blocks drains: maxUnavailable 0% of 3 pods: no node that runs one of them can be drained @/spec"}},
		{"a quorum and its budget at once", stateful + budget, replace("labels: {app: d}", "labels: {app: d, a: b}").Replace(stateful) + replace("minAvailable: 1", "minAvailable: 2").Replace(budget), []string{
			"changed StatefulSet ns/d: info: restarts: its pods are replaced one after the other @/spec/template/metadata/labels/a",
			"changed PodDisruptionBudget ns/b: warning: blocks drains: StatefulSet ns/d changes at the same time: what guards it differs while its pods are replaced @/spec"}},
		{"read once", deployment(pod) + config, deployment(pod) + replace("a: b", "a: c").Replace(config), []string{
			"changed ConfigMap ns/c: info: not taken up: Deployment d has it in its environment, and keeps the old until it is restarted @/data/a"}},
		{"read by what restarts", deployment(pod) + config, deployment(replace("name: a", "name: b").Replace(pod)) + replace("a: b", "a: c").Replace(config), []string{
			"changed Deployment ns/d: info: restarts: its pods are replaced, a few at a time @/spec/template/spec/containers/0", "changed ConfigMap ns/c"}},
		{"not filled in", config, replace("a: b", "a: CHANGEME").Replace(config), []string{"changed ConfigMap ns/c: warning: placeholder: CHANGEME waits to be filled in @/data/a"}},
		{"weights", "", "{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {name: v, namespace: ns}, spec: {http: [{route: [{weight: 10}, {weight: 80}]}]}}", []string{
			"added VirtualService ns/v: error: cuts traffic: the weights of its routes make 90, not 100 @/spec/http/0/route",
			"added VirtualService ns/v: warning: order: no definition of VirtualService.networking.istio.io is in the bundle: it must be on the cluster before @/kind"}},
		{"mutual TLS", "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: v}, spec: {mtls: {mode: STRICT}}}", "{apiVersion: security.istio.io/v1, kind: PeerAuthentication, metadata: {name: v}, spec: {mtls: {mode: PERMISSIVE}}}", []string{
			"changed PeerAuthentication v: warning: weakens: connections without mutual TLS are taken from now on @/spec/mtls/mode"}},
	}
}

// cnp is a policy of Cilium for the pods of deployment.
func cnp(rules string) string {
	return "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: p, namespace: ns}, spec: {endpointSelector: {matchLabels: {app: d}}, " + rules + "}}\n"
}

func deployment2() string {
	return "{apiVersion: apps/v1, kind: Deployment, metadata: {name: other, namespace: ns}, spec: {template: {metadata: {labels: {app: other}}, spec: {containers: [{name: a}]}}}}\n"
}
