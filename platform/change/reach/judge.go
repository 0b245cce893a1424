package reach

import (
	"slices"
	"strings"
)

// verdict is what policies say of a path in one direction, or in both.
type verdict struct {
	open   bool
	limits []limit // it is open only as far as these let it
}

// limit is what is not computed of a rule that lets through.
type limit struct {
	name string // "HTTP rules"
	mark string // its words, in one order
	firm bool   // it holds although another rule lets through without it
}

// admits says whether a workload takes, or may open, a connection by its policies.
// Peers that are no pods have none.
func (w *World) admits(way direction, of, peer *pod, p port) verdict {
	if !of.isPod() || w.settings.enforce == never {
		return verdict{open: true}
	}
	isolated := w.settings.enforce == always
	var requires, bars selection
	for _, q := range of.policies {
		isolated = isolated || q.ways[way]
		requires, bars = append(requires, q.requires[way]...), append(bars, q.bars[way]...)
	}
	if !isolated {
		return verdict{open: true}
	}
	var let []rule
	for _, q := range of.policies {
		for _, r := range q.denials[way] {
			if r.admits(w, q, way, peer, p, bars) {
				return verdict{}
			}
		}
		for _, r := range q.rules[way] {
			if r.admits(w, q, way, peer, p, requires) {
				let = append(let, r)
			}
		}
	}
	if way == ingress && peer.entity == "host" && w.settings.localhost != "policy" {
		let = append(let, rule{})
	}
	return allowed(let)
}

// rule is where a policy denies a path, else where it lets it through.
func (p *policy) rule(w *World, way direction, peer *pod, port port) string {
	for _, r := range slices.Concat(p.denials[way], p.rules[way]) {
		if r.admits(w, p, way, peer, port, nil) {
			return r.at
		}
	}
	return ""
}

// allowed sums up the rules that let through: limits are lifted by a rule without
// any, but firm ones.
func allowed(let []rule) verdict {
	v := verdict{open: len(let) > 0}
	free := slices.ContainsFunc(let, func(r rule) bool {
		return !slices.ContainsFunc(r.limits, func(l limit) bool { return !l.firm })
	})
	for _, r := range let {
		for _, l := range r.limits {
			if l.firm || !free {
				v.limits = append(v.limits, l)
			}
		}
	}
	return v
}

// and is what two directions leave.
func (v verdict) and(other verdict) verdict {
	return verdict{v.open && other.open, slices.Concat(v.limits, other.limits)}
}

// names are those of the limits, once each.
func (v verdict) names() string {
	var out []string
	for _, l := range v.limits {
		out = append(out, l.name)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " and ")
}

// same says that nothing differs, in what is not computed either.
func (v verdict) same(other verdict) bool {
	if v.open != other.open || !v.open {
		return v.open == other.open
	}
	marks := func(v verdict) []string {
		var out []string
		for _, l := range v.limits {
			out = append(out, l.name+l.mark)
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	return slices.Equal(marks(v), marks(other))
}

// admits says that a rule is about a peer and a port. Needs are those of all the
// policies of a pod, and bear on rules about pods.
func (r rule) admits(w *World, of *policy, way direction, peer *pod, p port, needs selection) bool {
	if r.blind || len(r.ports) > 0 && !slices.ContainsFunc(r.ports, func(allowed port) bool { return w.covers(of, way, allowed, p) }) {
		return false
	}
	if len(r.peers) == 0 {
		return of.cilium || needs.matches(peer.identity)
	}
	for _, q := range r.peers {
		if q.matches(w, of, peer) && (q.block.IsValid() || q.entity != "" || needs.matches(peer.identity)) {
			return true
		}
	}
	return false
}

// covers compares a rule's port with another. Cilium resolves names of ports that
// go out by all pods, and the API of Kubernetes by the pod they go to.
func (w *World) covers(of *policy, way direction, allowed, p port) bool {
	if allowed.name == "" || !of.cilium || way == ingress || p.protocol == "" || allowed.protocol != anyProtocol && allowed.protocol != p.protocol {
		return allowed.covers(p)
	}
	resolved, ok := w.numbered(allowed, p.protocol)
	return ok && resolved.covers(p)
}
