package reach

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change/inside"
)

// IsCilium says that an object is a policy of Cilium's own kinds.
func IsCilium(o *unstructured.Unstructured) bool {
	return group(o) == "cilium.io" && (o.GetKind() == "CiliumNetworkPolicy" || o.GetKind() == "CiliumClusterwideNetworkPolicy")
}

// readCilium takes the rules of a policy in. One that Cilium refuses has none, and is
// not known.
func (w *World) readCilium(o *unstructured.Unstructured) {
	specs := map[string]any{}
	var order []string
	if spec := inside.At(o.Object, "spec"); spec != nil {
		specs["/spec"], order = spec, []string{"/spec"}
	}
	for i, spec := range inside.List(o.Object, "specs") {
		at := "/specs/" + strconv.Itoa(i)
		specs[at], order = spec, append(order, at)
	}
	mark, _ := json.Marshal([]any{inside.At(o.Object, "spec"), inside.At(o.Object, "specs")}) //nolint:errchkjson // read from JSON or YAML
	var policies []*policy
	var unknown []Unknown
	refuse := func(pointer string, err error) {
		w.unknown = append(w.unknown, Unknown{Object: ref(o), Pointer: pointer, Why: "Cilium refuses it, so its paths are not computed: " + err.Error()})
		w.policies = append(w.policies, &policy{object: ref(o), mark: string(mark), cilium: true, endpoints: nobody()})
	}
	if len(order) == 0 {
		refuse("", errors.New("it has no rule"))
		return
	}
	for _, at := range order {
		r := &reader{world: w, pointer: at, namespace: o.GetNamespace(), wide: o.GetKind() == "CiliumClusterwideNetworkPolicy",
			policy: &policy{object: ref(o), mark: string(mark), cilium: true}}
		if err := r.read(specs[at]); err != nil {
			refuse(at, err)
			return
		}
		policies, unknown = append(policies, r.policy), append(unknown, r.unknown...)
	}
	w.policies, w.unknown = append(w.policies, policies...), append(w.unknown, unknown...)
}

// nobody selects no pod.
func nobody() selection { return selection{{key: reservedLabel + "none", operator: "Exists"}} }

// reader reads one rule of Cilium's: what it lists of both directions for the pods
// that one selector finds.
type reader struct {
	world     *World
	policy    *policy
	pointer   string
	namespace string
	wide      bool
	init      bool // its pods have no namespace yet
	unknown   []Unknown
}

func (r *reader) read(spec any) error {
	endpoints, nodes := inside.At(spec, "endpointSelector"), inside.At(spec, "nodeSelector")
	switch {
	case endpoints == nil && nodes == nil:
		return errors.New("it has neither endpointSelector nor nodeSelector")
	case endpoints != nil && nodes != nil:
		return errors.New("it has both endpointSelector and nodeSelector")
	case nodes != nil && !r.wide:
		return errors.New("only a cluster-wide policy has a nodeSelector")
	case nodes != nil:
		r.policy.endpoints = nobody()
		r.say("nodeSelector", spec, "is in question, but the nodes themselves")
		return nil
	}
	var err error
	if r.policy.endpoints, err = readSelection(endpoints); err != nil {
		return fmt.Errorf("endpointSelector: %w", err)
	}
	r.init = r.policy.endpoints.has(reservedLabel + "init")
	if !r.wide { // whatever namespace it says itself
		own := slices.DeleteFunc(r.policy.endpoints, func(n need) bool { return n.plain && n.key == podNamespace })
		r.policy.endpoints = append(own, need{podNamespace, "In", []string{r.namespace}, true})
	}
	for _, way := range []direction{ingress, egress} {
		for _, deny := range []bool{false, true} {
			if err := r.list(spec, way, deny); err != nil {
				return err
			}
		}
	}
	return nil
}

// list reads what is let through, or denied, in one direction. An empty list says
// nothing of the direction; one of an empty rule closes it.
func (r *reader) list(spec any, way direction, deny bool) error {
	name := [...]string{"ingress", "egress"}[way]
	if deny {
		name += "Deny"
	}
	for i, each := range inside.List(spec, name) {
		at := name + "/" + strconv.Itoa(i)
		if _, ok := each.(map[string]any); each != nil && !ok {
			return fmt.Errorf("%s: a rule is no mapping", at)
		}
		r.policy.ways[way] = true
		rules, err := r.rule(each, way, deny, at)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		for i := range rules {
			rules[i].at = r.pointer + "/" + at
		}
		if deny {
			r.policy.denials[way] = append(r.policy.denials[way], rules...)
		} else {
			r.policy.rules[way] = append(r.policy.rules[way], rules...)
		}
	}
	return nil
}

// rule reads one entry: a rule for each of its toPorts.
func (r *reader) rule(v any, way direction, deny bool, at string) ([]rule, error) {
	side := sideOf(way)
	peers, said, err := r.peers(v, way, deny, at)
	if err != nil {
		return nil, err
	}
	for i, each := range inside.List(v, side+"Requires") {
		s, err := readSelection(each)
		if err != nil {
			return nil, fmt.Errorf("%sRequires %d: %w", side, i, err)
		}
		if deny {
			r.policy.bars[way] = append(r.policy.bars[way], r.scoped(s, false)...)
		} else {
			r.policy.requires[way] = append(r.policy.requires[way], r.scoped(s, false)...)
		}
	}
	ports := inside.List(v, "toPorts")
	if icmps := inside.List(v, "icmps"); len(icmps) > 0 {
		if len(ports) > 0 {
			return nil, errors.New("icmps stand beside toPorts")
		}
		r.say(at+"/icmps", icmps, meets(way, deny, "ICMP"))
		return []rule{{peers: peers, blind: true}}, nil
	}
	var auth []limit
	if mode := inside.Text(v, "authentication", "mode"); !deny && mode != "" && mode != "disabled" {
		auth = []limit{{"authentication", mode, true}}
	}
	if len(ports) == 0 {
		return []rule{{peers: peers, blind: len(peers) == 0, limits: auth}}, nil
	}
	var out []rule
	for i, each := range ports {
		one := rule{peers: peers, blind: said && len(peers) == 0}
		if one.ports, one.limits, err = r.ports(each, way, deny, at+"/toPorts/"+strconv.Itoa(i)); err != nil {
			return nil, fmt.Errorf("toPorts %d: %w", i, err)
		}
		one.blind, one.limits = one.blind || len(one.ports) == 0, append(one.limits, auth...)
		out = append(out, one)
	}
	return out, nil
}

// sideOf is how the fields for peers begin.
func sideOf(way direction) string { return [...]string{"from", "to"}[way] }

// peers reads whom an entry is about. Said means that it says somebody, who may be
// none that is known here.
func (r *reader) peers(v any, way direction, deny bool, at string) (peers []peer, said bool, err error) {
	side := sideOf(way)
	var members []string
	for _, member := range []string{"Endpoints", "CIDR", "CIDRSet", "Entities", "Services", "Groups", "FQDNs"} {
		list := inside.List(v, side+member)
		if len(list) == 0 || way == ingress && slices.Contains([]string{"Services", "Groups", "FQDNs"}, member) || deny && member == "FQDNs" {
			continue
		}
		members = append(members, side+member)
		for i, each := range list {
			p, known, err := r.peer(member, each)
			if err != nil {
				return nil, false, fmt.Errorf("%s%s %d: %w", side, member, i, err)
			}
			if known {
				peers = append(peers, p)
			}
		}
		if what := unresolved(member, list); what != "" {
			r.say(at+"/"+side+member, []any{list, inside.At(v, "toPorts")}, meets(way, deny, what))
		}
	}
	if len(members) > 1 && !deny {
		return nil, false, fmt.Errorf("%s stand in one rule", strings.Join(members, " and "))
	}
	if slices.Contains(members, "toServices") && len(inside.List(v, "toPorts")) > 0 && !deny {
		return nil, false, errors.New("toServices stand beside toPorts")
	}
	return peers, len(members) > 0, nil
}

// unresolved is what a list speaks of that is found out only on the cluster.
func unresolved(member string, list []any) string {
	var names []string
	for _, each := range list {
		switch member {
		case "FQDNs":
			names = append(names, inside.Text(each, "matchName")+inside.Text(each, "matchPattern"))
		case "Services":
			if s := inside.Map(each, "k8sService"); s != nil {
				names = append(names, inside.Text(s, "namespace")+"/"+inside.Text(s, "serviceName"))
			}
		case "CIDRSet":
			if g := inside.Text(each, "cidrGroupRef"); g != "" {
				names = append(names, g)
			}
		}
	}
	slices.Sort(names)
	what := map[string]string{"FQDNs": "addresses of DNS names", "Services": "addresses behind Services", "Groups": "addresses of a cloud's groups", "CIDRSet": "addresses of groups of ranges"}[member]
	switch {
	case member != "CIDRSet" && what != "" && len(names) == 0:
		return what
	case len(names) > 0:
		return what + " (" + strings.Join(slices.Compact(names), ", ") + ")"
	}
	return ""
}

func (r *reader) peer(member string, v any) (peer, bool, error) {
	text, _ := v.(string)
	switch member {
	case "Endpoints":
		s, err := readSelection(v)
		return peer{endpoints: r.scoped(s, true)}, true, err
	case "Entities":
		if !slices.Contains([]string{"all", "world", "cluster", "none"}, text) && entities()[text] == "" {
			return peer{}, false, fmt.Errorf("there is no entity %q", text)
		}
		return peer{entity: text}, true, nil
	case "CIDR":
		p := peer{block: block(text)}
		if !p.block.IsValid() {
			return p, false, fmt.Errorf("%q is no range of addresses", text)
		}
		return p, true, nil
	case "CIDRSet":
		if inside.Text(v, "cidrGroupRef") != "" {
			return peer{}, false, nil
		}
		p := peer{block: block(inside.Text(v, "cidr"))}
		if !p.block.IsValid() {
			return p, false, fmt.Errorf("%q is no range of addresses", inside.Text(v, "cidr"))
		}
		for _, e := range inside.List(v, "except") {
			text, _ := e.(string)
			b := block(text)
			if !b.IsValid() || !p.block.Contains(b.Addr()) {
				return p, false, fmt.Errorf("%s does not hold its exception %q", p.block, text)
			}
			p.except = append(p.except, b)
		}
		return p, true, nil
	}
	return peer{}, false, nil
}

// scoped adds the namespace that a selector of peers is for: that of the policy,
// unless it says another; of a cluster-wide policy any, so that it finds pods alone.
func (r *reader) scoped(s selection, peers bool) selection {
	if peers && slices.ContainsFunc(s, func(n need) bool { return strings.HasPrefix(n.key, reservedLabel) }) || s.has(podNamespace, anyNamespace) {
		return s
	}
	switch {
	case !r.wide:
		return append(s, need{podNamespace, "In", []string{r.namespace}, true})
	case !r.init:
		return append(s, need{key: podNamespace, operator: "Exists"})
	}
	return s
}
