package reach

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
)

// Config is the ConfigMap of Cilium's agents, which says what holds of a pod that no
// policy selects.
const Config = "cilium-config"

// World is what decides the paths of one side.
type World struct {
	pods       []*pod
	namespaces map[string]map[string]string
	policies   []*policy
	settings   settings
	unknown    []Unknown
	byName     map[finding.Object]*pod
}

// settings are those of Cilium's agents that bear on paths.
type settings struct {
	object    finding.Object
	enforce   string // always, never, else where a policy selects
	cluster   string
	localhost string // policy: a pod's own node needs leave as well
}

// decides are the settings without the object that they stand in.
func (s settings) decides() settings {
	s.object = finding.Object{}
	if s.enforce != always && s.enforce != never {
		s.enforce = ""
	}
	return s
}

const (
	always = "always"
	never  = "never"
)

// Read takes from a bundle what decides paths.
func Read(objects []*unstructured.Unstructured) *World {
	w := &World{namespaces: map[string]map[string]string{}, settings: settings{cluster: "default"}, byName: map[finding.Object]*pod{}}
	for _, o := range objects {
		switch group(o) + "/" + o.GetKind() {
		case "/Namespace":
			labels := labelsOf(o.Object, "metadata", "labels")
			labels["kubernetes.io/metadata.name"] = o.GetName()
			w.namespaces[o.GetName()] = labels
		case "/ConfigMap":
			if o.GetName() == Config {
				data := func(key string) string { return inside.Text(o.Object, "data", key) }
				w.settings = settings{ref(o), data("enable-policy"), cmp.Or(data("cluster-name"), "default"), data("allow-localhost")}
			}
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
		p.identity = w.identify(p)
	}
	for _, o := range objects { // last, for they say whom they select
		if IsCilium(o) {
			w.readCilium(o)
		}
	}
	for _, p := range w.pods {
		for _, q := range w.policies {
			if q.selects(p) {
				p.policies = append(p.policies, q)
			}
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

// add notes a workload; one on the host's network is beyond policies of pods.
func (w *World) add(o *unstructured.Unstructured, template map[string]any) {
	if template == nil || inside.At(template, "spec", "hostNetwork") == true {
		return
	}
	p := &pod{object: ref(o), labels: labelsOf(template, "metadata", "labels"), account: cmp.Or(inside.Text(template, "spec", "serviceAccountName"), "default")}
	for _, list := range []string{"containers", "initContainers"} {
		for _, c := range inside.List(template, "spec", list) {
			for _, v := range inside.List(c, "ports") {
				if n, ok := inside.Number(inside.At(v, "containerPort")); ok {
					p.ports = append(p.ports, port{inside.Text(v, "name"), n, n, cmp.Or(inside.Text(v, "protocol"), "TCP")})
				}
			}
		}
	}
	p.mark = marked(p.labels) + p.account + fmt.Sprint(p.ports)
	w.pods = append(w.pods, p)
	w.byName[p.object] = p
}

func (w *World) pod(o finding.Object) *pod { return w.byName[o] }

// pod is a workload's pods, or a peer that is none.
type pod struct {
	object   finding.Object
	labels   map[string]string
	account  string
	ports    []port
	mark     string
	identity identity // as Cilium sees it
	policies []*policy
	outside  *addresses
	entity   string // of Cilium: a node, the API server
}

// isPod says that policies select it.
func (p *pod) isPod() bool { return p.outside == nil && p.entity == "" }

func (p *pod) String() string {
	switch {
	case p.outside != nil:
		return p.outside.String()
	case p.entity != "":
		return entities()[p.entity]
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

// anyProtocol is Cilium's word for TCP, UDP and SCTP.
const anyProtocol = "ANY"

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

// covers says that all of another port is among this one.
func (p port) covers(other port) bool {
	switch {
	case p.protocol == anyProtocol && p.name == "" && p.from == 0:
		return true
	case other.protocol == "" || p.protocol != other.protocol && p.protocol != anyProtocol:
		return false
	case p.name != "":
		return strings.EqualFold(p.name, other.name)
	case p.from == 0:
		return true
	}
	return other.from != 0 && p.from <= other.from && other.to <= p.to
}

// numbered resolves a name as Cilium does for what goes out: the one number that
// pods anywhere give it, and nothing where they disagree.
func (w *World) numbered(p port, protocol string) (port, bool) {
	var out port
	for _, pod := range w.pods {
		for _, q := range pod.ports {
			if !strings.EqualFold(q.name, p.name) || q.protocol != protocol {
				continue
			}
			if out.from != 0 && out.from != q.from {
				return port{}, false
			}
			out = port{from: q.from, to: q.to, protocol: protocol}
		}
	}
	return out, out.from != 0
}

// ports are the numbers that a policy's rules of one direction name, or mean by a name.
func (p *policy) ports(w *World, way direction) []port {
	var out []port
	for _, r := range slices.Concat(p.rules[way], p.denials[way]) {
		for _, named := range r.ports {
			for _, each := range named.spread() {
				if each.name != "" && p.cilium && way == egress {
					each, _ = w.numbered(each, each.protocol)
				}
				if each.name == "" && each.protocol != "" {
					out = append(out, each)
				}
			}
		}
	}
	return out
}

// spread is a port of each protocol that it stands for.
func (p port) spread() []port {
	if p.protocol != anyProtocol {
		return []port{p}
	}
	var out []port
	for _, protocol := range []string{"TCP", "UDP", "SCTP"} {
		out = append(out, port{p.name, p.from, p.to, protocol})
	}
	return out
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
