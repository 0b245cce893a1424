package schema

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// The schemas whose maps have keys that the API server looks at, and whose
// numbers may be shares: the OpenAPI documents do not say so.
const (
	coreAPI         = "io.k8s.api.core.v1."
	aContainer      = coreAPI + "Container"
	aPodSpec        = coreAPI + "PodSpec"
	aQuotaSpec      = coreAPI + "ResourceQuotaSpec"
	aLimit          = coreAPI + "LimitRangeItem"
	aClaimSpec      = coreAPI + "PersistentVolumeClaimSpec"
	anOverhead      = "io.k8s.api.node.v1.Overhead"
	aDeployUpdate   = "io.k8s.api.apps.v1.RollingUpdateDeployment"
	aDaemonUpdate   = "io.k8s.api.apps.v1.RollingUpdateDaemonSet"
	aStatefulUpdate = "io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy"
	aBudget         = "io.k8s.api.policy.v1.PodDisruptionBudgetSpec"
)

// resourceNames are the names without a domain that may stand in one place.
type resourceNames struct {
	of    string // whose
	names []string
	sizes []string // what a name of huge pages begins with
}

// ofContainers are the resources that containers can ask for.
func ofContainers() resourceNames {
	return resourceNames{of: "a container", names: []string{"cpu", "memory", "ephemeral-storage"}, sizes: []string{"hugepages-"}}
}

// ofQuotas are the resources that a quota can bound.
func ofQuotas() resourceNames {
	n := strings.Fields("configmaps cpu ephemeral-storage limits.cpu limits.ephemeral-storage limits.memory memory persistentvolumeclaims pods" +
		" replicationcontrollers requests.cpu requests.ephemeral-storage requests.memory requests.storage resourcequotas secrets services" +
		" services.loadbalancers services.nodeports")
	return resourceNames{of: "a quota", names: n, sizes: []string{"hugepages-", "requests.hugepages-"}}
}

// ofLimits are the resources that a limit of other things than containers and
// pods can name.
func ofLimits() resourceNames {
	q := ofQuotas()
	return resourceNames{of: "a limit", names: append(q.names, "storage"), sizes: q.sizes}
}

// known judges fields by what the API server checks beside the schema.
func (w *walk) known(n *node, m map[string]any) {
	is := func(name string) bool { return !w.custom && n == w.v.schemas[name] }
	switch {
	case is(aContainer):
		for _, field := range []string{"limits", "requests"} {
			w.named(ofContainers(), m, "resources", field)
		}
	case is(aPodSpec):
		w.named(ofContainers(), m, "overhead")
	case is(anOverhead):
		w.named(ofContainers(), m, "podFixed")
	case is(aQuotaSpec):
		w.named(ofQuotas(), m, "hard")
	case is(aLimit):
		of := ofLimits()
		if m["type"] == "Container" || m["type"] == "Pod" {
			of = ofContainers()
		}
		for _, field := range []string{"default", "defaultRequest", "max", "maxLimitRequestRatio", "min"} {
			w.named(of, m, field)
		}
	case is(aClaimSpec):
		w.claims(m)
	case is(aDeployUpdate), is(aDaemonUpdate), is(aStatefulUpdate), is(aBudget):
		for _, field := range []string{"maxSurge", "maxUnavailable", "minAvailable"} {
			w.share(m, field)
		}
	}
}

// named judges the keys of a map of quantities that fields lead to.
func (w *walk) named(of resourceNames, m map[string]any, fields ...string) {
	depth := len(w.path)
	defer func() { w.path = w.path[:depth] }()
	for _, field := range fields {
		inner, ok := m[field].(map[string]any)
		if !ok {
			return // absent, or judged by its type
		}
		m = inner
		w.path = append(w.path, step{field, -1})
	}
	for _, key := range slices.Sorted(maps.Keys(m)) {
		if of.has(key) {
			continue
		}
		free := slices.DeleteFunc(slices.Clone(of.names), func(s string) bool { _, used := m[s]; return used })
		w.path = append(w.path, step{key, -1})
		message := fmt.Sprintf("%s names no resource of %s, and the API server refuses it", w.here(), of.of)
		if near := nearest(key, free); near != "" {
			at := w.pointer()
			w.report(message+"; did you mean "+near+"?", fmt.Sprintf("rename %s to %s", cut(key), near),
				patch("move", strings.TrimSuffix(at, escape(key))+escape(near), at))
		} else {
			w.report(message, "write one of "+strings.Join(of.names, ", ")+", "+of.sizes[0]+"2Mi, or a name with a domain as in example.com/gpu", nil)
		}
		w.path = w.path[:len(w.path)-1]
	}
}

// has says whether a name may stand there. One with a domain may, if it is well
// formed: who brings it is for the nodes to say.
func (r resourceNames) has(name string) bool {
	domain, _, qualified := strings.Cut(name, "/")
	switch {
	case len(validation.IsQualifiedName(name)) > 0:
		return false
	case !qualified:
		return slices.Contains(r.names, name) || slices.ContainsFunc(r.sizes, func(s string) bool { return strings.HasPrefix(name, s) })
	case r.of != ofContainers().of || strings.Contains(domain+"/", "kubernetes.io/"):
		return true
	}
	// Such a name must have room for the word that a quota puts before it.
	return !strings.HasPrefix(name, "requests.") && len(validation.IsQualifiedName("requests."+name)) == 0
}

// claims holds that a claim says how much it wants.
func (w *walk) claims(m map[string]any) {
	resources, _ := m["resources"].(map[string]any)
	requests, _ := resources["requests"].(map[string]any)
	if requests["storage"] != nil {
		return
	}
	depth := len(w.path)
	w.path = append(w.path, step{"resources", -1}, step{"requests", -1})
	w.reportAt("storage", w.here()+".storage is missing, and the API server refuses a claim without it", "add it, a quantity such as 1Gi", nil)
	w.path = w.path[:depth]
}

var sharePattern = regexp.MustCompile(`^[0-9]+%$`)

// share judges a number that may be a percentage.
func (w *walk) share(m map[string]any, field string) {
	s, ok := m[field].(string)
	if !ok || sharePattern.MatchString(s) {
		return
	}
	mend := "write a number as in 1, or a percentage as in 25%"
	w.path = append(w.path, step{field, -1})
	w.report(fmt.Sprintf("%s is %s, must be a number or a percentage", w.here(), w.shown(s)), mend, nil)
	w.path = w.path[:len(w.path)-1]
}
