package change

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// traffic says where nobody answers any more.
func (f *follower) traffic() {
	for _, now := range f.new.services {
		if was := f.was[identityOf(*now)]; was != nil && f.touched[now.GetNamespace()] {
			f.served(was, now)
		}
	}
	for _, now := range f.new.selecting {
		if was := f.was[identityOf(*now)]; was != nil && f.touched[now.GetNamespace()] {
			f.unselected(was, now)
		}
	}
	for i := range f.cluster.Objects {
		if o := &f.cluster.Objects[i]; o.after != nil && o.Object.Kind == "VirtualService" && o.Object.Group() == "networking.istio.io" {
			o.Consequences = append(o.Consequences, weights(o.after)...)
		}
	}
}

// served compares what answers for a Service.
func (f *follower) served(was, now *render.Object) {
	before := f.old.matched(was.GetNamespace(), setSelector(inside.At(was.Object, "spec", "selector")))
	after := f.new.matched(now.GetNamespace(), setSelector(inside.At(now.Object, "spec", "selector")))
	if len(before) > 0 && len(after) == 0 && len(inside.Map(now.Object, "spec", "selector")) > 0 {
		f.cut(now, before, "/spec/selector", fmt.Sprintf("%s selects no workload of the bundle any more", now.Ref()))
		return
	}
	left := map[string]bool{}
	for i, p := range inside.List(now.Object, "spec", "ports") {
		left[fmt.Sprint(inside.At(p, "port"))] = true
		name := inside.Text(p, "targetPort")
		if name == "" || len(after) == 0 || offers(after, name) {
			continue
		}
		if offers(before, name) || !targets(was, name) {
			f.cut(now, before, pointer("spec", "ports", i, "targetPort"), fmt.Sprintf("no workload behind %s has a port called %s", now.Ref(), name))
		}
	}
	for _, p := range inside.List(was.Object, "spec", "ports") {
		if n := fmt.Sprint(inside.At(p, "port")); !left[n] {
			f.add(identityOf(*now), Consequence{Effect: Cuts, Level: finding.Warning, Pointer: "/spec/ports", Why: fmt.Sprintf("port %s goes: whoever calls it gets no answer", n)})
		}
	}
}

// cut attributes a cut to the Service if it changed, else to the workloads that
// answered.
func (f *follower) cut(service *render.Object, answered []*workload, pointer, why string) {
	q := Consequence{Effect: Cuts, Level: finding.Error, Why: why + ": nobody answers", Pointer: pointer}
	if f.add(identityOf(*service), q) {
		return
	}
	q.Pointer = "/spec/template"
	for _, w := range answered {
		f.add(identityOf(*w.Object), q)
	}
}

func targets(service *render.Object, name string) bool {
	for _, p := range inside.List(service.Object, "spec", "ports") {
		if inside.Text(p, "targetPort") == name {
			return true
		}
	}
	return false
}

// offers says that one of the workloads has a port of that name.
func offers(list []*workload, name string) bool {
	for _, w := range list {
		for _, containers := range []string{"containers", "initContainers"} {
			for _, c := range inside.List(w.template, "spec", containers) {
				for _, p := range inside.List(c, "ports") {
					if inside.Text(p, "name") == name {
						return true
					}
				}
			}
		}
	}
	return false
}

// unselected compares what a budget, a policy or a monitor selects.
func (f *follower) unselected(was, now *render.Object) {
	field := "selector"
	if now.GetKind() == "NetworkPolicy" {
		field = "podSelector"
	}
	s, t := labelSelector(inside.At(was.Object, "spec", field)), labelSelector(inside.At(now.Object, "spec", field))
	if s == nil || t == nil || t.Empty() {
		return
	}
	before, after := f.old.selected(was, s), f.new.selected(now, t)
	if len(before) == 0 || len(after) > 0 {
		return
	}
	q := Consequence{Effect: Cuts, Level: finding.Warning, Pointer: pointer("spec", field), Why: fmt.Sprintf("%s selects nothing of the bundle any more", now.Ref())}
	if f.add(identityOf(*now), q) {
		return
	}
	for _, o := range before {
		q.Pointer = "/metadata/labels"
		if templateOf(o) != nil && o.GetKind() != "Pod" {
			q.Pointer = "/spec/template/metadata/labels"
		}
		if stays := f.now[identityOf(*o)]; stays != nil { // what is gone has no use of it
			f.add(identityOf(*o), q)
		}
	}
}

// selected are the objects that a budget, policy or monitor is about.
func (n *neighbours) selected(o *render.Object, s labels.Selector) []*render.Object {
	var out []*render.Object
	if o.GetKind() == "ServiceMonitor" {
		for _, service := range n.named[o.GetNamespace()] {
			if s.Matches(labels.Set(service.GetLabels())) {
				out = append(out, service)
			}
		}
		return out
	}
	for _, w := range n.matched(o.GetNamespace(), s) {
		out = append(out, w.Object)
	}
	return out
}

// weights are shares of traffic that do not make a whole.
func weights(o *render.Object) []Consequence {
	var out []Consequence
	for i, http := range inside.List(o.Object, "spec", "http") {
		sum, said := 0, false
		routes := inside.List(http, "route")
		for _, r := range routes {
			if n, ok := inside.Number(inside.At(r, "weight")); ok {
				sum, said = sum+n, true
			}
		}
		if said && len(routes) > 1 && sum != 100 {
			out = append(out, Consequence{Effect: Cuts, Level: finding.Error, Pointer: pointer("spec", "http", i, "route"),
				Why: fmt.Sprintf("the weights of its routes make %d, not 100", sum)})
		}
	}
	return out
}
