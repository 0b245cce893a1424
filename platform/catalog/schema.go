package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// durationPattern is what time.ParseDuration takes, without a sign: the
// catalog has no negative durations.
const durationPattern = `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$`

// quantityPattern is a positive Kubernetes quantity.
const quantityPattern = `^\+?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?$`

// namePattern is a DNS-1123 label.
const namePattern = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`

// Schemas gives a JSON Schema (draft 2020-12) for each kind of file, by kind.
// The bytes are the same on every run.
func Schemas() (map[string][]byte, error) {
	m, err := newModel()
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, k := range kinds() {
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(m.document(k)); err != nil {
			return nil, fmt.Errorf("schema of %s: %w", k.name, err)
		}
		out[k.name] = buf.Bytes()
	}
	return out, nil
}

// document is the schema of one kind of file. encoding/json sorts its keys.
func (m model) document(k kind) map[string]any {
	spec := m[k.typ][0]
	return map[string]any{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"$id":                  "https://" + APIVersion + "/" + strings.ToLower(k.name) + ".json",
		"title":                k.name,
		"description":          k.doc,
		"type":                 "object",
		"additionalProperties": false,
		"required":             []string{"apiVersion", "kind", "metadata", spec.name},
		"properties": map[string]any{
			"apiVersion": map[string]any{"const": APIVersion},
			"kind":       map[string]any{"const": k.name},
			"metadata":   m.object(reflect.TypeFor[metadata]()),
			spec.name:    m.property(spec),
		},
	}
}

// property is the schema of one field.
func (m model) property(f field) map[string]any {
	s := m.schema(f.typ, f)
	s["description"] = f.doc
	if f.def != "" {
		s["default"] = jsonScalar(f.typ, f.def)
	}
	return s
}

// schema is the schema of a type under a field's rules.
func (m model) schema(t reflect.Type, f field) map[string]any {
	switch {
	case t == reflect.TypeFor[Values]():
		return map[string]any{"type": "object"}
	case t.Kind() == reflect.Pointer:
		return m.schema(t.Elem(), f)
	case t.Kind() == reflect.Struct:
		return m.object(t)
	case t.Kind() == reflect.Slice:
		s := map[string]any{"type": "array", "items": m.schema(t.Elem(), f)}
		if f.required {
			s["minItems"] = 1
		}
		return s
	case t.Kind() == reflect.Map:
		s := map[string]any{"type": "object", "additionalProperties": m.schema(t.Elem(), field{enum: f.values, pattern: f.pattern})}
		if f.keys != nil {
			s["propertyNames"] = map[string]any{"enum": f.keys}
		}
		return s
	}
	return scalarSchema(t, f)
}

func (m model) object(t reflect.Type) map[string]any {
	properties := map[string]any{}
	required := []string{}
	for _, f := range m[t] {
		properties[f.name] = m.property(f)
		if f.required {
			required = append(required, f.name)
		}
	}
	s := map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	if t == reflect.TypeFor[Source]() { // exactly one form
		s["minProperties"], s["maxProperties"] = 1, 1
	}
	return s
}

func scalarSchema(t reflect.Type, f field) map[string]any {
	s := map[string]any{}
	switch {
	case t == reflect.TypeFor[Duration]():
		s["type"], s["pattern"] = "string", durationPattern
	case t == reflect.TypeFor[Quantity]():
		s["type"], s["pattern"], s["exclusiveMinimum"] = []string{"string", "number"}, quantityPattern, 0
	case t.Kind() == reflect.Int:
		s["type"], s["minimum"] = "integer", 0
		for keyword, bound := range map[string]string{"minimum": f.min, "maximum": f.max} {
			if bound != "" {
				s[keyword] = jsonScalar(t, bound)
			}
		}
	case t.Kind() == reflect.Bool:
		s["type"] = "boolean"
	default:
		s["type"] = "string"
		if f.required {
			s["minLength"] = 1
		}
	}
	if f.pattern != nil {
		s["pattern"], s["examples"] = f.pattern.String(), []string{f.example}
	}
	switch f.format {
	case "date", "date-time":
		s["format"] = f.format
	case "name":
		s["pattern"], s["maxLength"] = namePattern, 63
	}
	if f.enum != nil {
		allowed := make([]any, len(f.enum))
		for i, e := range f.enum {
			allowed[i] = jsonScalar(t, e)
		}
		s["enum"] = allowed
	}
	return s
}

// jsonScalar is a tag's text as a JSON value of a type.
func jsonScalar(t reflect.Type, text string) any {
	switch {
	case t == reflect.TypeFor[Duration]():
	case t.Kind() == reflect.Int:
		if n, err := strconv.Atoi(text); err == nil {
			return n
		}
	case t.Kind() == reflect.Bool:
		return text == "true"
	}
	return text
}
