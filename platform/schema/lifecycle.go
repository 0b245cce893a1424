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

// lifecycle is the minors in which an API came, was deprecated and went; 0 is
// never. Replacement is "group/version Kind", or empty.
type lifecycle struct {
	Group, Version, Kind            string
	Introduced, Deprecated, Removed int
	Replacement                     string
}

// Retired is an API that is deprecated or gone, in releases 1.x; 0 is never.
type Retired struct {
	APIVersion, Kind    string
	Deprecated, Removed int
	Use                 string // apiVersion to use instead; "" when there is none
}

// Retired lists the APIs that any release deprecated or removed, sorted.
func (v *Validator) Retired() []Retired {
	var out []Retired
	for gvk, l := range v.lifecycle {
		if l.Deprecated == 0 && l.Removed == 0 {
			continue
		}
		use, _, _ := strings.Cut(v.replacement(gvk), " ")
		out = append(out, Retired{
			APIVersion: gvk.GroupVersion().String(), Kind: gvk.Kind, Deprecated: l.Deprecated, Removed: l.Removed, Use: use,
		})
	}
	slices.SortFunc(out, func(a, b Retired) int {
		return cmp.Or(cmp.Compare(a.APIVersion, b.APIVersion), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

func readLifecycle() (map[kube.GroupVersionKind]lifecycle, error) {
	text, err := files.ReadFile("openapi/lifecycle.json")
	if err != nil {
		return nil, err
	}
	var all []lifecycle
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("lifecycle.json: %w", err)
	}
	out := make(map[kube.GroupVersionKind]lifecycle, len(all))
	for _, l := range all {
		out[kube.GroupVersionKind{Group: l.Group, Version: l.Version, Kind: l.Kind}] = l
	}
	return out, nil
}

// replacement follows the table to an API that the target still serves, "" when
// it knows none.
func (v *Validator) replacement(gvk kube.GroupVersionKind) string {
	for range len(v.lifecycle) { // the table has no rings; if it had, this ends
		group, rest, ok := strings.Cut(v.lifecycle[gvk].Replacement, "/")
		if !ok {
			group, rest = "", v.lifecycle[gvk].Replacement
		}
		version, kind, ok := strings.Cut(rest, " ")
		if !ok {
			break
		}
		gvk = kube.GroupVersionKind{Group: group, Version: version, Kind: kind}
		if v.kinds[gvk] != nil {
			return name(gvk)
		}
	}
	if served := v.served(gvk.Group, gvk.Kind); len(served) > 0 {
		return name(served[len(served)-1].GroupVersionKind)
	}
	return ""
}

// instead is the mend for an API without a successor of the same kind.
func instead(gvk kube.GroupVersionKind) string {
	if gvk.Kind == "PodSecurityPolicy" {
		return "label the namespace with pod-security.kubernetes.io/enforce instead"
	}
	return "remove the object: nothing replaces its API"
}

// gone judges an object whose API the target no longer serves; nil when the
// table does not say so.
func (v *Validator) gone(o render.Object, gvk kube.GroupVersionKind) []finding.Finding {
	l, ok := v.lifecycle[gvk]
	if !ok || l.Removed == 0 || l.Removed > v.minor {
		return nil
	}
	f := about(o, RuleRemoved, finding.Error, "/apiVersion", fmt.Sprintf(
		"%s is not served from Kubernetes %s on, this is for %s", name(gvk), release(l.Removed), v.Version()))
	if to := v.replacement(gvk); to != "" {
		f.Mend = "write it as " + to
	} else {
		f.Mend = instead(gvk)
	}
	return []finding.Finding{f}
}

// aging judges an object whose API is served and will not be for ever.
func (v *Validator) aging(o render.Object, k *kind) []finding.Finding {
	if k.custom {
		if !k.deprecated {
			return nil
		}
		f := about(o, RuleDeprecated, finding.Warning, "/apiVersion", name(k.GroupVersionKind)+" is deprecated by its definition")
		if k.warning != "" {
			f.Message += ": " + k.warning
		}
		f.Mend = "plan without it"
		for _, other := range v.served(k.Group, k.Kind) {
			if !other.deprecated {
				f.Mend = "write it as " + name(other.GroupVersionKind)
			}
		}
		return []finding.Finding{f}
	}
	l := v.lifecycle[k.GroupVersionKind]
	if l.Deprecated == 0 || l.Deprecated > v.minor {
		return nil
	}
	msg := fmt.Sprintf("%s is deprecated since Kubernetes %s", name(k.GroupVersionKind), release(l.Deprecated))
	if l.Removed > 0 {
		msg += fmt.Sprintf(" and not served from %s on", release(l.Removed))
	}
	f := about(o, RuleDeprecated, finding.Warning, "/apiVersion", msg)
	if to := v.replacement(k.GroupVersionKind); to != "" && to != name(k.GroupVersionKind) {
		f.Mend = "write it as " + to
	} else {
		f.Mend = "plan without it: nothing replaces it yet"
	}
	return []finding.Finding{f}
}

// served are the versions of a kind that are on by default, or, where none is,
// those that can be turned on; least stable first.
func (v *Validator) served(group, kindName string) []*kind {
	var out, off []*kind
	for gvk, k := range v.kinds {
		switch {
		case gvk.Group != group || gvk.Kind != kindName:
		case k.off:
			off = append(off, k)
		default:
			out = append(out, k)
		}
	}
	if len(out) == 0 {
		out = off
	}
	slices.SortFunc(out, func(a, b *kind) int { return cmp.Compare(stability(a.Version), stability(b.Version)) })
	return out
}

// stability orders versions: v1alpha1 < v1beta1 < v1 < v2.
func stability(version string) string {
	switch {
	case strings.Contains(version, "alpha"):
		return "0" + version
	case strings.Contains(version, "beta"):
		return "1" + version
	}
	return "2" + version
}

// name is "apps/v1 Deployment".
func name(gvk kube.GroupVersionKind) string {
	return gvk.GroupVersion().String() + " " + gvk.Kind
}
