package change

import (
	"fmt"
	"slices"
	"strings"

	"dualtrack.internal/platform/render"
)

// Effect is what a change does beyond the fields it touches.
type Effect string

// The effects.
const (
	Restarts  Effect = "restarts"   // pods are replaced
	Refused   Effect = "refused"    // the API server will not have it
	LosesData Effect = "loses data" // what was stored is gone
	Image     Effect = "image"      // another image runs
	Scales    Effect = "scales"     // another number of pods
)

// Consequence is one effect of one object's change, with its reason.
type Consequence struct {
	Effect  Effect `json:"effect"`
	Why     string `json:"why"`
	Pointer string `json:"pointer,omitempty"` // the field, in the later object
}

// consequences are what a change of an object does; before or after is nil where
// the object comes or goes.
func consequences(before, after *render.Object, fields []Field) []Consequence {
	switch {
	case before == nil:
		return nil
	case after == nil:
		return removed(*before)
	}
	var out []Consequence
	for _, f := range fields {
		if why, refused := immutable(*before, *after, f); refused {
			out = append(out, Consequence{Refused, f.Path + " " + why, f.Pointer})
		}
		if strings.HasSuffix(f.Path, "].image") {
			out = append(out, Consequence{Image, moved(fmt.Sprint(f.Before), fmt.Sprint(f.After)), f.Pointer})
		}
		if f.Path == "spec.replicas" && scaled(after.GetKind()) {
			out = append(out, Consequence{Scales, fmt.Sprintf("%v → %v pods", orOne(f.Before), orOne(f.After)), f.Pointer})
		}
	}
	if at, why := template(after.GetKind(), fields); at != nil {
		out = append(out, Consequence{Restarts, why, at.Pointer})
	}
	return out
}

func scaled(kind string) bool {
	return slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet"}, kind)
}

func orOne(v any) any {
	if v == nil {
		return 1
	}
	return v
}

// template says whether pods are replaced: any field of a pod template does that.
func template(kind string, fields []Field) (*Field, string) {
	words := map[string]string{
		"Deployment":  "its pods are replaced, a few at a time",
		"StatefulSet": "its pods are replaced one after the other",
		"DaemonSet":   "its pod on every node is replaced",
	}
	why, known := words[kind]
	if !known {
		return nil, ""
	}
	for i, f := range fields {
		if f.Path == "spec.template" || strings.HasPrefix(f.Path, "spec.template.") {
			return &fields[i], why
		}
	}
	return nil, ""
}

// removed says what goes with an object.
func removed(o render.Object) []Consequence {
	words := map[string]string{
		"Namespace":                "everything in the namespace is deleted with it",
		"PersistentVolumeClaim":    "the volume goes with its claim, unless its class retains it",
		"PersistentVolume":         "the volume's data is no longer reachable by any claim",
		"CustomResourceDefinition": "every object of the kind is deleted with its definition",
	}
	if why, known := words[o.GetKind()]; known {
		return []Consequence{{Effect: LosesData, Why: why}}
	}
	return nil
}

// moved says how an image reference differs.
func moved(before, after string) string {
	from, to := parseImage(before), parseImage(after)
	switch {
	case from.registry != to.registry:
		return fmt.Sprintf("registry %s → %s", from.registry, to.registry)
	case from.repository != to.repository:
		return fmt.Sprintf("image %s → %s", from.repository, to.repository)
	case from.tag != to.tag:
		return fmt.Sprintf("%s: %s → %s", from.repository, from.tag, to.tag)
	}
	return fmt.Sprintf("%s: another digest of the same tag", from.repository)
}

type image struct{ registry, repository, tag, digest string }

// parseImage takes a reference apart; the registry is the first part if it can be
// a host's name.
func parseImage(ref string) image {
	var i image
	ref, i.digest, _ = strings.Cut(ref, "@")
	if at := strings.LastIndex(ref, ":"); at > strings.LastIndex(ref, "/") {
		ref, i.tag = ref[:at], ref[at+1:]
	}
	if first, rest, ok := strings.Cut(ref, "/"); ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		i.registry, ref = first, rest
	}
	i.repository = ref
	return i
}
