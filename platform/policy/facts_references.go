package policy

import "k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

// openReferences makes the tables of what pods and routes refer to. They are
// looked up with the object's own namespace.
func (f factSheet) openReferences(in Input) {
	for _, name := range []string{"serviceAccounts", "services", "names"} {
		f[name] = map[string]any{}
	}
	f["attest"] = attested(in.Evidence, in.Now)
}

// references notes what others name: accounts, Services, and the names of what
// pods mount and routes lead to.
func (f factSheet) references(u unit, spec map[string]any) {
	ns, name := u.ref.Namespace, u.ref.Name
	switch u.ref.Group() + "/" + u.ref.Kind {
	case "/ConfigMap", "/PersistentVolumeClaim", "/Secret":
		f.name(ns, u.ref.Kind, name)
	case "/ServiceAccount":
		f.name(ns, u.ref.Kind, name)
		f.within("serviceAccounts", ns, name, map[string]any{"automount": u.object["automountServiceAccountToken"]})
	case "/Service":
		f.name(ns, u.ref.Kind, name)
		f.append("services", ns, map[string]any{
			"name": name, "selector": labelsOf(spec, "selector"), "ports": targetsOf(spec),
		})
	case "cert-manager.io/Certificate":
		f.makes(ns, spec["secretName"], "")
	case "external-secrets.io/ExternalSecret":
		target, _, _ := unstructured.NestedString(spec, "target", "name")
		f.makes(ns, target, name)
	case "bitnami.com/SealedSecret":
		f.makes(ns, nil, name)
	}
}

// makes notes the Secret that an operator makes of the object: name, or
// otherwise if that is none.
func (f factSheet) makes(ns string, name any, otherwise string) {
	secret, _ := name.(string)
	if secret == "" {
		secret = otherwise
	}
	if secret != "" {
		f.name(ns, "Secret", secret)
	}
}

func (f factSheet) name(ns, kind, name string) { f.within("names", ns, kind+"/"+name, true) }

// within sets a value in a namespace's own part of a table.
func (f factSheet) within(table, ns, key string, value any) {
	part, _ := f[table].(map[string]any)[ns].(map[string]any)
	if part == nil {
		part = map[string]any{}
		f.set(table, ns, part)
	}
	part[key] = value
}

// targetsOf are the ports of pods, numbers or names, that a Service leads to.
func targetsOf(spec map[string]any) []any {
	out := []any{}
	ports, _ := spec["ports"].([]any)
	for _, p := range ports {
		port, _ := p.(map[string]any)
		target := port["targetPort"]
		if target == nil || target == "" {
			target = port["port"]
		}
		if target != nil {
			out = append(out, target)
		}
	}
	return out
}
