package policy

import (
	"fmt"
	"slices"
)

// templatePath is where a kind keeps the pod template that selectors mean.
func templatePath(key string) (path []string, makesPods bool) {
	switch key {
	case "/Pod":
		return nil, true
	case "/ReplicationController", "apps/DaemonSet", "apps/Deployment", "apps/ReplicaSet", "apps/StatefulSet",
		"argoproj.io/Rollout", "batch/Job", "serving.knative.dev/Service":
		return []string{"spec", "template"}, true
	case "batch/CronJob":
		return []string{"spec", "jobTemplate", "spec", "template"}, true
	case "keda.sh/ScaledJob":
		return []string{"spec", "jobTargetRef", "template"}, true
	}
	return nil, false
}

// network notes what policies, routes, meshes and monitors refer to.
func (f factSheet) network(u unit, spec map[string]any) {
	key := u.ref.Group() + "/" + u.ref.Kind
	if path, ok := templatePath(key); ok {
		f.selectable(u, path)
	}
	switch key {
	case "/Service":
		// It is read across namespaces: hosts and monitors name Services of others.
		f.append("endpoints", u.ref.Namespace, map[string]any{
			"name": u.ref.Name, "labels": labelsOf(u.object, "metadata", "labels"),
			"selector": spec["selector"], "ports": spec["ports"],
		})
	case "networking.k8s.io/Ingress":
		f.routes(u, spec)
	case "gateway.networking.k8s.io/HTTPRoute":
		f.redirects(u, spec)
	}
}

// selectable notes the labels and named ports of pods, each set of labels once.
func (f factSheet) selectable(u unit, path []string) {
	template := below(u.object, path...)
	entry := map[string]any{"labels": labelsOf(template, "metadata", "labels"), "ports": namedPorts(template)}
	// It is read across namespaces: peers of policies, and monitors, mean pods of others.
	known, _ := f["selectable"].(map[string]any)[u.ref.Namespace].([]any)
	print := fmt.Sprint(entry)
	if !slices.ContainsFunc(known, func(e any) bool { return fmt.Sprint(e) == print }) {
		f.append("selectable", u.ref.Namespace, entry)
	}
}

// namedPorts are the names of a template's container ports.
func namedPorts(template map[string]any) []any {
	out := []any{}
	for _, list := range []string{"initContainers", "containers"} {
		containers, _ := below(template, "spec")[list].([]any)
		for _, c := range containers {
			c, _ := c.(map[string]any)
			ports, _ := c["ports"].([]any)
			for _, p := range ports {
				if p, ok := p.(map[string]any); ok && p["name"] != nil {
					out = append(out, p["name"])
				}
			}
		}
	}
	return out
}

// routes notes which namespaces route each host and path.
func (f factSheet) routes(u unit, spec map[string]any) {
	rules, _ := spec["rules"].([]any)
	for _, r := range rules {
		r, _ := r.(map[string]any)
		host, _ := r["host"].(string)
		paths, _ := below(r, "http")["paths"].([]any)
		for _, p := range paths {
			p, _ := p.(map[string]any)
			path, _ := p["path"].(string)
			// It is read across namespaces: two of them may claim one host and path.
			claimed, _ := f["routes"].(map[string]any)[host+path].([]any)
			if !slices.Contains(claimed, any(u.ref.Namespace)) {
				f.append("routes", host+path, u.ref.Namespace)
			}
		}
	}
}

// redirects notes the Gateways whose listeners a route answers with a redirect.
func (f factSheet) redirects(u unit, spec map[string]any) {
	rules, _ := spec["rules"].([]any)
	if !slices.ContainsFunc(rules, redirecting) {
		return
	}
	parents, _ := spec["parentRefs"].([]any)
	for _, p := range parents {
		p, _ := p.(map[string]any)
		name, _ := p["name"].(string)
		ns, _ := p["namespace"].(string)
		if ns == "" {
			ns = u.ref.Namespace
		}
		section, _ := p["sectionName"].(string)
		// Read with the Gateway's own namespace.
		f.append("redirects", ns, map[string]any{"gateway": name, "section": section})
	}
}

func redirecting(rule any) bool {
	r, _ := rule.(map[string]any)
	filters, _ := r["filters"].([]any)
	return slices.ContainsFunc(filters, func(x any) bool {
		filter, _ := x.(map[string]any)
		return filter["type"] == "RequestRedirect"
	})
}

// below is the object at a path, nil when there is none.
func below(o map[string]any, path ...string) map[string]any {
	for _, key := range path {
		o, _ = o[key].(map[string]any)
	}
	return o
}
