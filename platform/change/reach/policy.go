package reach

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
)

type direction int

const (
	ingress direction = iota
	egress
)

// policy is a NetworkPolicy.
type policy struct {
	object finding.Object
	pods   labels.Selector
	ways   [2]bool
	rules  [2][]rule
	mark   string
}

type rule struct {
	peers []peer // none lets everybody through
	ports []port // none means every port
	blind bool   // it says peers, and none that can be read
}

type peer struct {
	pods, namespaces labels.Selector // nil where not said
	block            netip.Prefix
	except           []netip.Prefix
}

func readPolicy(o *unstructured.Unstructured) *policy {
	p := &policy{object: ref(o), pods: selector(inside.At(o.Object, "spec", "podSelector"))}
	if p.pods == nil {
		p.pods = labels.Everything()
	}
	if data, err := json.Marshal(inside.At(o.Object, "spec")); err == nil {
		p.mark = string(data)
	}
	types := inside.List(o.Object, "spec", "policyTypes")
	p.ways[ingress] = len(types) == 0 || slices.Contains(types, any("Ingress"))
	p.ways[egress] = slices.Contains(types, any("Egress")) || len(types) == 0 && len(inside.List(o.Object, "spec", "egress")) > 0
	for _, r := range inside.List(o.Object, "spec", "ingress") {
		p.rules[ingress] = append(p.rules[ingress], readRule(r, "from"))
	}
	for _, r := range inside.List(o.Object, "spec", "egress") {
		p.rules[egress] = append(p.rules[egress], readRule(r, "to"))
	}
	return p
}

func readRule(v any, side string) rule {
	_, ok := v.(map[string]any)
	r := rule{blind: !ok}
	for _, each := range inside.List(v, side) {
		m, ok := each.(map[string]any)
		if !ok {
			r.blind = true
			continue
		}
		p := peer{pods: selector(m["podSelector"]), namespaces: selector(m["namespaceSelector"]), block: block(inside.Text(m, "ipBlock", "cidr"))}
		for _, e := range inside.List(m, "ipBlock", "except") {
			if s, ok := e.(string); ok {
				p.except = append(p.except, block(s))
			}
		}
		r.peers = append(r.peers, p)
	}
	for _, each := range inside.List(v, "ports") {
		p := port{protocol: cmp.Or(inside.Text(each, "protocol"), "TCP"), name: inside.Text(each, "port")}
		if n, ok := inside.Number(inside.At(each, "port")); ok {
			p.from, p.to = n, n
		}
		if n, ok := inside.Number(inside.At(each, "endPort")); ok && n > p.from {
			p.to = n
		}
		r.ports = append(r.ports, p)
	}
	return r
}

// selector reads a label selector; nil for what is none, or nothing.
func selector(v any) labels.Selector {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	var s metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(m, &s) != nil {
		return labels.Nothing()
	}
	out, err := metav1.LabelSelectorAsSelector(&s)
	if err != nil {
		return labels.Nothing()
	}
	return out
}

func (p *policy) selects(of *pod) bool {
	return of.object.Namespace == p.object.Namespace && of.cidr == "" && !of.anyone && p.pods.Matches(labels.Set(of.labels))
}

// admits says whether a workload takes, or may open, a connection by its policies.
// Peers outside have none.
func (w *World) admits(way direction, of, peer *pod, p port) bool {
	if of.cidr != "" || of.anyone {
		return true
	}
	isolated := w.closed
	for _, q := range w.policies {
		if !q.ways[way] || !q.selects(of) {
			continue
		}
		isolated = true
		for _, r := range q.rules[way] {
			if r.admits(w, q, peer, p) {
				return true
			}
		}
	}
	return !isolated
}

func (r rule) admits(w *World, of *policy, peer *pod, p port) bool {
	if len(r.ports) > 0 && !slices.ContainsFunc(r.ports, func(allowed port) bool { return allowed.covers(p) }) {
		return false
	}
	if len(r.peers) == 0 {
		return !r.blind
	}
	for _, q := range r.peers {
		if q.matches(w, of, peer) {
			return true
		}
	}
	return false
}

func (p port) covers(other port) bool {
	switch {
	case other.protocol == "" || p.protocol != other.protocol:
		return false
	case p.name != "":
		return p.name == other.name
	case p.from == 0:
		return true
	}
	return other.from != 0 && p.from <= other.from && other.to <= p.to
}

func (p peer) matches(w *World, of *policy, other *pod) bool {
	switch {
	case other.anyone:
		return p.block.IsValid() && p.block.Bits() == 0
	case other.cidr != "":
		return p.holds(block(other.cidr))
	case p.block.IsValid() || p.pods == nil && p.namespaces == nil:
		return false
	}
	if p.namespaces == nil && other.object.Namespace != of.object.Namespace {
		return false
	}
	if p.namespaces != nil && !p.namespaces.Matches(labels.Set(w.namespaces[other.object.Namespace])) {
		return false
	}
	return p.pods == nil || p.pods.Matches(labels.Set(other.labels))
}

// holds says that all of a range is let through.
func (p peer) holds(other netip.Prefix) bool {
	if !p.block.IsValid() || p.block.Bits() > other.Bits() || !p.block.Contains(other.Addr()) {
		return false
	}
	return !slices.ContainsFunc(p.except, func(e netip.Prefix) bool { return e.IsValid() && e.Overlaps(other) })
}
