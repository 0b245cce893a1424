package policy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/finding"
)

// nestedLimit bounds the text of one ConfigMap key that is searched for
// objects. A ConfigMap holds at most 1 MiB.
const nestedLimit = 1 << 20

// nested gives the Kubernetes objects that stand as YAML in a ConfigMap's
// data, each with the pointer of its key. Text that is no YAML holds none.
func nested(object map[string]any) []any {
	return within(object, "apiVersion", "kind")
}

// collectors gives the configurations of telemetry collectors that stand in a
// ConfigMap's data, as nested gives objects.
func collectors(object map[string]any) []any {
	return within(object, "service", "processors")
}

// detections gives the rules and macros of a detector of the Falco kind that
// stand in a ConfigMap's data: lists of YAML, which hold an entry each.
func detections(object map[string]any) []any {
	out := []any{}
	data, _ := object["data"].(map[string]any)
	if object["kind"] != "ConfigMap" || object["apiVersion"] != "v1" {
		return out
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, _ := data[key].(string)
		if len(text) > nestedLimit || (!strings.Contains(text, "- rule:") && !strings.Contains(text, "- macro:")) {
			continue
		}
		var entries []map[string]any
		if yaml.Unmarshal([]byte(text), &entries) != nil {
			continue // no rule file
		}
		for _, entry := range entries {
			if entry["rule"] != nil || entry["macro"] != nil {
				out = append(out, map[string]any{"pointer": "/data/" + escape(key), "of": entry})
			}
		}
	}
	return out
}

// within gives the YAML documents in a ConfigMap's data that have both keys.
func within(object map[string]any, one, other string) []any {
	out := []any{}
	data, _ := object["data"].(map[string]any)
	if object["kind"] != "ConfigMap" || object["apiVersion"] != "v1" {
		return out
	}
	for _, key := range slices.Sorted(maps.Keys(data)) {
		text, _ := data[key].(string)
		if len(text) > nestedLimit || !strings.Contains(text, one) || !strings.Contains(text, other) {
			continue
		}
		for doc := range strings.SplitSeq(text, "\n---") {
			var inner map[string]any
			if yaml.Unmarshal([]byte(doc), &inner) != nil || inner[one] == nil || inner[other] == nil {
				continue
			}
			out = append(out, map[string]any{"pointer": "/data/" + escape(key), "object": inner})
		}
	}
	return out
}

// escape makes a key a reference token of a JSON pointer.
func escape(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// prefixed moves a patch into an item of a list, and drops the null of a
// finding that has none.
func prefixed(patch json.RawMessage, prefix string) json.RawMessage {
	if len(patch) == 0 || string(patch) == "null" {
		return nil
	}
	if prefix == "" {
		return patch
	}
	var ops []map[string]any
	if json.Unmarshal(patch, &ops) != nil {
		return nil
	}
	for _, op := range ops {
		if at, ok := op["path"].(string); ok {
			op["path"] = prefix + at
		}
	}
	moved, err := json.Marshal(ops)
	if err != nil {
		return nil
	}
	return moved
}

// classOf maps the result a rule gives to a finding's class.
func classOf(result string) finding.Class {
	if result == "unknown" {
		return finding.Unknown
	}
	return ""
}
