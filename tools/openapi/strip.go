package main

import (
	"path"
	"strings"
)

// special are schemas whose Go type reads JSON in its own way, which the
// published OpenAPI does not say.
func special(name string) schema {
	const (
		meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
		ext  = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1."
	)
	free := schema{"x-kubernetes-preserve-unknown-fields": true}
	switch name {
	case "io.k8s.apimachinery.pkg.api.resource.Quantity":
		return schema{"format": "quantity"}
	case "io.k8s.apimachinery.pkg.util.intstr.IntOrString":
		return schema{"x-kubernetes-int-or-string": true}
	case "io.k8s.apimachinery.pkg.runtime.RawExtension", meta + "FieldsV1":
		free["type"] = "object"
		return free
	case ext + "JSON":
		return free
	case ext + "JSONSchemaPropsOrArray", ext + "JSONSchemaPropsOrBool", ext + "JSONSchemaPropsOrStringArray":
		free["x-object"] = schema{"$ref": ext + "JSONSchemaProps"}
		return free
	}
	return nil
}

// strip keeps what a validator reads, shortens references to the schema's name
// and adds the enumerations.
func strip(name string, s schema, g *goTypes) schema {
	if s := special(name); s != nil {
		return s
	}
	out := slim(s)
	props, _ := out["properties"].(schema)
	pkg, typeName := goName(name)
	for field, f := range g.fields(pkg, typeName) {
		p, ok := props[field].(schema)
		if !ok {
			continue
		}
		if f.items {
			p, ok = p["items"].(schema)
		}
		if ok && p["type"] == "string" {
			p["enum"] = f.values
		}
	}
	return out
}

// goName turns "io.k8s.api.core.v1.Pod" into "k8s.io/api/core/v1" and "Pod".
func goName(name string) (pkg, typeName string) {
	rest, ok := strings.CutPrefix(name, "io.k8s.api.")
	if !ok {
		return "", ""
	}
	parts := strings.Split(rest, ".")
	last := len(parts) - 1
	return "k8s.io/api/" + path.Join(parts[:last]...), parts[last]
}

func slim(s schema) schema {
	out := schema{}
	for key, v := range s {
		switch key {
		case "type", "required", "pattern", "minimum", "maximum", "nullable",
			"x-kubernetes-list-type", "x-kubernetes-list-map-keys":
			out[key] = v
		case "format":
			out[key] = v
		case "$ref":
			out[key] = strings.TrimPrefix(v.(string), refPrefix)
		case "allOf": // one reference beside a default
			for k, x := range slim(v.([]any)[0].(schema)) {
				out[k] = x
			}
		case "default":
			if !isZero(v) {
				out[key] = v
			}
		case "items", "additionalProperties":
			out[key] = slim(v.(schema))
		case "properties":
			props := schema{}
			for name, p := range v.(schema) {
				props[name] = slim(p.(schema))
			}
			out[key] = props
		}
	}
	return out
}

// isZero says that a default is only Go's zero value, which the API server does
// not take for an answer.
func isZero(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case float64:
		return v == 0
	case bool:
		return !v
	case map[string]any:
		return len(v) == 0
	}
	return v == nil
}
