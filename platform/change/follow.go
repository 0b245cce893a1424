package change

import (
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change/crd"
	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/change/reach"
	"dualtrack.internal/platform/change/rights"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// follow adds what follows of the differences for what stands around them.
func (s *sides) follow(c *Cluster) {
	f := &follower{sides: s, cluster: c, at: map[finding.Object]int{}, touched: map[string]bool{}, old: newNeighbours(s.before), new: newNeighbours(s.after)}
	for i, o := range c.Objects {
		f.touched[o.Object.Namespace] = true
		for _, side := range []*render.Object{o.before, o.after} {
			if side != nil {
				f.at[identityOf(*side)] = i
			}
		}
	}
	f.deaths()
	f.numbers()
	f.paths()
	f.access()
	f.traffic()
	f.drains()
	f.readers()
	f.kinds()
}

type follower struct {
	*sides
	cluster  *Cluster
	at       map[finding.Object]int // by identity, in cluster.Objects
	old, new *neighbours
	touched  map[string]bool // namespaces in which something differs
}

// add notes a consequence of an object's change; false when the object is not one
// that changed.
func (f *follower) add(identity finding.Object, q Consequence) bool {
	i, changed := f.at[identity]
	if !changed {
		return false
	}
	o := &f.cluster.Objects[i]
	if !slices.ContainsFunc(o.Consequences, func(other Consequence) bool {
		return other.Effect == q.Effect && other.Why == q.Why && other.Pointer == q.Pointer
	}) {
		o.Consequences = append(o.Consequences, q)
	}
	return true
}

// changedObject is the entry of an object, nil when it does not differ.
func (f *follower) changedObject(identity finding.Object) *Object {
	if i, ok := f.at[identity]; ok {
		return &f.cluster.Objects[i]
	}
	return nil
}

// decidesPaths says that a path may be open or closed for an object's change. Of pods
// that come or go no path is said to open or close.
func decidesPaths(o Object) bool {
	switch {
	case strings.HasSuffix(o.Object.Kind, "NetworkPolicy") || o.Object.Kind == "Namespace" || o.Object.Name == reach.Config:
		return true
	case o.before == nil || o.after == nil || templateOf(o.after) == nil:
		return false
	}
	return slices.ContainsFunc(o.Fields, func(f Field) bool {
		return strings.Contains(f.Path, "abels") || strings.Contains(f.Path, "ports") || strings.Contains(f.Path, "hostNetwork") || strings.Contains(f.Path, "serviceAccountName") ||
			strings.HasSuffix(f.Path, "emplate") || strings.HasSuffix(f.Path, "spec") || strings.HasSuffix(f.Path, "metadata") || strings.HasSuffix(f.Path, "ontainers") || strings.HasSuffix(f.Path, "]")
	})
}

// narrowed says in what a definition takes less.
func narrowed(before, after *render.Object) []Consequence {
	if groupKind(after) != crdKind {
		return nil
	}
	var out []Consequence
	for _, n := range crd.Compare(before.Object, after.Object) {
		q := Consequence{Effect: Narrows, Level: finding.Error, Why: n.Why, Pointer: n.Pointer, Facts: map[string]any{"kind": n.Kind}}
		if n.Kind == crd.Storage && n.Pointer == "/spec/versions" {
			q.Effect = Refused
		}
		out = append(out, q)
	}
	return out
}

const crdKind = "apiextensions.k8s.io/CustomResourceDefinition"

// paths are the ways between pods that policies open and close.
func (f *follower) paths() {
	if !slices.ContainsFunc(f.cluster.Objects, decidesPaths) {
		return
	}
	before, after := reach.Read(plainObjects(f.before)), reach.Read(plainObjects(f.after))
	type key struct {
		cause  reach.Cause
		opened bool
		limit  string
	}
	pairs := map[key][]string{}
	limited := map[finding.Object]bool{}
	var order []key
	for _, p := range reach.Compare(before, after) {
		for _, cause := range p.Cause {
			cause.APIVersion = cause.Group() // as identities are
			k := key{cause, p.Opened, p.Limit}
			if pairs[k] == nil {
				order = append(order, k)
			}
			limited[cause.Object] = limited[cause.Object] || p.Limit != ""
			pairs[k] = append(pairs[k], fmt.Sprintf("%s → %s %s", p.From, p.To, p.Port))
		}
	}
	for _, k := range order {
		f.add(k.cause.Object, f.path(k.cause, k.opened, k.limit, pairs[k]))
	}
	for _, u := range reach.Unknowns(before, after) {
		u.Object.APIVersion = u.Object.Group()
		if !u.Limits || !limited[u.Object] {
			f.unknown(u)
		}
	}
}

// unknown says what is not computed of a policy: where that is as it was, of the
// workloads that it is about now, or no longer. Of those that come or go nothing is
// said.
func (f *follower) unknown(u reach.Unknown) {
	q := Consequence{Effect: NotComputed, Level: finding.Info, Why: u.Why, Pointer: u.Pointer}
	if u.Gone {
		q.Why, q.Pointer = "no longer: "+u.Why, ""
	}
	if f.add(u.Object, q) {
		return
	}
	q.Why, q.Pointer = u.Object.String()+": "+q.Why, "/spec/template/metadata/labels"
	for _, pod := range u.Pods {
		pod.APIVersion = pod.Group()
		if o := f.changedObject(pod); o != nil && o.before != nil && o.after != nil && decidesPaths(*o) {
			f.add(pod, q)
		}
	}
}

// path is what an object's change does to paths.
func (f *follower) path(cause reach.Cause, opened bool, limit string, pairs []string) Consequence {
	q := Consequence{Effect: Closes, Level: finding.Warning, Why: list(pairs), Pointer: "/metadata/labels", Facts: map[string]any{"paths": len(pairs)}}
	switch {
	case limit != "":
		q.Effect, q.Level, q.Why = NotComputed, finding.Info, fmt.Sprintf("open as far as %s let it, which is not computed: %s", limit, q.Why)
	case opened:
		q.Effect = Opens
	}
	switch o := f.changedObject(cause.Object); {
	case cause.Pointer != "":
		q.Pointer = cause.Pointer
	case strings.HasSuffix(cause.Kind, "NetworkPolicy"):
		q.Pointer = "/spec"
		if o != nil && o.after != nil && inside.At(o.after.Object, "spec") == nil {
			q.Pointer = "/specs"
		}
	case cause.Kind == "ConfigMap":
		q.Pointer = "/data"
	case cause.Kind != "Namespace":
		q.Pointer = "/spec/template/metadata/labels"
	}
	return q
}

func plainObjects(objects []render.Object) []*unstructured.Unstructured {
	out := make([]*unstructured.Unstructured, 0, len(objects))
	for _, o := range objects {
		out = append(out, o.Unstructured)
	}
	return out
}

// access is who may do more.
func (f *follower) access() {
	if !slices.ContainsFunc(f.cluster.Objects, func(o Object) bool { return o.Object.Group() == "rbac.authorization.k8s.io" }) {
		return
	}
	for _, g := range rights.Compare(plainObjects(f.before), plainObjects(f.after)) {
		where := "in every namespace"
		if g.Where != "" {
			where = "in namespace " + g.Where
		}
		q := Consequence{Effect: Widens, Level: finding.Warning, Why: fmt.Sprintf("%s may %s %s", g.Subject, g.What, where), Pointer: g.Pointer,
			Facts: map[string]any{"sensitive": g.Sensitive, "subject": g.Subject}}
		g.Cause.APIVersion = g.Cause.Group()
		f.add(g.Cause, q)
	}
}

// deaths say what goes with a namespace, and with a kind's definition.
func (f *follower) deaths() {
	for i := range f.cluster.Objects {
		o := &f.cluster.Objects[i]
		if o.after != nil || o.before == nil {
			continue
		}
		var dies []string
		switch groupKind(o.before) {
		case "/Namespace":
			for _, other := range f.before {
				if other.GetNamespace() == o.before.GetName() {
					dies = append(dies, called(other.GetKind(), other.GetName()))
				}
			}
		case crdKind:
			group, kind := inside.Text(o.before.Object, "spec", "group"), inside.Text(o.before.Object, "spec", "names", "kind")
			for _, other := range f.before {
				if other.Ref().Group() == group && other.GetKind() == kind {
					dies = append(dies, other.Ref().String())
				}
			}
		}
		for j := range o.Consequences {
			if q := &o.Consequences[j]; q.Effect == LosesData && len(dies) > 0 {
				q.Why += ": " + list(dies)
				q.Facts["dies"] = len(dies)
			}
		}
	}
}

// kinds say which objects are left without the definition of their kind.
func (f *follower) kinds() {
	type kind struct{ group, kind string }
	defined := func(objects []render.Object) map[kind]*render.Object {
		out := map[kind]*render.Object{}
		for i := range objects {
			if o := &objects[i]; groupKind(o) == crdKind {
				out[kind{inside.Text(o.Object, "spec", "group"), inside.Text(o.Object, "spec", "names", "kind")}] = o
			}
		}
		return out
	}
	was, now := defined(f.before), defined(f.after)
	known := map[kind]bool{}
	for _, o := range f.before {
		known[kind{o.Ref().Group(), o.GetKind()}] = true
	}
	for _, o := range f.after {
		k := kind{o.Ref().Group(), o.GetKind()}
		switch {
		case now[k] != nil || builtIn(k.group):
		case was[k] != nil:
			f.add(identityOf(*was[k]), Consequence{Effect: Order, Level: finding.Error,
				Why: fmt.Sprintf("%s is still in the bundle, and can't be applied without it", o.Ref())})
		case !known[k]:
			f.add(identityOf(o), Consequence{Effect: Order, Level: finding.Warning, Pointer: "/kind",
				Why: fmt.Sprintf("no definition of %s.%s is in the bundle: it must be on the cluster before", k.kind, k.group)})
		}
	}
}

// builtIn says that Kubernetes serves the group itself. The groups of Gateway API
// and of snapshots end like its own, and are not.
func builtIn(group string) bool {
	if !strings.Contains(group, ".") {
		return true
	}
	return slices.Contains([]string{"admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io",
		"authorization.k8s.io", "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "flowcontrol.apiserver.k8s.io",
		"internal.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io", "scheduling.k8s.io",
		"storage.k8s.io"}, group)
}
