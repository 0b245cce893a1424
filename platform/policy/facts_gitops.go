package policy

import (
	"slices"
	"strings"
)

// gitops notes what reconcilers bring, wait for and act as.
func (f factSheet) gitops(u unit, spec map[string]any) {
	group, kind := u.ref.Group(), u.ref.Kind
	if strings.Contains(group, ".") && !strings.HasSuffix(group, ".k8s.io") {
		// It is read across namespaces: a release brings definitions for the whole cluster.
		f.appendOnce("customGroups", group, u.from.Component)
	}
	switch group + "/" + kind {
	case "kustomize.toolkit.fluxcd.io/Kustomization", "helm.toolkit.fluxcd.io/HelmRelease":
		f.reconciler(u, spec)
	case "argoproj.io/AppProject":
		// It is read across namespaces: an Application may stand in another than its project.
		f.set("projects", u.ref.Name, map[string]any{"sourceNamespaces": spec["sourceNamespaces"], "namespace": u.ref.Namespace})
	case "apiextensions.k8s.io/CustomResourceDefinition":
		f.definition(spec)
	case "apps/Deployment":
		f.controllerFlags(u, spec)
	case "rbac.authorization.k8s.io/ClusterRoleBinding", "rbac.authorization.k8s.io/RoleBinding":
		f.admins(u)
	}
}

// reconciler notes what a Kustomization or HelmRelease needs and brings.
func (f factSheet) reconciler(u unit, spec map[string]any) {
	ns, key := u.ref.Namespace, u.ref.Namespace+"/"+u.ref.Name
	needs := []any{}
	list, _ := spec["dependsOn"].([]any)
	for _, d := range list {
		d, _ := d.(map[string]any)
		name, _ := d["name"].(string)
		of, _ := d["namespace"].(string)
		if of == "" {
			of = ns
		}
		needs = append(needs, of+"/"+name)
	}
	chart := below(spec, "chart", "spec")
	checks, _ := spec["healthChecks"].([]any)
	// It is read across namespaces: dependencies and shared definitions cross them.
	byName, _ := f["reconcilers"].(map[string]any)[u.ref.Kind].(map[string]any)
	if byName == nil {
		byName = map[string]any{}
		f.set("reconcilers", u.ref.Kind, byName)
	}
	byName[key] = map[string]any{
		"needs": needs, "waits": spec["wait"] == true || len(checks) > 0, "component": u.from.Component,
		"chart": chart["chart"], "crds": below(spec, "upgrade")["crds"],
		"brings": map[string]any{"path": spec["path"], "source": spec["sourceRef"], "target": spec["targetNamespace"]},
		"varied": spec["postBuild"] != nil || spec["patches"] != nil || spec["namePrefix"] != nil || spec["nameSuffix"] != nil,
	}
}

// definition notes the versions of a custom resource.
func (f factSheet) definition(spec map[string]any) {
	group, _ := spec["group"].(string)
	kind, _ := below(spec, "names")["kind"].(string)
	versions := map[string]any{}
	list, _ := spec["versions"].([]any)
	for _, v := range list {
		v, _ := v.(map[string]any)
		if name, _ := v["name"].(string); name != "" {
			versions[name] = map[string]any{"served": v["served"], "deprecated": v["deprecated"]}
		}
	}
	// It is read across namespaces: definitions are the cluster's.
	f.set("crds", group+"/"+kind, versions)
	f.appendOnce("crdGroups", group, kind)
}

// controllerFlags notes the arguments of Flux's controllers.
func (f factSheet) controllerFlags(u unit, spec map[string]any) {
	switch u.ref.Name {
	case "kustomize-controller", "helm-controller":
	default:
		return
	}
	list, _ := below(spec, "template", "spec")["containers"].([]any)
	for _, c := range list {
		c, _ := c.(map[string]any)
		args, _ := c["args"].([]any)
		for _, a := range args {
			if a, ok := a.(string); ok {
				// It is read across namespaces: a controller acts in all of them.
				f.appendOnce("fluxFlags", u.ref.Name, a)
			}
		}
	}
}

// admins notes the service accounts that cluster-admin is bound to, each by its
// own namespace.
func (f factSheet) admins(u unit) {
	role := below(u.object, "roleRef")
	if role["kind"] != "ClusterRole" || role["name"] != "cluster-admin" {
		return
	}
	subjects, _ := u.object["subjects"].([]any)
	for _, s := range subjects {
		s, _ := s.(map[string]any)
		name, _ := s["name"].(string)
		ns, _ := s["namespace"].(string)
		if s["kind"] == "ServiceAccount" {
			f.appendOnce("admins", ns, name)
		}
	}
}

// appendOnce appends what the list does not hold.
func (f factSheet) appendOnce(table, key, value string) {
	list, _ := f[table].(map[string]any)[key].([]any)
	if !slices.Contains(list, any(value)) {
		f.set(table, key, append(list, value))
	}
}
