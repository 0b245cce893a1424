// Package rights says who may do more after a change: the verbs on resources that
// Roles, ClusterRoles, aggregated ones too, and their bindings grant on the later
// side and did not on the earlier. It knows the objects of a bundle alone: a role
// that the cluster brings itself counts by its name.
package rights

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/component-helpers/auth/rbac/validation"

	"dualtrack.internal/platform/finding"
)

// Gain is what one subject may do from now on.
type Gain struct {
	Subject string // "ServiceAccount shop/web", "Group auditors"
	Where   string // a namespace, "" for everywhere
	What    string // "get, list secrets"; "do everything that ClusterRole admin may"
	// Cause is the object whose change grants it, and the place in it.
	Cause   finding.Object
	Pointer string
	// Sensitive says that who may do it can get at everything: secrets, roles, any
	// verb or any resource.
	Sensitive bool
}

// Compare gives what each subject gains.
func Compare(before, after []*unstructured.Unstructured) []Gain {
	was, now := read(before), read(after)
	changed := differ(was, now)
	if len(changed) == 0 {
		return nil
	}
	held := map[string][]rbacv1.PolicyRule{}
	named := map[string]bool{}
	for _, g := range was.grants() {
		held[g.subject+"\x00"+g.where] = append(held[g.subject+"\x00"+g.where], g.rules()...)
		named[g.subject+"\x00"+g.where+"\x00"+g.opaque] = true
	}
	var out []Gain
	for _, g := range now.grants() {
		if g.opaque != "" {
			if !named[g.subject+"\x00"+g.where+"\x00"+g.opaque] && !named[g.subject+"\x00\x00"+g.opaque] {
				out = append(out, Gain{Subject: g.subject, Where: g.where, What: "do everything that " + g.opaque + " may",
					Cause: g.binding.object, Pointer: "/roleRef", Sensitive: sensitiveRole(g.opaque)})
			}
			continue
		}
		has := slices.Concat(held[g.subject+"\x00"+g.where], held[g.subject+"\x00"])
		for _, r := range g.granted {
			ok, lacking := validation.Covers(has, []rbacv1.PolicyRule{r.rule})
			if ok {
				continue
			}
			cause, pointer := cause(changed, g, r)
			out = append(out, Gain{Subject: g.subject, Where: g.where, What: words(lacking), Cause: cause, Pointer: pointer,
				Sensitive: slices.ContainsFunc(lacking, sensitive)})
		}
	}
	slices.SortStableFunc(out, func(a, b Gain) int {
		return cmp.Or(strings.Compare(a.Subject, b.Subject), strings.Compare(a.Where, b.Where), strings.Compare(a.What, b.What))
	})
	return slices.Compact(out)
}

// cause is what of a grant changed: the rule's role, else the binding, else the
// role that collects others.
func cause(changed map[finding.Object]bool, g grant, r granted) (finding.Object, string) {
	switch {
	case changed[r.role.object] && (!changed[g.binding.object] || !g.binding.fresh):
		return r.role.object, fmt.Sprintf("/rules/%d", r.index)
	case changed[g.binding.object]:
		return g.binding.object, "/subjects"
	case g.role != nil && changed[g.role.object]:
		return g.role.object, "/aggregationRule"
	}
	return r.role.object, fmt.Sprintf("/rules/%d", r.index)
}

func sensitiveRole(name string) bool {
	return slices.Contains([]string{"ClusterRole cluster-admin", "ClusterRole admin", "ClusterRole edit"}, name)
}

// sensitive says that a rule leads to everything.
func sensitive(r rbacv1.PolicyRule) bool {
	all := slices.Contains(r.Verbs, "*") || slices.Contains(r.Resources, "*") || slices.Contains(r.APIGroups, "*") && len(r.Resources) > 0
	for _, v := range []string{"escalate", "bind", "impersonate"} {
		all = all || slices.Contains(r.Verbs, v)
	}
	for _, v := range []string{"secrets", "pods/exec", "pods/attach", "nodes/proxy", "serviceaccounts/token", "roles", "clusterroles", "rolebindings", "clusterrolebindings", "mutatingwebhookconfigurations", "validatingwebhookconfigurations"} {
		all = all || slices.Contains(r.Resources, v)
	}
	return all
}

// words are rules as a person says them.
func words(rules []rbacv1.PolicyRule) string {
	verbs := map[string][]string{}
	var order []string
	for _, r := range rules {
		for _, b := range validation.BreakdownRule(r) {
			what := target(b)
			if _, seen := verbs[what]; !seen {
				order = append(order, what)
			}
			if !slices.Contains(verbs[what], b.Verbs[0]) {
				verbs[what] = append(verbs[what], b.Verbs[0])
			}
		}
	}
	slices.Sort(order)
	var out []string
	for _, what := range order {
		out = append(out, strings.Join(verbs[what], ", ")+" "+what)
	}
	return strings.Join(out, "; ")
}

// target is what a rule broken down to one verb is about.
func target(r rbacv1.PolicyRule) string {
	if len(r.NonResourceURLs) > 0 {
		return "URL " + r.NonResourceURLs[0]
	}
	what := strings.Join(r.Resources, ",")
	if g := strings.Join(r.APIGroups, ","); g != "" {
		what += "." + g
	}
	if len(r.ResourceNames) > 0 {
		what += " " + strings.Join(r.ResourceNames, ",")
	}
	return what
}
