package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	kube "k8s.io/apimachinery/pkg/runtime/schema"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// about begins a finding on an object.
func about(o render.Object, rule string, severity finding.Severity, pointer, message string) finding.Finding {
	return finding.Finding{
		Rule: rule, Severity: severity, Message: message, Object: ref(o), Pointer: pointer,
		Position: o.Source, Component: o.Component,
	}
}

// ref names an object that may be of any shape: metadata need not be an object.
func ref(o render.Object) finding.Object {
	r := finding.Object{APIVersion: text(o.Object["apiVersion"]), Kind: text(o.Object["kind"])}
	if meta, ok := o.Object["metadata"].(map[string]any); ok {
		r.Namespace, r.Name = text(meta["namespace"]), text(meta["name"])
	}
	return r
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// object judges one object.
func (v *Validator) object(o render.Object) []finding.Finding {
	var out []finding.Finding
	for _, field := range []string{"apiVersion", "kind"} {
		if text(o.Object[field]) == "" {
			f := about(o, Rule, finding.Error, "/"+field, field+" is missing or not a string")
			f.Mend = "write " + field
			out = append(out, f)
		}
	}
	if out != nil {
		return out
	}
	gv, err := kube.ParseGroupVersion(text(o.Object["apiVersion"]))
	if err != nil {
		f := about(o, Rule, finding.Error, "/apiVersion", fmt.Sprintf("apiVersion %s is not of the form group/version", quote(o.Object["apiVersion"])))
		f.Mend = "write group/version, or v1 for the core group"
		return []finding.Finding{f}
	}
	gvk := gv.WithKind(text(o.Object["kind"]))
	k := v.kinds[gvk]
	if k == nil {
		if out := v.gone(o, gvk); out != nil {
			return out
		}
		return []finding.Finding{v.unknown(o, gvk)}
	}
	if k.broken {
		f := about(o, Rule, finding.Error, "", "can't be judged: the definition of its kind is not usable")
		f.Class = finding.Unknown
		return []finding.Finding{f}
	}
	out = append(v.aging(o, k), v.place(o, k)...)
	w := &walk{v: v, o: o, secret: k.Group == "" && k.Kind == "Secret"}
	w.root(k)
	if d := v.definition(o.Unstructured); d != nil {
		for _, p := range d.problems {
			f := about(o, Rule, finding.Error, p.pointer, p.message)
			f.Mend = p.mend
			w.out = append(w.out, f)
		}
	}
	return append(out, sorted(w.out)...)
}

func sorted(all []finding.Finding) []finding.Finding {
	slices.SortStableFunc(all, func(a, b finding.Finding) int {
		return cmp.Or(cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Message, b.Message))
	})
	return all
}

// place judges what a kind's scope and nature ask of its object.
func (v *Validator) place(o render.Object, k *kind) []finding.Finding {
	var out []finding.Finding
	r := ref(o)
	if !k.namespaced && r.Namespace != "" {
		f := about(o, Rule, finding.Warning, "/metadata/namespace", k.Kind+" belongs to no namespace, the API server drops this one")
		f.Mend = "remove metadata.namespace"
		f.Patch = patch("remove", "/metadata/namespace", nil)
		out = append(out, f)
	}
	if k.request {
		f := about(o, Rule, finding.Error, "/kind", k.Kind+" is a question to the API server, not an object that a cluster keeps")
		f.Mend = "remove it"
		out = append(out, f)
	} else if nameless(o.Object["metadata"]) {
		f := about(o, Rule, finding.Error, "/metadata/name", "metadata.name is missing")
		f.Mend = "give the object a name"
		out = append(out, f)
	}
	if k.off {
		f := about(o, Rule, finding.Warning, "/apiVersion", fmt.Sprintf(
			"%s is off in Kubernetes %s unless the API server's runtime-config turns it on", name(k.GroupVersionKind), v.Version()))
		if served := v.served(k.Group, k.Kind); !served[0].off {
			f.Mend = "write it as " + name(served[len(served)-1].GroupVersionKind)
		} else {
			f.Mend = fmt.Sprintf("set runtime-config %s=true in the cluster's extraArgs.apiServer", k.GroupVersion())
		}
		out = append(out, f)
	}
	return out
}

// nameless says that metadata gives no name; one of the wrong type is left to
// the walk.
func nameless(metadata any) bool {
	meta, ok := metadata.(map[string]any)
	return metadata == nil || ok && (meta["name"] == nil || meta["name"] == "")
}

// unknown judges an object whose kind nothing serves.
func (v *Validator) unknown(o render.Object, gvk kube.GroupVersionKind) finding.Finding {
	msg := fmt.Sprintf("%s: no such kind in Kubernetes %s and no CRD brings it", name(gvk), v.Version())
	f := about(o, Rule, finding.Error, "/kind", msg)
	if l := v.lifecycle[gvk]; l.Introduced > v.minor {
		f.Message += fmt.Sprintf("; it comes with Kubernetes %s", release(l.Introduced))
	}
	if served := v.elsewhere(gvk); len(served) > 0 {
		f.Pointer = "/apiVersion"
		f.Message += fmt.Sprintf("; %s is served as %s", gvk.Kind, strings.Join(served, ", "))
		f.Mend = "write apiVersion: " + served[0]
		if len(served) == 1 {
			f.Patch = patch("replace", "/apiVersion", served[0])
		}
		return f
	}
	var names []string
	for k := range v.kinds {
		names = append(names, k.Kind)
	}
	if near := nearest(gvk.Kind, names); near != "" {
		f.Message += "; did you mean " + near + "?"
		f.Mend = "write kind: " + near
		return f
	}
	f.Mend = "add the component that brings its CRD, or correct apiVersion and kind"
	return f
}

// elsewhere lists the group/versions that serve a kind: those of the same group
// if there are any, else of every group; most stable first.
func (v *Validator) elsewhere(gvk kube.GroupVersionKind) []string {
	groups := []string{gvk.Group}
	if len(v.served(gvk.Group, gvk.Kind)) == 0 {
		groups = nil
		for k := range v.kinds {
			if k.Kind == gvk.Kind {
				groups = append(groups, k.Group)
			}
		}
		slices.Sort(groups)
		groups = slices.Compact(groups)
	}
	var out []string
	for _, g := range groups {
		served := v.served(g, gvk.Kind)
		slices.Reverse(served)
		for _, k := range served {
			out = append(out, k.GroupVersion().String())
		}
	}
	return out
}

// patch is an RFC 6902 patch of one operation; value nil is left out.
func patch(op, path string, value any) json.RawMessage {
	type operation struct {
		Op    string `json:"op"`
		From  string `json:"from,omitempty"`
		Path  string `json:"path"`
		Value any    `json:"value,omitempty"`
	}
	step := operation{Op: op, Path: path, Value: value}
	if op == "move" {
		step.From, step.Value = text(value), nil
	}
	b, err := json.Marshal([]operation{step})
	if err != nil {
		return nil // a value that JSON can't hold: then there is no patch
	}
	return b
}
