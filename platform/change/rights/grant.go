package rights

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"dualtrack.internal/platform/finding"
)

// books are the roles and bindings of one side.
type books struct {
	roles    map[string]*role // "Role shop/web", "ClusterRole web"
	order    []string
	bindings []*binding
	marks    map[finding.Object]string
}

type role struct {
	object    finding.Object
	labels    labels.Set
	rules     []rbacv1.PolicyRule
	selectors []metav1.LabelSelector
}

type binding struct {
	object   finding.Object
	subjects []string
	role     string
	fresh    bool // the other side does not have it
}

// granted is one rule and the role that says it.
type granted struct {
	rule  rbacv1.PolicyRule
	role  *role
	index int
}

// grant is what one binding gives one subject.
type grant struct {
	subject, where string
	binding        *binding
	role           *role
	granted        []granted
	opaque         string // a role that the bundle does not hold
}

func (g grant) rules() []rbacv1.PolicyRule {
	var out []rbacv1.PolicyRule
	for _, r := range g.granted {
		out = append(out, r.rule)
	}
	return out
}

func read(objects []*unstructured.Unstructured) *books {
	b := &books{roles: map[string]*role{}, marks: map[finding.Object]string{}}
	for _, o := range objects {
		if !strings.HasPrefix(o.GetAPIVersion(), rbacv1.GroupName+"/") {
			continue
		}
		switch o.GetKind() {
		case "Role", "ClusterRole":
			b.role(o)
		case "RoleBinding", "ClusterRoleBinding":
			b.binding(o)
		}
	}
	return b
}

func ref(o *unstructured.Unstructured) finding.Object { // whatever version it is written in
	return finding.Object{APIVersion: rbacv1.GroupName + "/", Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

func (b *books) role(o *unstructured.Unstructured) {
	r := &role{object: ref(o), labels: o.GetLabels()}
	list, _ := o.Object["rules"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		var rule rbacv1.PolicyRule
		if runtime.DefaultUnstructuredConverter.FromUnstructured(m, &rule) != nil {
			rule = rbacv1.PolicyRule{} // the schema refuses it
		}
		r.rules = append(r.rules, rule)
	}
	if m, ok := o.Object["aggregationRule"].(map[string]any); ok {
		var rule rbacv1.AggregationRule
		if runtime.DefaultUnstructuredConverter.FromUnstructured(m, &rule) == nil {
			r.selectors = rule.ClusterRoleSelectors
		}
	}
	name := r.object.String()
	b.roles[name] = r
	b.order = append(b.order, name)
	b.mark(r.object, o.GetLabels(), o.Object["rules"], o.Object["aggregationRule"])
}

func (b *books) binding(o *unstructured.Unstructured) {
	ref := ref(o)
	n := &binding{object: ref}
	roleRef, _ := o.Object["roleRef"].(map[string]any)
	kind, _ := roleRef["kind"].(string)
	name, _ := roleRef["name"].(string)
	n.role = finding.Object{Kind: kind, Name: name}.String()
	if kind == "Role" {
		n.role = finding.Object{Kind: kind, Namespace: ref.Namespace, Name: name}.String()
	}
	list, _ := o.Object["subjects"].([]any)
	for _, v := range list {
		m, _ := v.(map[string]any)
		kind, _ := m["kind"].(string)
		namespace, _ := m["namespace"].(string)
		name, _ := m["name"].(string)
		if kind != "" && name != "" {
			n.subjects = append(n.subjects, finding.Object{Kind: kind, Namespace: namespace, Name: name}.String())
		}
	}
	b.bindings = append(b.bindings, n)
	b.mark(ref, roleRef, list)
}

func (b *books) mark(o finding.Object, parts ...any) {
	data, err := json.Marshal(parts)
	if err != nil {
		data = fmt.Append(nil, parts...)
	}
	b.marks[o] = string(data)
}

// differ are the objects that are not the same on both sides.
func differ(was, now *books) map[finding.Object]bool {
	out := map[finding.Object]bool{}
	for o, mark := range now.marks {
		if was.marks[o] != mark {
			out[o] = true
		}
	}
	for o := range was.marks {
		if _, stays := now.marks[o]; !stays {
			out[o] = true
		}
	}
	for _, b := range now.bindings {
		_, there := was.marks[b.object]
		b.fresh = !there
	}
	return out
}

// grants are what every subject is given, subject by subject. Roles that come with
// every cluster are given rules by aggregation, to everybody who holds them.
func (b *books) grants() []grant {
	var out []grant
	for _, n := range b.bindings {
		where := ""
		if n.object.Kind == "RoleBinding" {
			where = n.object.Namespace
		}
		r := b.roles[n.role]
		for _, subject := range n.subjects {
			g := grant{subject: subject, where: where, binding: n, role: r}
			if r == nil {
				g.opaque = n.role
			} else {
				g.granted = b.collected(r)
			}
			out = append(out, g)
		}
	}
	for _, of := range []string{"admin", "edit", "view"} {
		if b.roles["ClusterRole "+of] != nil {
			continue
		}
		g := grant{subject: "everybody who holds ClusterRole " + of, binding: &binding{}}
		selector := labels.Set{"rbac.authorization.k8s.io/aggregate-to-" + of: "true"}.AsSelector()
		for _, name := range b.order {
			if r := b.roles[name]; r.object.Kind == "ClusterRole" && selector.Matches(r.labels) {
				g.granted = append(g.granted, r.own()...)
			}
		}
		out = append(out, g)
	}
	return out
}

func (r *role) own() []granted {
	var out []granted
	for i, rule := range r.rules {
		out = append(out, granted{rule, r, i})
	}
	return out
}

// collected are a role's rules: of an aggregated one, those of the roles that it
// selects, which are written in its place.
func (b *books) collected(r *role) []granted {
	if len(r.selectors) == 0 {
		return r.own()
	}
	var out []granted
	for _, name := range b.order {
		other := b.roles[name]
		if other.object.Kind != "ClusterRole" || other == r {
			continue
		}
		if slices.ContainsFunc(r.selectors, func(s metav1.LabelSelector) bool {
			selector, err := metav1.LabelSelectorAsSelector(&s)
			return err == nil && selector.Matches(other.labels)
		}) {
			out = append(out, other.own()...)
		}
	}
	return out
}
