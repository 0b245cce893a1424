// Package reach says which paths between the workloads of a bundle policies open and
// close from one side of a change to the other, by port: NetworkPolicies and Cilium's
// own kinds together, as Cilium sums them up. What lets through adds up over all
// policies; a denial goes before; a direction in which any policy with rules selects a
// pod is closed but for what is let through. Addresses of DNS names, of Services and
// of groups, ICMP and policies of nodes are named as not computed; rules of HTTP,
// Kafka, DNS and TLS and asked-for authentication limit a path, which is then not
// said to be open. The API server is taken for neither a node nor an address, and a
// NetworkPolicy for what the API says of it: Cilium 1.15 takes the first port of a
// range. Of what really flows it knows nothing.
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
	Limit    string // "HTTP rules": it is open as far as these let it, which is not computed
	// Cause are the objects whose change did it: policies, else workloads or
	// namespaces with other labels.
	Cause []Cause
}

// Cause is an object that a path opened or closed for.
type Cause struct {
	finding.Object
	Pointer string // the policy's rule that lets through or denies now, "" without one
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

// changes are the policies, workloads, namespaces and settings that differ in what
// decides a path.
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
	for _, w := range []*World{before, after} {
		if was, now := before.settings, after.settings; was.decides() != now.decides() && w.settings.object.Kind != "" {
			out[w.settings.object] = true
		}
	}
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
	if c.changed[now.object] || c.changed[namespace(now)] || c.changed[c.before.settings.object] || c.changed[c.after.settings.object] {
		return true
	}
	return slices.ContainsFunc(slices.Concat(was.policies, now.policies), func(q *policy) bool { return c.changed[q.object] })
}

func namespace(p *pod) finding.Object {
	return finding.Object{APIVersion: "v1", Kind: "Namespace", Name: p.object.Namespace}
}

func (c *comparison) pair(src, dst both) {
	whole := -1 // of c.out: the path of any port
	var but []port
	for _, p := range c.ports(src, dst) {
		path, differs := c.path(src, dst, p)
		if whole >= 0 { // what is said of all is not said again of one
			if w := c.out[whole]; !differs || w.Opened != path.Opened || w.Limit != path.Limit {
				but = append(but, p)
			} else if !slices.ContainsFunc(but, func(b port) bool { return b.covers(p) }) {
				continue
			}
		}
		if differs {
			c.out = append(c.out, path)
		}
		if differs && p.protocol == "" {
			whole = len(c.out) - 1
		}
	}
	for i, p := range but {
		word := " but "
		if i > 0 {
			word = " and "
		}
		c.out[whole].Port += word + p.String()
	}
}

// path compares one port of a pair.
func (c *comparison) path(src, dst both, port port) (Path, bool) {
	inWas, inNow := c.before.admits(ingress, dst.was, src.was, port), c.after.admits(ingress, dst.now, src.now, port)
	outWas, outNow := c.before.admits(egress, src.was, dst.was, port), c.after.admits(egress, src.now, dst.now, port)
	was, now := inWas.and(outWas), inNow.and(outNow)
	if was.same(now) {
		return Path{}, false
	}
	path := Path{From: src.now.String(), To: dst.now.String(), Port: port.String(), Opened: now.open}
	if now.open {
		path.Limit = now.names()
	}
	if !inWas.same(inNow) {
		path.Cause = append(path.Cause, c.causes(ingress, dst, src, port)...)
	}
	if !outWas.same(outNow) {
		path.Cause = append(path.Cause, c.causes(egress, src, dst, port)...)
	}
	return path, true
}

// ports are what both sides of the change declare, so that a new port is no opened
// path; where none is declared, any, and those that the rules of the pair name.
func (c *comparison) ports(src, dst both) []port {
	var out []port
	for _, p := range dst.was.ports {
		if slices.Contains(dst.now.ports, p) {
			out = append(out, p)
		}
	}
	if len(dst.was.ports)+len(dst.now.ports) > 0 {
		return out
	}
	out = append(out, port{})
	for _, side := range []struct {
		w        *World
		src, dst *pod
	}{{c.before, src.was, dst.was}, {c.after, src.now, dst.now}} {
		for _, q := range side.dst.policies {
			out = append(out, q.ports(side.w, ingress)...)
		}
		for _, q := range side.src.policies {
			out = append(out, q.ports(side.w, egress)...)
		}
	}
	slices.SortStableFunc(out, func(a, b port) int {
		return cmp.Or(cmp.Compare(a.from, b.from), strings.Compare(a.protocol, b.protocol), cmp.Compare(a.to, b.to))
	})
	return slices.Compact(out)
}

// causes are the changed policies of one direction of a workload, else what else
// changed of the pair.
func (c *comparison) causes(way direction, of, peer both, p port) []Cause {
	var out []Cause
	for _, q := range slices.Concat(of.now.policies, of.was.policies) {
		if !c.changed[q.object] || !q.ways[way] {
			continue
		}
		at := ""
		if slices.Contains(of.now.policies, q) {
			at = q.rule(c.after, way, peer.now, p)
		}
		i := slices.IndexFunc(out, func(o Cause) bool { return o.Object == q.object })
		switch {
		case i < 0:
			out = append(out, Cause{q.object, at})
		case out[i].Pointer == "":
			out[i].Pointer = at
		}
	}
	for _, o := range []finding.Object{of.now.object, peer.now.object, namespace(of.now), namespace(peer.now), c.after.settings.object, c.before.settings.object} {
		if len(out) == 0 && c.changed[o] {
			out = append(out, Cause{o, ""})
		}
	}
	return out
}
