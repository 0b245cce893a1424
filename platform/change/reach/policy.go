package reach

import (
	"cmp"
	"encoding/json"
	"net/netip"
	"slices"
	"strconv"

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

// policy is a NetworkPolicy, or one rule of Cilium's kinds.
type policy struct {
	object    finding.Object
	pods      labels.Selector
	endpoints selection // of Cilium's kinds, instead of pods
	cilium    bool
	ways      [2]bool
	rules     [2][]rule
	denials   [2][]rule
	// requires are what every pod must have that a rule for pods lets through, and
	// bars that every pod must have which one denies: of any policy beside it.
	requires, bars [2]selection
	mark           string
}

type rule struct {
	peers  []peer // none lets everybody through
	ports  []port // none means every port
	blind  bool   // it lets nobody through: it says peers, and none that can be read
	limits []limit
	at     string // its JSON pointer
}

type peer struct {
	pods, namespaces labels.Selector // nil where not said
	endpoints        selection       // of Cilium's kinds, nil where not said
	entity           string
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
	for way, names := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
		for i, r := range inside.List(o.Object, "spec", names[0]) {
			p.rules[way] = append(p.rules[way], readRule(r, names[1], "/spec/"+names[0]+"/"+strconv.Itoa(i)))
		}
	}
	return p
}

func readRule(v any, side, at string) rule {
	_, ok := v.(map[string]any)
	r := rule{blind: !ok, at: at}
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
	switch {
	case !of.isPod():
		return false
	case p.cilium:
		return p.endpoints.matches(of.identity)
	}
	return of.object.Namespace == p.object.Namespace && p.pods.Matches(labels.Set(of.labels))
}

// all are the rules that let through, and those that deny.
func (p *policy) all() []rule {
	return slices.Concat(p.rules[ingress], p.rules[egress], p.denials[ingress], p.denials[egress])
}

func (p peer) matches(w *World, of *policy, other *pod) bool {
	switch {
	case p.endpoints != nil:
		return p.endpoints.matches(other.identity)
	case p.entity != "":
		return p.isEntity(other)
	case other.outside != nil:
		return p.holds(other.outside)
	case other.entity != "" || p.block.IsValid() || p.pods == nil && p.namespaces == nil:
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
