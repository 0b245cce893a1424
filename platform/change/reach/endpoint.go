package reach

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"

	"dualtrack.internal/platform/change/inside"
)

// identity is what Cilium knows a peer by: labels by "source.key".
type identity map[string]string

const (
	podNamespace  = "k8s.io.kubernetes.pod.namespace"
	anyNamespace  = "any.io.kubernetes.pod.namespace"
	reservedLabel = "reserved."
)

// identify gives a workload's pods the labels that Cilium takes over from them, from
// their namespace, and of its own.
func (w *World) identify(p *pod) identity {
	out := identity{}
	for k, v := range p.labels {
		if !unseen(k) {
			out["k8s."+k] = v
		}
	}
	for k, v := range w.namespaces[p.object.Namespace] {
		if !strings.Contains(k, "beta.kubernetes.io") {
			out["k8s.io.cilium.k8s.namespace.labels."+k] = v
		}
	}
	out[podNamespace] = p.object.Namespace
	out["k8s.io.cilium.k8s.policy.cluster"] = w.settings.cluster
	out["k8s.io.cilium.k8s.policy.serviceaccount"] = p.account
	return out
}

// unseen are the labels that make no identity unless the agents' settings say
// otherwise: no policy finds pods by them.
func unseen(key string) bool {
	if strings.HasPrefix(key, "io.kubernetes.pod.namespace") {
		return false
	}
	for _, prefix := range []string{"io.cilium.k8s", "io.kubernetes", "kubernetes.io", "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index",
		"batch.kubernetes.io/job-completion-index", "batch.kubernetes.io/controller-uid", "k8s.io", "pod-template-generation",
		"pod-template-hash", "controller-revision-hash", "controller-uid", "annotation", "etcd_node"} {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	return strings.Contains(key, "beta.kubernetes.io")
}

// get finds a label; one of any source has the first that there is.
func (i identity) get(key string) (string, bool) {
	source, rest, _ := strings.Cut(key, ".")
	if source != "any" {
		v, ok := i[key]
		return v, ok
	}
	for _, s := range []string{"k8s.", reservedLabel} {
		if v, ok := i[s+rest]; ok {
			return v, true
		}
	}
	return "", false
}

// selection is a selector of Cilium's: all its needs must be met.
type selection []need

type need struct {
	key, operator string
	values        []string
	plain         bool // of matchLabels
}

func (s selection) matches(i identity) bool {
	for _, n := range s {
		v, has := i.get(n.key)
		met := false
		switch n.operator {
		case "In":
			met = has && slices.Contains(n.values, v)
		case "NotIn":
			met = !has || !slices.Contains(n.values, v)
		case "Exists":
			met = has
		case "DoesNotExist":
			met = !has
		}
		if !met {
			return false
		}
	}
	return true
}

func (s selection) has(keys ...string) bool {
	return slices.ContainsFunc(s, func(n need) bool { return slices.Contains(keys, n.key) })
}

// readSelection reads a selector as Cilium does, and refuses what it refuses.
func readSelection(v any) (selection, error) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil, errors.New("a selector is no mapping")
	}
	out := selection{}
	for _, k := range slices.Sorted(maps.Keys(inside.Map(m, "matchLabels"))) {
		value, ok := inside.At(m, "matchLabels", k).(string)
		if !ok {
			return nil, fmt.Errorf("the label %s is no text", k)
		}
		out = append(out, need{extended(k), "In", []string{value}, true})
	}
	for _, e := range inside.List(m, "matchExpressions") {
		n := need{key: extended(inside.Text(e, "key")), operator: inside.Text(e, "operator")}
		for _, v := range inside.List(e, "values") {
			value, ok := v.(string)
			if !ok {
				return nil, fmt.Errorf("a value of %s is no text", inside.Text(e, "key"))
			}
			n.values = append(n.values, value)
		}
		out = append(out, n)
	}
	for _, n := range out {
		if err := n.valid(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (n need) valid() error {
	listed := n.operator == "In" || n.operator == "NotIn"
	if !listed && n.operator != "Exists" && n.operator != "DoesNotExist" || listed != (len(n.values) > 0) {
		return fmt.Errorf("%q with %d values is no expression", n.operator, len(n.values))
	}
	if said := validation.IsQualifiedName(n.key); len(said) > 0 {
		return fmt.Errorf("%q is no label: %s", n.key, said[0])
	}
	for _, v := range n.values {
		if said := validation.IsValidLabelValue(v); len(said) > 0 {
			return fmt.Errorf("%q is no value of a label: %s", v, said[0])
		}
	}
	return nil
}

// extended is a key with its source before it; any, where it says none.
func extended(key string) string {
	source, rest, sourced := strings.Cut(key, ":")
	switch {
	case strings.HasPrefix(key, "$"):
		source, rest = "reserved", key[1:]
	case !sourced && strings.HasPrefix(key, reservedLabel):
		source, rest = "reserved", strings.TrimPrefix(key, reservedLabel)
	case !sourced || source == "":
		source, rest = "any", strings.TrimPrefix(key, ":")
	}
	rest, _, _ = strings.Cut(rest, "=")
	return source + "." + rest
}

// entities are the peers that are no pods and have a name in Cilium.
func entities() map[string]string {
	return map[string]string{"host": "the pod's own node", "remote-node": "other nodes", "kube-apiserver": "the API server",
		"health": "health probes of nodes", "ingress": "Cilium's ingress proxies", "init": "pods without identity yet",
		"unmanaged": "pods that Cilium does not manage"}
}

// isEntity says that a peer is of a class that Cilium names.
func (p peer) isEntity(other *pod) bool {
	switch p.entity {
	case "all":
		return true
	case "world":
		return other.outside != nil
	case "cluster":
		return other.outside == nil
	}
	return p.entity == other.entity
}

// names are the peers that are no pods of which a rule speaks by name.
func (p peer) names() []string {
	if p.entity == "cluster" {
		return []string{"host", "remote-node", "kube-apiserver"}
	}
	var out []string
	for name := range entities() {
		if p.entity == name || p.endpoints.has(reservedLabel+name) {
			out = append(out, name)
		}
	}
	return out
}
