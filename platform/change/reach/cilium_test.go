package reach_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/change/reach"
)

// cnp is a policy of the namespace shop.
func cnp(name, spec string) string {
	return fmt.Sprintf("- {apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: %s, namespace: shop}, spec: %s}\n", name, spec)
}

// wide is a cluster-wide policy.
func wide(name, spec string) string {
	return fmt.Sprintf("- {apiVersion: cilium.io/v2, kind: CiliumClusterwideNetworkPolicy, metadata: {name: %s}, spec: %s}\n", name, spec)
}

func db(rest string) string {
	return cnp("db", "{endpointSelector: {matchLabels: {app: db}}, "+rest+"}")
}

func web(rest string) string {
	return cnp("web", "{endpointSelector: {matchLabels: {app: web}}, "+rest+"}")
}

// Short names of paths, to write and read the tables.
const (
	job     = "CronJob other/job → Deployment shop/db TCP 5432"
	webDB   = "Deployment shop/web → Deployment shop/db TCP 5432"
	world80 = "anyone outside → Deployment shop/db TCP 5432"
)

// TestIngress lets in to the database, which is closed before: each says who
// reaches it afterwards.
func TestIngress(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, rest string
		want       []string
	}{
		{"an empty rule closes", `ingress: [{}]`, nil},
		{"an empty list says nothing", `ingress: []`, []string{job, webDB, world80}},
		{"no list says nothing", `egressDeny: []`, []string{job, webDB, world80}},
		{"an empty selector is for the namespace", `ingress: [{fromEndpoints: [{}]}]`, []string{webDB}},
		{"an empty list of selectors is for nobody", `ingress: [{fromEndpoints: []}]`, nil},
		{"beside ports it is for everybody", `ingress: [{fromEndpoints: [], toPorts: [{ports: [{port: "5432"}]}]}]`, []string{job, webDB, world80}},
		{"ports alone are for everybody", `ingress: [{toPorts: [{ports: [{port: "5432", protocol: TCP}]}]}]`, []string{job, webDB, world80}},
		{"an entry without ports is for none", `ingress: [{toPorts: [{}]}]`, nil},
		{"another protocol", `ingress: [{toPorts: [{ports: [{port: "5432", protocol: UDP}]}]}]`, nil},
		{"port 0 is all of the protocol", `ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: "0", protocol: TCP}]}]}]`, []string{webDB}},
		{"one of two ports", `ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: "1"}]}, {ports: [{port: "5432"}]}]}]`, []string{webDB}},
		{"no range of ports", `ingress: [{fromEndpoints: [{}], toPorts: [{ports: [{port: "5000", endPort: 6000}]}]}]`, nil},
		{"a label of any source", `ingress: [{fromEndpoints: [{matchLabels: {app: web}}]}]`, []string{webDB}},
		{"a label of Kubernetes", `ingress: [{fromEndpoints: [{matchLabels: {"k8s:app": web}}]}]`, []string{webDB}},
		{"a label of another source", `ingress: [{fromEndpoints: [{matchLabels: {"container:app": web}}]}]`, nil},
		{"another namespace", `ingress: [{fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": other}}]}]`, []string{job}},
		{"another namespace of any source", `ingress: [{fromEndpoints: [{matchLabels: {io.kubernetes.pod.namespace: other, app: job}}]}]`, []string{job}},
		{"all namespaces", `ingress: [{fromEndpoints: [{matchExpressions: [{key: "k8s:io.kubernetes.pod.namespace", operator: Exists}]}]}]`, []string{job, webDB}},
		{"a label of another namespace stays in its own", `ingress: [{fromEndpoints: [{matchLabels: {app: job}}]}]`, nil},
		{"labels of namespaces stay in its own", `ingress: [{fromEndpoints: [{matchLabels: {"k8s:io.cilium.k8s.namespace.labels.team": shop}}]}]`, []string{webDB}},
		{"labels of another namespace", `ingress: [{fromEndpoints: [{matchLabels: {"k8s:io.cilium.k8s.namespace.labels.kubernetes.io/metadata.name": other}}]}]`, nil},
		{"a service account", `ingress: [{fromEndpoints: [{matchLabels: {"k8s:io.cilium.k8s.policy.serviceaccount": default}}]}]`, []string{webDB}},
		{"not in", `ingress: [{fromEndpoints: [{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}]}]`, nil},
		{"does not exist", `ingress: [{fromEndpoints: [{matchExpressions: [{key: tier, operator: DoesNotExist}]}]}]`, []string{webDB}},
		{"all", `ingress: [{fromEntities: [all]}]`, []string{job, webDB, world80}},
		{"world", `ingress: [{fromEntities: [world]}]`, []string{world80}},
		{"cluster", `ingress: [{fromEntities: [cluster]}]`, []string{job, webDB, "other nodes → Deployment shop/db TCP 5432", "the API server → Deployment shop/db TCP 5432"}},
		{"other nodes", `ingress: [{fromEntities: [remote-node]}]`, []string{"other nodes → Deployment shop/db TCP 5432"}},
		{"a pod's own node is let in as it is", `ingress: [{fromEntities: [host]}]`, nil},
		{"a reserved label", `ingress: [{fromEndpoints: [{matchLabels: {"reserved:kube-apiserver": ""}}]}]`, []string{"the API server → Deployment shop/db TCP 5432"}},
		{"none", `ingress: [{fromEntities: [none]}]`, nil},
		{"every address", `ingress: [{fromCIDR: [0.0.0.0/0]}]`, []string{world80}},
		{"a range", `ingress: [{fromCIDR: [10.0.0.0/8]}]`, []string{"addresses 10.0.0.0/8 → Deployment shop/db TCP 5432"}},
		{"one address", `ingress: [{fromCIDR: [10.1.1.1]}]`, []string{"addresses 10.1.1.1/32 → Deployment shop/db TCP 5432"}},
		{"a range but a part", `ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]}]`, []string{"addresses 10.0.0.0/8 but 10.1.0.0/16 → Deployment shop/db TCP 5432"}},
		{"a denial of a part", `ingress: [{fromCIDR: [10.0.0.0/8]}], ingressDeny: [{fromCIDR: [10.1.0.0/16]}]`, []string{"addresses 10.0.0.0/8 but 10.1.0.0/16 → Deployment shop/db TCP 5432"}},
		{"a denial alone closes", `ingressDeny: [{fromEntities: [world]}]`, nil},
		{"a denial goes before", `ingress: [{fromEntities: [all]}], ingressDeny: [{fromEndpoints: [{matchLabels: {app: web}}]}]`, []string{job, world80}},
		{"a denial of a port", `ingress: [{fromEntities: [all]}], ingressDeny: [{toPorts: [{ports: [{port: "5432"}]}]}]`, nil},
		{"a denial of another port", `ingress: [{fromEndpoints: [{}]}], ingressDeny: [{toPorts: [{ports: [{port: "80"}]}]}]`, []string{webDB}},
		{"an empty denial denies nobody", `ingress: [{fromEndpoints: [{}]}], ingressDeny: [{}]`, []string{webDB}},
		{"what all must have", `ingress: [{fromEndpoints: [{}]}, {fromRequires: [{matchLabels: {app: none}}]}]`, nil},
		{"what all must have, and have", `ingress: [{fromEndpoints: [{}], fromRequires: [{matchLabels: {app: web}}]}, {fromEntities: [world]}]`, []string{webDB, world80}},
		{"ICMP alone", `ingress: [{fromEntities: [all], icmps: [{fields: [{type: 8}]}]}]`, nil},
		{"DNS names let nobody in", `ingress: [{toFQDNs: [{matchName: a.b}]}]`, nil},
	}
	for _, c := range cases {
		var want []string
		for _, w := range c.want {
			want = append(want, "+ "+w+" by db")
		}
		got := told(world(t, false, db(`ingress: [{}]`)), world(t, false, db(c.rest)))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestEgress(t *testing.T) {
	t.Parallel()
	twin := `
- {apiVersion: v1, kind: Pod, metadata: {name: twin, namespace: other, labels: {app: twin}}, spec: {containers: [{name: a, ports: [{name: http, containerPort: 81}]}]}}
`
	cases := []struct {
		name, more, rest string
		want             []string
	}{
		{"to a pod", "", `egress: [{toEndpoints: [{matchLabels: {app: db}}]}]`, []string{"+ Deployment shop/web → Deployment shop/db TCP 5432 by web"}},
		{"to all pods of the cluster and the world", "", `egress: [{toEntities: [all]}]`, []string{
			"+ Deployment shop/web → CronJob other/job any port by web", "+ Deployment shop/web → Deployment shop/db TCP 5432 by web", "+ Deployment shop/web → anyone outside any port by web"}},
		{"to the API server", "", `egress: [{toEntities: [kube-apiserver], toPorts: [{ports: [{port: "6443", protocol: TCP}]}]}]`, []string{"+ Deployment shop/web → the API server TCP 6443 by web"}},
		{"to a port of any protocol outside", "", `egress: [{toEntities: [world], toPorts: [{ports: [{port: "53"}]}]}]`, []string{
			"+ Deployment shop/web → anyone outside SCTP 53 by web", "+ Deployment shop/web → anyone outside TCP 53 by web", "+ Deployment shop/web → anyone outside UDP 53 by web"}},
		{"to all but a denied port", "", `egress: [{toCIDR: [0.0.0.0/0]}], egressDeny: [{toPorts: [{ports: [{port: "25", protocol: TCP}]}]}]`, []string{"+ Deployment shop/web → anyone outside any port but TCP 25 by web"}},
		{"to a port's name", "", `egress: [{toEndpoints: [{}, {matchLabels: {io.kubernetes.pod.namespace: other}}], toPorts: [{ports: [{port: HTTP, protocol: TCP}]}]}]`, []string{
			"+ Deployment shop/web → CronJob other/job TCP 8080 by web"}},
		{"to a name that pods disagree about", twin, `egress: [{toEndpoints: [{}, {matchLabels: {io.kubernetes.pod.namespace: other}}], toPorts: [{ports: [{port: http, protocol: TCP}]}]}]`, nil},
		{"to DNS names", "", `egress: [{toFQDNs: [{matchName: pay.example.com}]}]`, nil},
		{"to a Service", "", `egress: [{toServices: [{k8sService: {serviceName: a, namespace: b}}]}]`, nil},
		{"to a cloud's groups", "", `egress: [{toGroups: [{aws: {}}]}]`, nil},
		{"to groups of ranges", "", `egress: [{toCIDRSet: [{cidrGroupRef: a}]}]`, nil},
	}
	for _, c := range cases {
		got := told(world(t, false, c.more+web(`egress: [{}]`)), world(t, false, c.more+web(c.rest)))
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestTogether(t *testing.T) {
	t.Parallel()
	config := func(data string) string {
		return "- {apiVersion: v1, kind: ConfigMap, metadata: {name: cilium-config, namespace: cilium}, data: " + data + "}\n"
	}
	deny := policy("deny", `{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}`)
	let := `ingress: [{fromEndpoints: [{matchLabels: {app: web}}]}]`
	http := func(method string) string {
		return `ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: "5432", protocol: TCP}], rules: {http: [{method: ` + method + `}]}}]}]`
	}
	cases := []struct {
		name, before, after string
		want                []string
	}{
		{"Cilium's lets in where Kubernetes' denies", deny, deny + db(let), []string{"+ " + webDB + " by db"}},
		{"what Kubernetes' lets in stays", policy("let", `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}]}`), policy("let", `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}]}`) + db(`ingress: [{}]`), nil},
		{"a denial of Cilium's goes before Kubernetes'", policy("let", `{podSelector: {matchLabels: {app: db}}, ingress: [{}]}`), policy("let", `{podSelector: {matchLabels: {app: db}}, ingress: [{}]}`) + db(`ingressDeny: [{fromEntities: [world]}]`), []string{"- " + world80 + " by db"}},
		{"a cluster-wide one finds pods alone", wide("w", `{endpointSelector: {}, ingress: [{}]}`), wide("w", `{endpointSelector: {matchLabels: {app: db}}, ingress: [{fromEndpoints: [{}]}]}`) + cnp("rest", `{endpointSelector: {}, ingress: [{}]}`), []string{
			"+ " + job + " by w,rest", "+ Deployment shop/db → CronJob other/job any port by w", "+ Deployment shop/web → CronJob other/job any port by w", "+ " + webDB + " by w,rest", "+ anyone outside → CronJob other/job any port by w"}},
		{"a namespace in its own selector is its own", db(`ingress: [{}]`), cnp("db", `{endpointSelector: {matchLabels: {app: db, "k8s:io.kubernetes.pod.namespace": other}}, ingress: [{}]}`), nil},
		{"labels that Cilium leaves out", db(`ingress: [{}]`), db(`ingress: [{}]`) + cnp("hash", `{endpointSelector: {matchLabels: {pod-template-hash: a}}, ingress: [{fromEntities: [all]}]}`), nil},
		{"two rules of one policy", db(let), "- {apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: db, namespace: shop}, specs: [{endpointSelector: {matchLabels: {app: db}}, ingress: [{}]}, {endpointSelector: {matchLabels: {app: db}}, " + let + "}]}\n", nil},
		{"a rule of HTTP", db(`ingress: [{}]`), db(http("GET")), []string{"~ HTTP rules: " + webDB + " by db"}},
		{"a rule of HTTP on what was open", db(let), db(http("GET")), []string{"~ HTTP rules: " + webDB + " by db"}},
		{"another rule of HTTP", db(http("GET")), db(http("PUT")), []string{"~ HTTP rules: " + webDB + " by db"}},
		{"no rule of HTTP any more", db(http("GET")), db(let), []string{"+ " + webDB + " by db"}},
		{"a path of HTTP is closed", db(http("GET")), db(`ingress: [{}]`), []string{"- " + webDB + " by db"}},
		{"a rule without HTTP beside it", db(let), db(let) + cnp("h", `{endpointSelector: {matchLabels: {app: db}}, `+http("GET")+"}"), nil},
		{"authentication", db(let), db(let) + cnp("h", `{endpointSelector: {matchLabels: {app: db}}, ingress: [{fromEndpoints: [{}], authentication: {mode: required}}]}`), []string{"~ authentication: " + webDB + " by h"}},
		{"no authentication", db(let), db(`ingress: [{fromEndpoints: [{matchLabels: {app: web}}], authentication: {mode: disabled}}]`), nil},
		{"server names", db(let), db(`ingress: [{fromEndpoints: [{matchLabels: {app: web}}], toPorts: [{ports: [{port: "5432", protocol: TCP}], serverNames: [a.b]}]}]`), []string{"~ TLS server names: " + webDB + " by db"}},
		{"nothing is enforced", config(`{enable-policy: never}`), config(`{enable-policy: never}`) + db(`ingress: [{}]`), nil},
		{"enforced no longer", config(`{}`) + db(`ingress: [{}]`), config(`{enable-policy: never}`) + db(`ingress: [{}]`), []string{"+ " + job + " by cilium-config", "+ " + webDB + " by cilium-config", "+ " + world80 + " by cilium-config"}},
		{"a node needs leave", config(`{}`) + db(`ingress: [{fromEntities: [host]}]`), config(`{}`) + db(`ingress: [{}]`), nil},
		{"a node needs leave where it is told so", config(`{allow-localhost: policy}`) + db(`ingress: [{fromEntities: [host]}]`), config(`{allow-localhost: policy}`) + db(`ingress: [{}]`), []string{"- the pod's own node → Deployment shop/db TCP 5432 by db"}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, told(world(t, false, c.before), world(t, false, c.after))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestSame writes one policy in other words: nothing opens, closes or is unknown.
func TestSame(t *testing.T) {
	t.Parallel()
	one := db(`ingress: [{fromEndpoints: [{matchLabels: {app: web}}, {matchLabels: {"k8s:io.kubernetes.pod.namespace": other}}], toPorts: [{ports: [{port: "5432", protocol: TCP}, {port: "80", protocol: TCP}], rules: {http: [{method: GET, path: /}, {method: PUT}]}}]}, {fromCIDR: [10.0.0.0/8, 192.168.0.0/16]}], egress: [{toFQDNs: [{matchName: a.b}, {matchName: c.d}]}, {}]`)
	cases := []struct{ name, other string }{
		{"itself", one},
		{"rules and lists in another order", db(`egress: [{}, {toFQDNs: [{matchName: c.d}, {matchName: a.b}]}], ingress: [{fromCIDR: [192.168.0.0/16, 10.0.0.0/8]}, {toPorts: [{rules: {http: [{method: PUT}, {path: /, method: GET}]}, ports: [{port: "80", protocol: TCP}, {port: "5432", protocol: TCP}]}], fromEndpoints: [{matchLabels: {"k8s:io.kubernetes.pod.namespace": other}}, {matchLabels: {app: web}}]}]`)},
		{"expressions for labels", strings.Replace(strings.Replace(one, "matchLabels: {app: web}", `matchExpressions: [{key: "any:app", operator: In, values: [web]}]`, 1), "matchLabels: {app: db}", `matchExpressions: [{key: "k8s:app", operator: In, values: [db]}]`, 1)},
		{"a set of ranges", strings.Replace(one, "fromCIDR: [10.0.0.0/8, 192.168.0.0/16]", "fromCIDRSet: [{cidr: 10.0.0.0/8}, {cidr: 192.168.0.0/16}]", 1)},
	}
	for _, c := range cases {
		before, after := world(t, false, one), world(t, false, c.other)
		if got := told(before, after); len(got) > 0 {
			t.Errorf("%s: %q", c.name, got)
		}
		if got := reach.Unknowns(before, after); len(got) > 0 {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestUnknowns(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, before, after string
		want                []string
	}{
		{"DNS names", "", web(`egress: [{}, {toFQDNs: [{matchPattern: "*.b"}, {matchName: a.b}]}]`), []string{"web /spec/egress/1/toFQDNs Deployment shop/web may reach addresses of DNS names (*.b, a.b): not computed"}},
		{"no longer DNS names", web(`egress: [{toFQDNs: [{matchName: a.b}]}]`), web(`egress: [{}]`), []string{"gone: web /spec/egress/0/toFQDNs Deployment shop/web may reach addresses of DNS names (a.b): not computed"}},
		{"other pods", web(`egress: [{toFQDNs: [{matchName: a.b}]}]`), cnp("web", `{endpointSelector: {}, egress: [{toFQDNs: [{matchName: a.b}]}]}`), []string{
			"web /spec/egress/0/toFQDNs Deployment shop/db, Deployment shop/web may reach addresses of DNS names (a.b): not computed", "gone: web /spec/egress/0/toFQDNs Deployment shop/web may reach addresses of DNS names (a.b): not computed"}},
		{"Services", "", web(`egress: [{toServices: [{k8sService: {serviceName: a, namespace: b}}]}]`), []string{"web /spec/egress/0/toServices Deployment shop/web may reach addresses behind Services (b/a): not computed"}},
		{"groups", "", web(`egress: [{toGroups: [{aws: {}}]}, {toCIDRSet: [{cidrGroupRef: a}]}]`), []string{
			"web /spec/egress/0/toGroups Deployment shop/web may reach addresses of a cloud's groups: not computed", "web /spec/egress/1/toCIDRSet Deployment shop/web may reach addresses of groups of ranges (a): not computed"}},
		{"ICMP", "", web(`ingress: [{icmps: [{fields: [{type: 8}]}]}]`), []string{"web /spec/ingress/0/icmps Deployment shop/web may be reached by ICMP: not computed"}},
		{"nodes", "", wide("nodes", `{nodeSelector: {}, ingress: [{fromEntities: [all]}]}`), []string{"nodes /spec/nodeSelector no pod of the bundle is in question, but the nodes themselves: not computed"}},
		{"DNS rules", "", cnp("none", `{endpointSelector: {matchLabels: {app: none}}, egress: [{toPorts: [{ports: [{port: "53", protocol: ANY}], rules: {dns: [{matchPattern: "*"}]}}]}]}`), []string{"none /spec/egress/0/toPorts/0 no pod of the bundle may reach others as far as DNS rules let it: not computed"}},
		{"no rule", "", "- {apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: a, namespace: shop}}\n", []string{"a  Cilium refuses it, so its paths are not computed: it has no rule"}},
		{"no selector", "", cnp("a", `{ingress: [{}]}`), []string{"a /spec Cilium refuses it, so its paths are not computed: it has neither endpointSelector nor nodeSelector"}},
		{"two selectors", "", wide("a", `{endpointSelector: {}, nodeSelector: {}}`), []string{"a /spec Cilium refuses it, so its paths are not computed: it has both endpointSelector and nodeSelector"}},
		{"nodes of a namespace", "", cnp("a", `{nodeSelector: {}}`), []string{"a /spec Cilium refuses it, so its paths are not computed: only a cluster-wide policy has a nodeSelector"}},
		{"a bad expression", "", db(`ingress: [{fromEndpoints: [{matchExpressions: [{key: a, operator: In}]}]}]`), []string{`db /spec Cilium refuses it, so its paths are not computed: ingress/0: fromEndpoints 0: "In" with 0 values is no expression`}},
		{"two sorts of peers", "", db(`ingress: [{fromEndpoints: [{}], fromEntities: [all]}]`), []string{"db /spec Cilium refuses it, so its paths are not computed: ingress/0: fromEndpoints and fromEntities stand in one rule"}},
		{"an unknown entity", "", db(`ingress: [{fromEntities: [hots]}]`), []string{`db /spec Cilium refuses it, so its paths are not computed: ingress/0: fromEntities 0: there is no entity "hots"`}},
		{"an exception outside", "", db(`ingress: [{fromCIDRSet: [{cidr: 10.0.0.0/8, except: [11.0.0.0/8]}]}]`), []string{`db /spec Cilium refuses it, so its paths are not computed: ingress/0: fromCIDRSet 0: 10.0.0.0/8 does not hold its exception "11.0.0.0/8"`}},
		{"a port too high", "", db(`ingress: [{toPorts: [{ports: [{port: "80800"}]}]}]`), []string{`db /spec Cilium refuses it, so its paths are not computed: ingress/0: toPorts 0: "80800" is no port`}},
		{"HTTP over UDP", "", db(`ingress: [{toPorts: [{ports: [{port: "80", protocol: UDP}], rules: {http: [{}]}}]}]`), []string{`db /spec Cilium refuses it, so its paths are not computed: ingress/0: toPorts 0: HTTP rules are for TCP alone`}},
		{"ICMP beside ports", "", db(`ingress: [{icmps: [{}], toPorts: [{ports: [{port: "80"}]}]}]`), []string{"db /spec Cilium refuses it, so its paths are not computed: ingress/0: icmps stand beside toPorts"}},
		{"Services beside ports", "", web(`egress: [{toServices: [{}], toPorts: [{ports: [{port: "80"}]}]}]`), []string{"web /spec Cilium refuses it, so its paths are not computed: egress/0: toServices stand beside toPorts"}},
	}
	for _, c := range cases {
		var got []string
		for _, u := range reach.Unknowns(world(t, false, c.before), world(t, false, c.after)) {
			gone := ""
			if u.Gone {
				gone = "gone: "
			}
			got = append(got, gone+u.Object.Name+" "+u.Pointer+" "+u.Why)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// TestPointers: a cause names the rule that lets through or denies now.
func TestPointers(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, before, after, want string }{
		{"a rule lets through", db(`ingress: [{}]`), db(`ingress: [{}, {fromEndpoints: [{}]}]`), "db /spec/ingress/1"},
		{"a rule denies", db(`ingress: [{fromEndpoints: [{}]}]`), db(`ingress: [{fromEndpoints: [{}]}], ingressDeny: [{fromEntities: [none]}, {fromEndpoints: [{}]}]`), "db /spec/ingressDeny/1"},
		{"no rule lets through", db(`ingress: [{fromEndpoints: [{}]}]`), db(`ingress: [{}]`), "db "},
		{"one of two", db(`ingress: [{}]`), "- {apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: db, namespace: shop}, specs: [{endpointSelector: {}, egress: []}, {endpointSelector: {matchLabels: {app: db}}, ingress: [{fromEndpoints: [{}]}]}]}\n", "db /specs/1/ingress/0"},
		{"one of Kubernetes'", policy("db", `{podSelector: {matchLabels: {app: db}}}`), policy("db", `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}]}`), "db /spec/ingress/0"},
		{"it went", db(`ingress: [{}]`), "", "db "},
	}
	for _, c := range cases {
		for _, p := range reach.Compare(world(t, false, c.before), world(t, false, c.after)) {
			if len(p.Cause) != 1 || p.Cause[0].Name+" "+p.Cause[0].Pointer != c.want {
				t.Errorf("%s: %+v, want %s", c.name, p.Cause, c.want)
			}
		}
	}
}

// BenchmarkCompare closes 100 workloads that 100 policies select.
func BenchmarkCompare(b *testing.B) {
	var objects strings.Builder
	for i := range 100 {
		fmt.Fprintf(&objects, "- {apiVersion: v1, kind: Pod, metadata: {name: p%d, namespace: shop, labels: {app: a%d}}, spec: {containers: [{ports: [{containerPort: 80}]}]}}\n", i, i)
		objects.WriteString(cnp(fmt.Sprintf("n%d", i), fmt.Sprintf(`{endpointSelector: {matchLabels: {app: a%d}}, ingress: [{fromEndpoints: [{matchLabels: {app: a%d}}], toPorts: [{ports: [{port: "80", protocol: TCP}]}]}]}`, i, i+1)))
	}
	before := world(b, false, objects.String())
	after := world(b, false, objects.String()+wide("all", `{endpointSelector: {}, ingressDeny: [{fromEntities: [cluster]}], egress: [{toEntities: [all]}]}`))
	for b.Loop() {
		if got := reach.Compare(before, after); len(got) < 99 {
			b.Fatalf("%d paths", len(got))
		}
	}
}
