//go:build real

package paths_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

type object = map[string]any

// scene is one cluster, as the program reads it.
type scene struct {
	Name      string     `json:"name"`
	Enforce   string     `json:"enforce"`
	Objects   []object   `json:"objects"`
	Questions []question `json:"questions"`
}

type question struct {
	From     string `json:"from"`
	To       string `json:"to"`
	Port     int    `json:"port"`
	Protocol string `json:"protocol"`
}

// world is who is there, apart from policies; one pod declares no port.
func world() []object {
	out := []object{
		{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "a", "labels": object{"kubernetes.io/metadata.name": "a", "team": "x"}}},
		{"apiVersion": "v1", "kind": "Namespace", "metadata": object{"name": "b", "labels": object{"kubernetes.io/metadata.name": "b", "team": "y"}}},
	}
	add := func(namespace, name, account string, labels object, ports ...any) {
		out = append(out, object{"apiVersion": "v1", "kind": "Pod", "metadata": object{"name": name, "namespace": namespace, "labels": labels},
			"spec": object{"serviceAccountName": account, "containers": []any{object{"name": "c", "image": "i", "ports": ports}}}})
	}
	http := object{"name": "http", "containerPort": int64(8080), "protocol": "TCP"}
	dns := object{"name": "dns", "containerPort": int64(53), "protocol": "UDP"}
	add("a", "web", "web", object{"app": "web", "tier": "front", "pod-template-hash": "1"}, http, object{"containerPort": int64(9090), "protocol": "TCP"})
	add("a", "db", "default", object{"app": "db", "tier": "back"}, object{"name": "sql", "containerPort": int64(5432), "protocol": "TCP"}, object{"name": "dns", "containerPort": int64(5353), "protocol": "UDP"})
	add("b", "web", "default", object{"app": "web", "app.kubernetes.io/name": "web"}, object{"name": "http", "containerPort": int64(8080), "protocol": "TCP"}, dns)
	add("b", "job", "job", object{"app": "job", "kubernetes.io/os": "linux"})
	return out
}

// generator writes policies as people do, and some that Cilium refuses.
type generator struct{ *rand.Rand }

func (g *generator) one(of ...any) any { return of[g.IntN(len(of))] }

func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// some is a list of a few.
func (g *generator) some(most int, each func() any) []any {
	out := []any{}
	for range 1 + g.IntN(most) {
		out = append(out, each())
	}
	return out
}

// selector selects by labels in all their spellings.
func (g *generator) selector(peer bool) any {
	if g.chance(20) {
		return object{}
	}
	if peer && g.chance(6) {
		return object{"matchLabels": object{g.one("reserved:remote-node", "reserved:host", "reserved:kube-apiserver", "reserved:world").(string): ""}}
	}
	prefix := g.one("", "k8s:", "any:").(string)
	labels, expressions := object{}, []any{}
	if g.chance(70) {
		labels[prefix+"app"] = g.one("web", "db", "job", "none")
	}
	if g.chance(25) {
		labels[g.one("k8s:io.kubernetes.pod.namespace", "io.kubernetes.pod.namespace").(string)] = g.one("a", "b")
	}
	if g.chance(10) {
		labels["k8s:io.cilium.k8s.namespace.labels.team"] = g.one("x", "y")
	}
	if g.chance(12) {
		pair := g.one([]string{"k8s:io.cilium.k8s.policy.serviceaccount", "default"}, []string{"io.cilium.k8s.policy.cluster", "default"}, []string{"pod-template-hash", "1"},
			[]string{"k8s:kubernetes.io/os", "linux"}, []string{"app.kubernetes.io/name", "web"}, []string{"container:app", "web"}).([]string)
		if labels[pair[0]] = pair[1]; g.chance(50) {
			return object{"matchLabels": object{pair[0]: pair[1]}}
		}
	}
	for range g.IntN(2) {
		e := object{"key": prefix + g.one("app", "tier", "io.kubernetes.pod.namespace").(string), "operator": g.one("In", "NotIn", "Exists", "DoesNotExist")}
		if e["operator"] == "In" || e["operator"] == "NotIn" {
			e["values"] = g.some(2, func() any { return g.one("web", "db", "front", "a", "b") })
		}
		expressions = append(expressions, e)
	}
	out := object{}
	if len(labels) > 0 {
		out["matchLabels"] = labels
	}
	if len(expressions) > 0 {
		out["matchExpressions"] = expressions
	}
	return out
}

func (g *generator) block() string {
	return g.one("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "192.168.0.0/16", "0.0.0.0/0").(string)
}

// blockSet has exceptions that it holds.
func (g *generator) blockSet() any {
	if g.chance(50) {
		return object{"cidr": g.block()}
	}
	return object{"cidr": "10.0.0.0/8", "except": []any{"10.1.0.0/16"}}
}

// peers writes whom a rule of Cilium's is about.
func (g *generator) peers(rule object, side string, deny bool) {
	switch g.IntN(12) {
	case 0, 1, 2, 3:
		rule[side+"Endpoints"] = g.some(2, func() any { return g.selector(true) })
	case 4, 5:
		rule[side+"Entities"] = g.some(2, func() any {
			return g.one("all", "world", "cluster", "host", "remote-node", "kube-apiserver", "none", "health")
		})
	case 6:
		rule[side+"CIDR"] = g.some(2, func() any { return g.block() })
	case 7:
		rule[side+"CIDRSet"] = g.some(2, g.blockSet)
	case 8:
		rule[side+"Endpoints"] = []any{}
	case 9:
		if side == "to" && !deny {
			rule["toFQDNs"] = []any{object{"matchName": "pay.example.com"}}
		}
	case 10:
		rule[side+"Requires"] = []any{g.selector(false)}
		rule[side+"Endpoints"] = g.some(2, func() any { return g.selector(true) })
	}
	if g.chance(2) {
		rule[side+"CIDR"] = []any{g.block()}
	}
}

// ports writes toPorts.
func (g *generator) ports(rule object, side string, deny bool) {
	if g.chance(45) {
		return
	}
	rule["toPorts"] = g.some(2, func() any {
		port := func() any {
			p := object{"port": g.one("8080", "5432", "53", "443", "1234", "http", "sql", "dns", "0")}
			if g.chance(75) {
				p["protocol"] = g.one("TCP", "TCP", "UDP", "ANY", "SCTP")
			}
			return p
		}
		if g.chance(4) {
			return object{"ports": []any{}}
		}
		out := object{"ports": g.some(2, port)}
		switch {
		case deny:
		case g.chance(12):
			out = object{"ports": []any{object{"port": g.one("8080", "http"), "protocol": g.one("TCP", "TCP", "TCP", "UDP")}}, "rules": object{"http": []any{object{"method": "GET"}}}}
		case side == "to" && g.chance(12), g.chance(1):
			out = object{"ports": []any{object{"port": "53", "protocol": g.one("UDP", "ANY")}}, "rules": object{"dns": []any{object{"matchPattern": "*"}}}}
		}
		return out
	})
}

func (g *generator) rule(side string, deny bool) any {
	rule := object{}
	if g.chance(8) {
		return rule
	}
	g.peers(rule, side, deny)
	if g.chance(4) {
		rule["icmps"] = []any{object{"fields": []any{object{"type": int64(8)}}}}
		return rule
	}
	g.ports(rule, side, deny)
	if !deny && g.chance(5) {
		rule["authentication"] = object{"mode": "required"}
	}
	return rule
}

func (g *generator) spec() object {
	out := object{"endpointSelector": g.selector(false)}
	for _, list := range []struct {
		name, side string
		deny       bool
		percent    int
	}{{"ingress", "from", false, 60}, {"egress", "to", false, 60}, {"ingressDeny", "from", true, 25}, {"egressDeny", "to", true, 25}} {
		if g.chance(list.percent) {
			out[list.name] = g.some(2, func() any { return g.rule(list.side, list.deny) })
		} else if g.chance(10) {
			out[list.name] = []any{}
		}
	}
	return out
}

// networkPolicy is one of Kubernetes' own. It names no ports of what goes out and no
// ranges of ports, which Cilium reads otherwise than the API says.
func (g *generator) networkPolicy(name string) object {
	plain := func() any {
		return g.one(object{}, object{"matchLabels": object{"app": "web"}}, object{"matchExpressions": []any{object{"key": "app", "operator": "NotIn", "values": []any{"db"}}}})
	}
	rule := func(side string) any {
		r := object{}
		if g.chance(70) {
			r[side] = g.some(2, func() any {
				switch g.IntN(4) {
				case 0:
					return object{"podSelector": plain()}
				case 1:
					return object{"namespaceSelector": g.one(object{}, object{"matchLabels": object{"team": "x"}})}
				case 2:
					return object{"namespaceSelector": object{"matchLabels": object{"team": "y"}}, "podSelector": plain()}
				}
				return object{"ipBlock": g.blockSet()}
			})
		}
		if g.chance(50) {
			p := object{"port": g.one(int64(8080), int64(5432), int64(53)), "protocol": g.one("TCP", "UDP")}
			if side == "from" && g.chance(30) {
				p["port"] = "http"
			}
			r["ports"] = []any{p}
		}
		return r
	}
	spec := object{"podSelector": plain(), "policyTypes": g.one([]any{"Ingress"}, []any{"Egress"}, []any{"Ingress", "Egress"})}
	if g.chance(70) {
		spec["ingress"] = g.some(2, func() any { return rule("from") })
		spec["policyTypes"] = []any{"Ingress"}
	}
	if g.chance(50) {
		spec["egress"] = g.some(2, func() any { return rule("to") })
		spec["policyTypes"] = []any{"Ingress", "Egress"}
	}
	return object{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": object{"name": name, "namespace": g.one("a", "b")}, "spec": spec}
}

// scene writes a few policies, and one that selects nobody and names all peers, so
// that each of them is spoken of.
func (g *generator) scene(n int) scene {
	out := scene{Name: "scene " + strconv.Itoa(n), Enforce: g.one("default", "default", "default", "always", "never").(string), Objects: world()}
	for i := range 1 + g.IntN(4) {
		name := fmt.Sprintf("p%d", i)
		p := object{"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": object{"name": name}}
		switch g.IntN(5) {
		case 0:
			out.Objects = append(out.Objects, g.networkPolicy(name))
			continue
		case 1:
		default:
			p = object{"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": object{"name": name, "namespace": g.one("a", "b")}}
		}
		if p["spec"] = g.spec(); g.chance(10) {
			p["specs"] = []any{g.spec()}
		}
		out.Objects = append(out.Objects, p)
	}
	out.Objects = append(out.Objects, object{"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": object{"name": "names"},
		"spec": object{"endpointSelector": object{"matchLabels": object{"nobody": "here"}}, "egress": []any{object{
			"toEntities": []any{"host", "remote-node", "kube-apiserver"},
			"toPorts":    []any{object{"ports": []any{object{"port": "443", "protocol": "TCP"}, object{"port": "53", "protocol": "UDP"}, object{"port": "8080", "protocol": "TCP"}}}},
		}}}})
	out.Questions = questions()
	return out
}

// questions are all pairs, at ports that the pods declare or that rules name.
func questions() []question {
	ports := map[string][]question{
		"a/web": {{Port: 8080, Protocol: "TCP"}, {Port: 9090, Protocol: "TCP"}},
		"a/db":  {{Port: 5432, Protocol: "TCP"}, {Port: 5353, Protocol: "UDP"}},
		"b/web": {{Port: 8080, Protocol: "TCP"}, {Port: 53, Protocol: "UDP"}},
		"b/job": {{Port: 1234, Protocol: "TCP"}},
	}
	pods := []string{"a/web", "a/db", "b/web", "b/job"}
	others := []string{"reserved:world", "reserved:host", "reserved:remote-node", "reserved:kube-apiserver", "10.200.0.1/32", "10.1.200.1/32", "10.1.2.3/32", "192.168.7.7/32"}
	var out []question
	for _, from := range append(append([]string{}, pods...), others...) {
		for _, to := range pods {
			for _, p := range ports[to] {
				if from != to {
					out = append(out, question{from, to, p.Port, p.Protocol})
				}
			}
		}
	}
	for _, from := range pods {
		for _, to := range others {
			for _, p := range []question{{Port: 443, Protocol: "TCP"}, {Port: 53, Protocol: "UDP"}, {Port: 8080, Protocol: "TCP"}, {Port: 1234, Protocol: "TCP"}} {
				out = append(out, question{from, to, p.Port, p.Protocol})
			}
		}
	}
	return out
}
