package change

import (
	"fmt"
	"regexp"
	"slices"

	"dualtrack.internal/platform/change/inside"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// guards say which of the things that guard others are lowered.
func guards(before, after *render.Object) []Consequence {
	switch groupKind(before) {
	case "/Namespace":
		return podSecurity(before, after)
	case "security.istio.io/PeerAuthentication":
		was := inside.Text(before.Object, "spec", "mtls", "mode")
		now := ""
		if after != nil {
			now = inside.Text(after.Object, "spec", "mtls", "mode")
		}
		if was == "STRICT" && now != "STRICT" {
			return []Consequence{{Effect: Weakens, Level: finding.Warning, Pointer: "/spec/mtls/mode", Why: "connections without mutual TLS are taken from now on"}}
		}
	}
	return nil
}

func podSecurity(before, after *render.Object) []Consequence {
	if after == nil {
		return nil
	}
	levels := []string{"privileged", "baseline", "restricted"}
	const label = "pod-security.kubernetes.io/enforce"
	was, now := before.GetLabels()[label], after.GetLabels()[label]
	if from := slices.Index(levels, was); from <= slices.Index(levels, now) {
		return nil
	}
	if now == "" {
		now = "what the cluster enforces by itself"
	}
	return []Consequence{{Effect: Weakens, Level: finding.Warning, Pointer: pointer("metadata", "labels", label),
		Why: fmt.Sprintf("pods of the namespace are held to %s from now on, no longer to %s", now, was)}}
}

var unfilled = regexp.MustCompile(`(?i)\b(CHANGE[-_]?ME|REPLACE[-_]?ME|FIX[-_]?ME)\b|<your[-_ ][^>]*>`)

// placeholders are values that wait for somebody to fill them in.
func placeholders(o *render.Object, fields []Field) []Consequence {
	var out []Consequence
	var look func(v any, at string)
	look = func(v any, at string) {
		switch v := v.(type) {
		case string:
			if found := unfilled.FindString(v); found != "" && len(out) < mostListed {
				out = append(out, Consequence{Effect: Placeholder, Level: finding.Warning, Pointer: at, Why: fmt.Sprintf("%s waits to be filled in", found)})
			}
		case map[string]any:
			for _, key := range keysOf(v) {
				look(v[key], at+"/"+escape(key))
			}
		case []any:
			for i := range v {
				look(v[i], at+pointer(i))
			}
		}
	}
	if o.GetKind() == "Secret" {
		return nil // whose values are nobody's to show
	}
	if fields == nil {
		look(o.Object, "")
		return out
	}
	for _, f := range fields {
		look(f.After, f.Pointer)
	}
	return out
}
