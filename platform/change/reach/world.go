package reach

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
)

// World is what decides the paths of one side.
type World struct {
	pods       []*pod
	namespaces map[string]map[string]string
	policies   []*policy
	closed     bool
	byName     map[finding.Object]*pod
}

// Read takes from a bundle what decides paths. Closed says that a workload which
// no policy selects is not reached either, as Cilium does when told to enforce
// always.
func Read(objects []*unstructured.Unstructured, closed bool) *World {
	w := &World{namespaces: map[string]map[string]string{}, closed: closed, byName: map[finding.Object]*pod{}}
	for _, o := range objects {
		switch group(o) + "/" + o.GetKind() {
		case "/Namespace":
			labels := labelsOf(o.Object, "metadata", "labels")
			labels["kubernetes.io/metadata.name"] = o.GetName()
			w.namespaces[o.GetName()] = labels
		case "networking.k8s.io/NetworkPolicy":
			w.policies = append(w.policies, readPolicy(o))
		case "/Pod":
			w.add(o, o.Object)
		case "batch/CronJob":
			w.add(o, inside.Map(o.Object, "spec", "jobTemplate", "spec", "template"))
		case "apps/Deployment", "apps/StatefulSet", "apps/DaemonSet", "apps/ReplicaSet", "batch/Job":
			w.add(o, inside.Map(o.Object, "spec", "template"))
		}
	}
	for _, p := range w.pods {
		if w.namespaces[p.object.Namespace] == nil { // made by somebody else: it has the label that all have
			w.namespaces[p.object.Namespace] = map[string]string{"kubernetes.io/metadata.name": p.object.Namespace}
		}
	}
	return w
}

func group(o *unstructured.Unstructured) string {
	return finding.Object{APIVersion: o.GetAPIVersion()}.Group()
}

func ref(o *unstructured.Unstructured) finding.Object { // whatever version it is written in
	return finding.Object{APIVersion: group(o) + "/", Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName()}
}

// add notes a workload; one on the host's network is beyond NetworkPolicies.
func (w *World) add(o *unstructured.Unstructured, template map[string]any) {
	if template == nil || inside.At(template, "spec", "hostNetwork") == true {
		return
	}
	p := &pod{object: ref(o), labels: labelsOf(template, "metadata", "labels")}
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range inside.List(template, "spec", list) {
			for _, v := range inside.List(c, "ports") {
				if n, ok := inside.Number(inside.At(v, "containerPort")); ok {
					p.ports = append(p.ports, port{inside.Text(v, "name"), n, n, cmp.Or(inside.Text(v, "protocol"), "TCP")})
				}
			}
		}
	}
	p.mark = marked(p.labels) + fmt.Sprint(p.ports)
	w.pods = append(w.pods, p)
	w.byName[p.object] = p
}

func (w *World) pod(o finding.Object) *pod { return w.byName[o] }

// pod is a workload's pods, or a peer outside the cluster.
type pod struct {
	object finding.Object
	labels map[string]string
	ports  []port
	mark   string
	cidr   string // of addresses outside
	anyone bool   // whom only a rule without peers lets in
}

func (p *pod) String() string {
	switch {
	case p.anyone:
		return "anyone outside"
	case p.cidr != "":
		return "addresses " + p.cidr
	}
	return p.object.String()
}

func marked(labels map[string]string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		fmt.Fprintf(&b, "%q=%q,", k, labels[k])
	}
	return b.String()
}

type port struct {
	name     string
	from, to int // the same, but in a policy's range
	protocol string
}

func (p port) String() string {
	switch {
	case p.protocol == "":
		return "any port"
	case p.from == 0:
		return fmt.Sprintf("any %s port", p.protocol)
	case p.from != p.to:
		return fmt.Sprintf("%s %d-%d", p.protocol, p.from, p.to)
	}
	return fmt.Sprintf("%s %d", p.protocol, p.from)
}

// outside are the peers outside the cluster that policies speak of.
func outside(worlds ...*World) []*pod {
	seen := map[string]bool{}
	for _, w := range worlds {
		for _, q := range w.policies {
			for _, rules := range q.rules {
				for _, r := range rules {
					for _, peer := range r.peers {
						if peer.block.IsValid() {
							seen[peer.block.String()] = true
						}
					}
				}
			}
		}
	}
	out := []*pod{{anyone: true}}
	for _, cidr := range slices.Sorted(maps.Keys(seen)) {
		out = append(out, &pod{cidr: cidr})
	}
	return out
}

// namedPorts are the numbers that rules of both sides name, and any port.
func namedPorts(worlds ...*World) []port {
	out := []port{{}}
	for _, w := range worlds {
		for _, q := range w.policies {
			for _, r := range q.rules[egress] {
				for _, p := range r.ports {
					if p.name == "" && !slices.Contains(out, p) {
						out = append(out, p)
					}
				}
			}
		}
	}
	return out
}

func block(text string) netip.Prefix {
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}
	}
	return p.Masked()
}

func labelsOf(v any, path ...string) map[string]string {
	out := map[string]string{}
	for k, value := range inside.Map(v, path...) {
		if s, ok := value.(string); ok {
			out[k] = s
		}
	}
	return out
}
