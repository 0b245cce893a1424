package policy

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestOddTypes writes a value of another type into the objects of the small
// clusters, one place at a time. A rule may say what it likes; none may fail, and
// facts must be gathered. A seeded sample of all places is judged.
func TestOddTypes(t *testing.T) {
	t.Parallel()
	e := compiled(t)
	odd := []any{nil, "odd", int64(5), true, []any{}, map[string]any{}, []any{"odd"}, []any{int64(5)}, []any{nil}, map[string]any{"a": int64(5)}}
	random := rand.New(rand.NewPCG(1, 2))
	judged := 0
	for _, c := range append(groupCases(), groupCase{name: "others", docs: others}) {
		docs := strings.Split(c.docs, "\n---\n")
		for i := range testInput(t, docs...).Objects {
			for _, path := range places(testInput(t, docs...).Objects[i].Object, nil) {
				if random.IntN(oddSample) != 0 {
					continue
				}
				for _, value := range odd {
					in := testInput(t, docs...)
					in.Production = true
					put(in.Objects[i].Object, path, value)
					judged++
					r, err := e.Judge(context.WithoutCancel(t.Context()), in)
					if err != nil {
						t.Fatalf("%s: %v at %s: %v", c.name, value, strings.Join(path, "/"), err)
					}
					for _, f := range r.Findings {
						if f.Rule == "policy" && f.Class == "" {
							text, _ := json.Marshal(value)
							t.Errorf("%s: %s at %s of %s: %s", c.name, text, strings.Join(path, "/"), f.Object, f.Message)
						}
					}
				}
			}
		}
	}
	t.Logf("%d judged", judged)
}

// oddSample is how many places there are for each that is tried.
const oddSample = 30

// places are the paths of everything below an object but its kind.
func places(node any, at []string) [][]string {
	var out [][]string
	step := func(key string, inner any) {
		path := append(slices.Clone(at), key)
		if len(path) > 1 || (key != "kind" && key != "apiVersion" && key != "metadata") {
			out = append(out, path)
		}
		out = append(out, places(inner, path)...)
	}
	switch n := node.(type) {
	case map[string]any:
		for key, inner := range n {
			step(key, inner)
		}
	case []any:
		for i, inner := range n {
			step(strconv.Itoa(i), inner)
		}
	}
	slices.SortFunc(out, func(a, b []string) int { return strings.Compare(strings.Join(a, "\x00"), strings.Join(b, "\x00")) })
	return out
}

// put writes a value at a path.
func put(node any, path []string, value any) {
	for i, key := range path {
		last := i == len(path)-1
		switch n := node.(type) {
		case map[string]any:
			if last {
				n[key] = value
			}
			node = n[key]
		case []any:
			at, err := strconv.Atoi(key)
			if err != nil {
				return
			}
			if last {
				n[at] = value
			}
			node = n[at]
		}
	}
}

// others are objects of kinds that the small clusters lack.
const others = `
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio.io/rev: a}, annotations: {kustomize.toolkit.fluxcd.io/prune: "false"}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: wide, labels: {into: sum}}
rules: [{verbs: ["*"], apiGroups: [""], resources: ["*", "pods/*"], resourceNames: [a]}, {verbs: [create], apiGroups: [""], resources: [pods/exec]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sum}
aggregationRule: {clusterRoleSelectors: [{matchLabels: {into: sum}}]}
rules: [{verbs: [get], apiGroups: [""], resources: [secrets]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: b, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sum}
subjects: [{kind: Group, name: "system:serviceaccounts:shop"}, {kind: ServiceAccount, name: default, namespace: shop}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: wide, namespace: shop}
spec:
  podSelector: {matchExpressions: [{key: app, operator: In, values: [web]}]}
  ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}, {namespaceSelector: {}}], ports: [{port: 80}]}]
  egress: [{}]
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: c, namespace: shop}
specs:
- endpointSelector: {matchExpressions: [{key: "k8s:app", operator: In, values: [web]}]}
  enableDefaultDeny: {egress: false}
  ingress: [{fromEntities: [world], fromCIDRSet: [{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}]}]
  egress: [{toFQDNs: [{matchPattern: "*"}], toCIDR: [0.0.0.0/0]}, {toEndpoints: [{matchLabels: {"k8s:app": x}}], toPorts: [{ports: [{port: "53"}], rules: {dns: [{matchPattern: "*"}]}}]}]
---
apiVersion: v1
kind: Service
metadata: {name: out, namespace: shop, annotations: {a: b}}
spec: {type: LoadBalancer, loadBalancerSourceRanges: [0.0.0.0/0], externalName: localhost, selector: {app: web}}
---
apiVersion: networking.istio.io/v1
kind: EnvoyFilter
metadata: {name: f, namespace: istio-system}
spec: {workloadSelector: {labels: {app: web}}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: v, namespace: shop}
spec: {hosts: ["*"]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: g, namespace: shop}
spec: {servers: [{hosts: ["*"]}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: d, namespace: shop}
spec: {host: web, subsets: [{name: a, trafficPolicy: {portLevelSettings: [{port: {number: 80}, tls: {mode: SIMPLE}}]}}]}
---
apiVersion: argoproj.io/v1alpha1
kind: AppProject
metadata: {name: p, namespace: argocd}
spec: {sourceRepos: ["*"], destinations: [{server: "*", namespace: "*"}], clusterResourceWhitelist: [{group: "*", kind: "*"}], signatureKeys: [{keyID: a}]}
---
apiVersion: argoproj.io/v1alpha1
kind: ApplicationSet
metadata: {name: s, namespace: argocd}
spec:
  generators: [{matrix: {generators: [{git: {revision: main}}]}}, {git: {revision: HEAD}}]
  template: {spec: {project: "{{.a}}", sources: [{repoURL: "http://a", targetRevision: main}], syncPolicy: {automated: {}, syncOptions: [Force=true]}, ignoreDifferences: [{jsonPointers: [/spec], managedFieldsManagers: [kubectl]}]}}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: GitRepository
metadata: {name: g, namespace: shop, annotations: {platform.dualtrack.internal/suspended-since: "2026-01-01T00:00:00Z"}}
spec: {url: "http://a", ref: {branch: main}, suspend: true, verify: {mode: HEAD, secretRef: {name: a}}}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: r, namespace: shop}
spec: {resources: [{kind: GitRepository, name: g, namespace: other}]}
---
apiVersion: batch/v1
kind: Job
metadata: {name: hook, namespace: shop, annotations: {argocd.argoproj.io/hook: PostSync, helm.sh/hook: post-install, argocd.argoproj.io/sync-options: "Replace=true"}}
spec: {template: {metadata: {labels: {sidecar.istio.io/inject: "false"}, annotations: {a: b}}, spec: {containers: [{name: a, image: provectuslabs/kafka-ui, args: [x.shop.svc], env: [{name: AUTH_TYPE, value: DISABLED}]}]}}}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaUser
metadata: {name: u, namespace: shop}
spec: {authorization: {acls: [{resource: {type: topic, name: "*"}, operations: [All, Read], operation: Read}]}}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaBridge
metadata: {name: b, namespace: shop}
spec: {authentication: {type: tls}}
---
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata: {name: k, namespace: shop}
spec: {cruiseControl: {config: {a: b}}, zookeeper: {storage: {type: ephemeral}}, kafka: {replicas: 3, rack: {topologyKey: a}, authorization: {superUsers: ["*"]}, storage: {type: jbod, volumes: [{class: a}]}, config: {delete.topic.enable: "false"}}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: falco, namespace: shop}
data: {rules.yaml: "- rule: A\n  enabled: false\n- macro: b\n  condition: never_true\n", crd.yaml: "apiVersion: x.example/v1\nkind: A\nhost: a.shop.svc\n"}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: a.x.example}
spec: {group: x.example, names: {kind: A}, versions: [{name: v1, served: true, deprecated: true, schema: {openAPIV3Schema: {properties: {spec: {x-kubernetes-preserve-unknown-fields: true}}}}}]}
`
