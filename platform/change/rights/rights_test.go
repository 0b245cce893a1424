package rights_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/change/rights"
)

func objects(t *testing.T, text string) []*unstructured.Unstructured {
	t.Helper()
	var list []map[string]any
	if err := yaml.Unmarshal([]byte(text), &list); err != nil {
		t.Fatal(err)
	}
	var out []*unstructured.Unstructured
	for _, o := range list {
		if o["apiVersion"] == nil {
			o["apiVersion"] = "rbac.authorization.k8s.io/v1"
		}
		out = append(out, &unstructured.Unstructured{Object: o})
	}
	return out
}

const (
	bound   = "- {kind: RoleBinding, metadata: {name: b, namespace: shop}, roleRef: {kind: Role, name: r}, subjects: [{kind: ServiceAccount, name: web, namespace: shop}]}\n"
	cluster = "- {kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {kind: ClusterRole, name: r}, subjects: [{kind: Group, name: people}]}\n"
)

func role(rules string) string {
	return "- {kind: Role, metadata: {name: r, namespace: shop}, rules: " + rules + "}\n"
}

func clusterRole(name, labels, rules string) string {
	return "- {kind: ClusterRole, metadata: {name: " + name + ", labels: " + labels + "}, rules: " + rules + "}\n"
}

func TestCompare(t *testing.T) {
	t.Parallel()
	const read = `[{apiGroups: [""], resources: [pods], verbs: [get]}]`
	const more = `[{apiGroups: [""], resources: [pods], verbs: [get, list]}]`
	cases := []struct {
		name, before, after string
		want                []string
	}{
		{"the same", bound + role(read), bound + role(read), nil},
		{"another order", bound + role(`[{apiGroups: [""], resources: [pods, services], verbs: [list, get]}]`), bound + role(`[{apiGroups: [""], resources: [services], verbs: [get, list]}, {apiGroups: [""], resources: [pods], verbs: [list, get]}]`), nil},
		{"a verb", bound + role(read), bound + role(more), []string{"ServiceAccount shop/web in shop: list pods by Role r /rules/0"}},
		{"a verb less", bound + role(more), bound + role(read), nil},
		{"nobody holds it", role(read), role(more), nil},
		{"a subject", bound + role(read), bound + "- {kind: RoleBinding, metadata: {name: c, namespace: shop}, roleRef: {kind: Role, name: r}, subjects: [{kind: User, name: a}]}\n" + role(read), []string{"User a in shop: get pods by RoleBinding c /subjects"}},
		{"held everywhere", cluster + clusterRole("r", "{}", read), cluster + clusterRole("r", "{}", read) + "- {kind: RoleBinding, metadata: {name: c, namespace: shop}, roleRef: {kind: ClusterRole, name: r}, subjects: [{kind: Group, name: people}]}\n", nil},
		{"everywhere", cluster + clusterRole("r", "{}", read), cluster + clusterRole("r", "{}", `[{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]`), []string{"Group people everywhere: * *.* by ClusterRole r /rules/0 (sensitive)"}},
		{"a role of the cluster", "", "- {kind: ClusterRoleBinding, metadata: {name: b}, roleRef: {kind: ClusterRole, name: cluster-admin}, subjects: [{kind: Group, name: people}]}\n", []string{"Group people everywhere: do everything that ClusterRole cluster-admin may by ClusterRoleBinding b /roleRef (sensitive)"}},
		{"secrets", bound + role(read), bound + role(`[{apiGroups: [""], resources: [pods], verbs: [get]}, {apiGroups: [""], resources: [secrets], resourceNames: [a], verbs: [get]}]`), []string{"ServiceAccount shop/web in shop: get secrets a by Role r /rules/1 (sensitive)"}},
		{"aggregation", cluster + "- {kind: ClusterRole, metadata: {name: r}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: r}}]}}\n", cluster + "- {kind: ClusterRole, metadata: {name: r}, aggregationRule: {clusterRoleSelectors: [{matchLabels: {to: r}}]}}\n" + clusterRole("part", "{to: r}", read), []string{"Group people everywhere: get pods by ClusterRole part /rules/0"}},
		{"aggregation to what every cluster has", clusterRole("part", "{}", read), clusterRole("part", `{rbac.authorization.k8s.io/aggregate-to-view: "true"}`, read), []string{"everybody who holds ClusterRole view everywhere: get pods by ClusterRole part /rules/0"}},
		{"a URL", cluster + clusterRole("r", "{}", "[]"), cluster + clusterRole("r", "{}", `[{nonResourceURLs: [/metrics], verbs: [get]}]`), []string{"Group people everywhere: get URL /metrics by ClusterRole r /rules/0"}},
		{"nonsense", bound + role(`a`), "- {kind: RoleBinding, metadata: {name: b, namespace: shop}, roleRef: [3], subjects: [4, {kind: 5}]}\n" + role(`[3, {verbs: b}]`), nil},
	}
	for _, c := range cases {
		var got []string
		for _, g := range rights.Compare(objects(t, c.before), objects(t, c.after)) {
			where, more := "everywhere", ""
			if g.Where != "" {
				where = "in " + g.Where
			}
			if g.Sensitive {
				more = " (sensitive)"
			}
			got = append(got, fmt.Sprintf("%s %s: %s by %s %s %s%s", g.Subject, where, g.What, g.Cause.Kind, g.Cause.Name, g.Pointer, more))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
