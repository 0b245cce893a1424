package reach

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"dualtrack.internal/platform/change/inside"
)

// mostPorts is how many ports Cilium takes in one entry of toPorts.
const mostPorts = 40

// ports reads one entry of toPorts: its ports, and what else it asks of a connection.
// It knows no ranges of ports: Cilium has none.
func (r *reader) ports(v any, way direction, deny bool, at string) ([]port, []limit, error) {
	list := inside.List(v, "ports")
	if len(list) > mostPorts {
		return nil, nil, fmt.Errorf("%d ports, and Cilium takes %d", len(list), mostPorts)
	}
	var ports []port
	for _, each := range list {
		p, err := readPort(each)
		if err != nil {
			return nil, nil, err
		}
		ports = append(ports, p)
	}
	if deny {
		return ports, nil, nil
	}
	limits, err := readLimits(v, way, ports)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range limits {
		r.limited(at, v, way, l)
	}
	return ports, limits, nil
}

func readPort(v any) (port, error) {
	text := inside.Text(v, "port")
	if n, ok := inside.Number(inside.At(v, "port")); ok {
		text = strconv.Itoa(n)
	}
	protocol := cmp.Or(strings.ToUpper(inside.Text(v, "protocol")), anyProtocol)
	if !slices.Contains([]string{"TCP", "UDP", "SCTP", anyProtocol}, protocol) {
		return port{}, fmt.Errorf("there is no protocol %q", protocol)
	}
	if n, err := strconv.ParseUint(text, 0, 16); err == nil && !strings.ContainsAny(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz") {
		return port{"", int(n), int(n), protocol}, nil
	}
	if said := validation.IsValidPortName(strings.ToLower(text)); len(said) > 0 {
		return port{}, fmt.Errorf("%q is no port", text)
	}
	return port{name: strings.ToLower(text), protocol: protocol}, nil
}

// readLimits are the rules of other layers than addresses and ports.
func readLimits(v any, way direction, ports []port) ([]limit, error) {
	var out []limit
	note := func(name string, what any, firm bool) { out = append(out, limit{name, canonical(what), firm}) }
	for _, layer := range []struct{ key, name string }{{"http", "HTTP rules"}, {"kafka", "Kafka rules"}, {"dns", "DNS rules"}} {
		rules := inside.List(v, "rules", layer.key)
		if len(rules) == 0 {
			continue
		}
		if layer.key == "dns" && way == ingress {
			return nil, fmt.Errorf("DNS rules stand in ingress")
		}
		if layer.key != "dns" && slices.ContainsFunc(ports, func(p port) bool { return p.protocol != "TCP" }) {
			return nil, fmt.Errorf("%s are for TCP alone", layer.name)
		}
		if slices.ContainsFunc(ports, func(p port) bool { return p.from == 0 && p.name == "" }) {
			return nil, fmt.Errorf("%s need a port", layer.name)
		}
		note(layer.name, rules, false)
	}
	if proto := inside.Text(v, "rules", "l7proto"); proto != "" {
		note(proto+" rules", inside.At(v, "rules", "l7"), false)
	}
	if len(out) > 1 {
		return nil, fmt.Errorf("rules of two protocols stand in one")
	}
	for _, other := range []struct{ key, name string }{{"serverNames", "TLS server names"}, {"terminatingTLS", "TLS"}, {"originatingTLS", "TLS"}, {"listener", "a listener of Envoy"}} {
		if what := inside.At(v, other.key); what != nil {
			note(other.name, what, true)
		}
	}
	return out, nil
}

// canonical is a document in one order: what says the same has the same text.
func canonical(v any) string {
	data, err := json.Marshal(ordered(v))
	if err != nil { // it was read from JSON or YAML
		return strconv.Quote(err.Error())
	}
	return string(data)
}

func ordered(v any) any {
	switch v := v.(type) {
	case []any:
		var texts []string
		for _, each := range v {
			texts = append(texts, canonical(each))
		}
		slices.Sort(texts)
		out := make([]json.RawMessage, len(texts))
		for i, text := range texts {
			out[i] = json.RawMessage(text)
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k, each := range v {
			out[k] = ordered(each)
		}
		return out
	}
	return v
}
