package reach_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/change/reach"
)

const workloads = `
- {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {team: shop}}}
- {apiVersion: v1, kind: Namespace, metadata: {name: other}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
  spec: {template: {metadata: {labels: {app: web}}, spec: {containers: [{name: a, ports: [{name: http, containerPort: 8080}, {containerPort: 9090}]}]}}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: db, namespace: shop}
  spec: {template: {metadata: {labels: {app: db}}, spec: {containers: [{name: a, ports: [{containerPort: 5432}]}]}}}
- apiVersion: batch/v1
  kind: CronJob
  metadata: {name: job, namespace: other}
  spec: {jobTemplate: {spec: {template: {metadata: {labels: {app: job}}, spec: {containers: [{name: a}]}}}}}
`

func world(t testing.TB, closed bool, policies string) *reach.World {
	t.Helper()
	var list, more []map[string]any
	if err := yaml.Unmarshal([]byte(workloads), &list); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal([]byte(policies), &more); err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, o := range append(list, more...) {
		objects = append(objects, &unstructured.Unstructured{Object: o})
	}
	if closed {
		objects = append(objects, &unstructured.Unstructured{Object: map[string]any{"apiVersion": "v1", "kind": "ConfigMap",
			"metadata": map[string]any{"name": reach.Config, "namespace": "cilium"}, "data": map[string]any{"enable-policy": "always"}}})
	}
	return reach.Read(objects)
}

func policy(name, spec string) string {
	return fmt.Sprintf("- {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: %s, namespace: shop}, spec: %s}\n", name, spec)
}

func TestCompare(t *testing.T) {
	t.Parallel()
	deny := policy("deny", `{podSelector: {}, policyTypes: [Ingress]}`)
	dbDeny := policy("db", `{podSelector: {matchLabels: {app: db}}, policyTypes: [Ingress]}`)
	cases := []struct {
		name, before, after string
		closed              bool
		want                []string
	}{
		{"the same", deny, deny, false, nil},
		{"other words for the same", dbDeny, policy("db", `{podSelector: {matchExpressions: [{key: app, operator: In, values: [db]}]}, policyTypes: [Ingress], ingress: []}`), false, nil},
		{"closing", "", dbDeny, false, []string{"- CronJob other/job → Deployment shop/db TCP 5432 by db", "- Deployment shop/web → Deployment shop/db TCP 5432 by db", "- anyone outside → Deployment shop/db TCP 5432 by db"}},
		{"opening one pair", dbDeny, dbDeny + policy("allow", `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 5432}]}]}`), false, []string{"+ Deployment shop/web → Deployment shop/db TCP 5432 by allow"}},
		{"a named port", deny, deny + policy("allow", `{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: other}}}], ports: [{port: http}]}]}`), false, []string{"+ CronJob other/job → Deployment shop/web TCP 8080 by allow"}},
		{"a range", deny, deny + policy("allow", `{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}], ports: [{port: 9000, endPort: 9100}]}]}`), false, []string{"+ Deployment shop/db → Deployment shop/web TCP 9090 by allow"}},
		{"another protocol", deny, deny + policy("allow", `{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}`), false, nil},
		{"a selector of namespaces that none has", deny, deny + policy("allow", `{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {a: b}}}]}]}`), false, nil},
		{"egress", "", policy("out", `{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: db}}}]}]}`), false, []string{"- Deployment shop/web → CronJob other/job any port by out", "- Deployment shop/web → anyone outside any port by out"}},
		{"to addresses", policy("out", `{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress]}`), policy("out", `{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 10.1.0.0/16}}], ports: [{port: 443}]}]}`), false, []string{"+ Deployment shop/web → addresses 10.1.0.0/16 TCP 443 by out"}},
		{"nobody selected, all closed", "", policy("allow", `{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {matchLabels: {app: web}}}]}]}`) + policy("out", `{podSelector: {matchLabels: {app: web}}, policyTypes: [Egress], egress: [{}]}`), true,
			[]string{"+ Deployment shop/web → Deployment shop/db TCP 5432 by allow,out", "+ Deployment shop/web → anyone outside any port by out"}},
		{"nonsense admits nobody", "", policy("bad", `{podSelector: 3, policyTypes: a, ingress: [4, {from: [5], ports: [6, {port: [7]}]}], egress: {a: b}}`), false, []string{
			"- CronJob other/job → Deployment shop/db TCP 5432 by bad", "- CronJob other/job → Deployment shop/web TCP 8080 by bad", "- CronJob other/job → Deployment shop/web TCP 9090 by bad",
			"- Deployment shop/db → Deployment shop/web TCP 8080 by bad", "- Deployment shop/db → Deployment shop/web TCP 9090 by bad", "- Deployment shop/web → Deployment shop/db TCP 5432 by bad",
			"- anyone outside → Deployment shop/db TCP 5432 by bad", "- anyone outside → Deployment shop/web TCP 8080 by bad", "- anyone outside → Deployment shop/web TCP 9090 by bad"}},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, told(world(t, c.closed, c.before), world(t, c.closed, c.after))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// told is what is said of a change, a line a path.
func told(before, after *reach.World) []string {
	var out []string
	for _, p := range reach.Compare(before, after) {
		sign, by := "-", ""
		switch {
		case p.Limit != "":
			sign = "~ " + p.Limit + ":"
		case p.Opened:
			sign = "+"
		}
		for i, o := range p.Cause {
			if i > 0 {
				by += ","
			}
			by += o.Name
		}
		out = append(out, fmt.Sprintf("%s %s → %s %s by %s", sign, p.From, p.To, p.Port, by))
	}
	return out
}
