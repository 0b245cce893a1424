// Package reach says which paths between the workloads of a bundle NetworkPolicies
// open and close from one side of a change to the other, by port. It knows nothing
// of Cilium's own policies, which its caller names as not computed, and nothing of
// what really flows.
package reach

import (
	"cmp"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
)

// Path is a path that was opened or closed.
type Path struct {
	From, To string // "Deployment shop/web", "addresses 10.0.0.0/8", "anyone outside"
	Port     string // "TCP 8080", "any port"
	Opened   bool
	// Cause are the objects whose change did it: policies, else workloads or
	// namespaces with other labels.
	Cause []finding.Object
}

// Compare gives the paths between workloads that both sides have, and between them
// and addresses outside.
func Compare(before, after *World) []Path {
	changed := changes(before, after)
	if len(changed) == 0 {
		return nil
	}
	c := &comparison{before: before, after: after, changed: changed}
	for _, b := range before.pods {
		if a := after.pod(b.object); a != nil {
			c.pods = append(c.pods, both{b, a, c.touches(b, a)})
		}
	}
	for _, peer := range outside(before, after) {
		c.pods = append(c.pods, both{peer, peer, false})
	}
	for _, src := range c.pods {
		for _, dst := range c.pods {
			if src.was != dst.was && (src.touched || dst.touched) {
				c.pair(src, dst)
			}
		}
	}
	slices.SortFunc(c.out, func(a, b Path) int {
		return cmp.Or(strings.Compare(a.From, b.From), strings.Compare(a.To, b.To), strings.Compare(a.Port, b.Port))
	})
	return c.out
}

type both struct {
	was, now *pod
	touched  bool
}

type comparison struct {
	before, after *World
	changed       map[finding.Object]bool
	pods          []both
	out           []Path
}

// changes are the policies, workloads and namespaces that differ in what decides
// a path.
func changes(before, after *World) map[finding.Object]bool {
	out := map[finding.Object]bool{}
	marks := func(w *World) map[finding.Object]string {
		all := map[finding.Object]string{}
		for _, p := range w.policies {
			all[p.object] = p.mark
		}
		for _, p := range w.pods {
			all[p.object] = p.mark
		}
		for name, labels := range w.namespaces {
			all[finding.Object{APIVersion: "v1", Kind: "Namespace", Name: name}] = marked(labels)
		}
		return all
	}
	was, now := marks(before), marks(after)
	for o, mark := range was {
		if now[o] != mark {
			out[o] = true
		}
	}
	for o := range now {
		if _, there := was[o]; !there {
			out[o] = true
		}
	}
	return out
}

// touches says that a change bears on a workload: on itself, its namespace, or a
// policy that selects it.
func (c *comparison) touches(was, now *pod) bool {
	if c.changed[now.object] || c.changed[namespace(now)] {
		return true
	}
	selects := func(w *World, p *pod) bool {
		return slices.ContainsFunc(w.policies, func(q *policy) bool { return c.changed[q.object] && q.selects(p) })
	}
	return selects(c.before, was) || selects(c.after, now)
}

func namespace(p *pod) finding.Object {
	return finding.Object{APIVersion: "v1", Kind: "Namespace", Name: p.object.Namespace}
}

func (c *comparison) pair(src, dst both) {
	for _, port := range c.ports(dst) {
		inWas, inNow := c.before.admits(ingress, dst.was, src.was, port), c.after.admits(ingress, dst.now, src.now, port)
		outWas, outNow := c.before.admits(egress, src.was, dst.was, port), c.after.admits(egress, src.now, dst.now, port)
		if (inWas && outWas) == (inNow && outNow) {
			continue
		}
		path := Path{From: src.now.String(), To: dst.now.String(), Port: port.String(), Opened: inNow && outNow}
		if inWas != inNow {
			path.Cause = append(path.Cause, c.causes(ingress, dst, src)...)
		}
		if outWas != outNow {
			path.Cause = append(path.Cause, c.causes(egress, src, dst)...)
		}
		c.out = append(c.out, path)
	}
}

// ports are what both sides of the change declare, so that a new port is no
// opened path; of addresses outside, those that policies name.
func (c *comparison) ports(dst both) []port {
	if dst.was.cidr != "" || dst.was.anyone {
		return namedPorts(c.before, c.after)
	}
	var out []port
	for _, p := range dst.was.ports {
		if slices.Contains(dst.now.ports, p) {
			out = append(out, p)
		}
	}
	if len(dst.was.ports)+len(dst.now.ports) == 0 {
		out = append(out, port{})
	}
	return out
}

// causes are the changed policies of one direction of a workload, else what else
// changed of the pair.
func (c *comparison) causes(way direction, of, peer both) []finding.Object {
	var out []finding.Object
	note := func(w *World, p *pod) {
		for _, q := range w.policies {
			if c.changed[q.object] && q.ways[way] && q.selects(p) && !slices.Contains(out, q.object) {
				out = append(out, q.object)
			}
		}
	}
	note(c.before, of.was)
	note(c.after, of.now)
	for _, o := range []finding.Object{of.now.object, peer.now.object, namespace(of.now), namespace(peer.now)} {
		if len(out) == 0 && c.changed[o] {
			out = append(out, o)
		}
	}
	return out
}
