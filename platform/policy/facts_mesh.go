package policy

import "strings"

// meshLabels notes each value of the labels by which a namespace joins a mesh.
func (f factSheet) meshLabels(namespace map[string]any) {
	for key, value := range labelsOf(namespace, "metadata", "labels") {
		if strings.HasPrefix(key, "istio") {
			// It is read across namespaces: one that joins makes the cluster's a mesh.
			f.inner("meshLabels", key)[value.(string)] = true
		}
	}
}

// mesh notes what decides which calls a mesh encrypts and allows.
func (f factSheet) mesh(u unit, spec map[string]any) {
	if u.ref.Group() != "security.istio.io" {
		return
	}
	switch u.ref.Kind {
	case "PeerAuthentication":
		// It is read across namespaces: the root namespace decides for the others.
		f.append("peerAuth", u.ref.Namespace, map[string]any{
			"name": u.ref.Name, "selector": spec["selector"], "mode": below(spec, "mtls")["mode"],
		})
	case "AuthorizationPolicy":
		// It is read across namespaces: the root namespace decides for the others.
		f.append("authz", u.ref.Namespace, map[string]any{
			"name": u.ref.Name, "selector": spec["selector"], "action": spec["action"], "targeted": spec["targetRefs"] != nil || spec["targetRef"] != nil,
		})
	}
}
