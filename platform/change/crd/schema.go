package crd

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"dualtrack.internal/platform/change/inside"
)

// walk compares two schemas of one version.
type walk struct {
	*narrowings
	loose bool // the whole definition keeps unknown fields
	depth int
	// inside counts the allOf, anyOf and oneOf around: nothing there decides what
	// is kept.
	inside int
}

// deepest bounds the walk: a definition that nests deeper is no one's.
const deepest = 200

// free says that a schema takes anything.
func free(s map[string]any) bool { return s["x-kubernetes-preserve-unknown-fields"] == true }

// schema compares what stands at one place; path is for people, "" for the object.
func (w *walk) schema(path, pointer string, before, after map[string]any) {
	if w.depth++; w.depth > deepest {
		w.depth--
		return
	}
	defer func() { w.depth-- }()
	if reflect.DeepEqual(before, after) {
		return
	}
	name := path
	if name == "" {
		name = "the object"
	}
	w.kind(name, pointer, before, after)
	w.bounds(name, pointer, before, after)
	w.lists(name, pointer, before, after)
	w.rules(name, pointer, before, after)
	w.properties(path, pointer, before, after)
	w.required(path, pointer, before, after)
	w.additional(path, pointer, before, after)
	if a, b := inside.Map(after, "items"), inside.Map(before, "items"); a != nil && b != nil {
		w.schema(path+"[]", pointer+"/items", b, a)
	}
	w.junctors(path, name, pointer, before, after)
}

func (w *walk) kind(name, pointer string, before, after map[string]any) {
	was, now := inside.Text(before, "type"), inside.Text(after, "type")
	either := inside.At(after, "x-kubernetes-int-or-string") == true
	switch {
	case now == "" || was == now || either && (was == "integer" || was == "string"):
	case was == "integer" && now == "number":
	case was == "" && inside.At(before, "x-kubernetes-int-or-string") != true && !free(before) && len(before) > 0: // said nothing, and still took anything
		w.add(pointer+"/type", Constraint, "%s must be of type %s now", name, now)
	default:
		w.add(pointer+"/type", Constraint, "the type of %s changes from %s to %s", name, kindOf(before), now)
	}
	if inside.At(before, "nullable") == true && inside.At(after, "nullable") != true {
		w.add(pointer+"/nullable", Constraint, "%s may no longer be null", name)
	}
	if free(before) && !free(after) && !w.loose && now == "object" {
		w.add(pointer, Property, "%s keeps no fields that the schema does not name any more: they are dropped", name)
	}
	for _, key := range []string{"x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-map-type"} {
		b, a := inside.At(before, key), inside.At(after, key)
		if fmt.Sprint(meant(key, b)) != fmt.Sprint(meant(key, a)) {
			w.add(pointer+"/"+key, Constraint, "%s of %s changes from %v to %v: stored lists may hold what the new type refuses, and who owns which item is lost", key, name, meant(key, b), meant(key, a))
		}
	}
	if inside.At(after, "x-kubernetes-embedded-resource") == true && inside.At(before, "x-kubernetes-embedded-resource") != true {
		w.add(pointer+"/x-kubernetes-embedded-resource", Constraint, "%s must be a whole object now, with apiVersion, kind and metadata", name)
	}
}

func kindOf(s map[string]any) string {
	switch {
	case inside.Text(s, "type") != "":
		return inside.Text(s, "type")
	case inside.At(s, "x-kubernetes-int-or-string") == true:
		return "integer or string"
	}
	return "any"
}

// meant is what goes without saying.
func meant(key string, v any) any {
	switch {
	case v != nil:
		return v
	case key == "x-kubernetes-list-type":
		return "atomic"
	case key == "x-kubernetes-map-type":
		return "granular"
	}
	return "none"
}

// bounds are numbers that may not be passed.
func (w *walk) bounds(name, pointer string, before, after map[string]any) {
	for _, key := range []string{"minimum", "minLength", "minItems", "minProperties"} {
		if a, said := number(after[key]); said {
			b, was := number(before[key])
			if (!was && (a > 0 || key == "minimum")) || was && a > b {
				w.add(pointer+"/"+key, Constraint, "%s of %s is %v now, it was %s", key, name, after[key], orUnset(before[key]))
			}
		}
	}
	for _, key := range []string{"maximum", "maxLength", "maxItems", "maxProperties"} {
		if a, said := number(after[key]); said {
			if b, was := number(before[key]); !was || a < b {
				w.add(pointer+"/"+key, Constraint, "%s of %s is %v now, it was %s", key, name, after[key], orUnset(before[key]))
			}
		}
	}
	for _, key := range []string{"exclusiveMinimum", "exclusiveMaximum", "uniqueItems"} {
		if after[key] == true && before[key] != true {
			w.add(pointer+"/"+key, Constraint, "%s is set on %s now", key, name)
		}
	}
	for _, key := range []string{"pattern", "format", "multipleOf"} {
		if a := after[key]; a != nil && fmt.Sprint(a) != "" && !reflect.DeepEqual(a, before[key]) {
			w.add(pointer+"/"+key, Constraint, "%s of %s is %v now, it was %s", key, name, a, orUnset(before[key]))
		}
	}
}

func orUnset(v any) string {
	if v == nil || v == "" {
		return "not set"
	}
	return fmt.Sprint(v)
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

// lists are the values that may be written.
func (w *walk) lists(name, pointer string, before, after map[string]any) {
	now := inside.List(after, "enum")
	if len(now) == 0 {
		return
	}
	was := inside.List(before, "enum")
	if len(was) == 0 {
		w.add(pointer+"/enum", Constraint, "%s must be one of %s now", name, row(now))
		return
	}
	var gone []any
	for _, v := range was {
		if !holds(now, v) {
			gone = append(gone, v)
		}
	}
	if len(gone) > 0 {
		w.add(pointer+"/enum", Constraint, "%s may no longer be %s", name, row(gone))
	}
}

func row(values []any) string {
	var out []string
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return strings.Join(out, ", ")
}

// rules are the CEL rules: a changed one is a new one, for which is stricter can't
// be told.
func (w *walk) rules(name, pointer string, before, after map[string]any) {
	known := map[string]bool{}
	for _, r := range inside.List(before, "x-kubernetes-validations") {
		known[inside.Text(r, "rule")] = true
	}
	for i, r := range inside.List(after, "x-kubernetes-validations") {
		if rule := inside.Text(r, "rule"); rule != "" && !known[rule] {
			w.add(pointer+"/x-kubernetes-validations/"+strconv.Itoa(i), Constraint, "%s must keep a new rule: %s", name, rule)
		}
	}
}

func joined(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (w *walk) properties(path, pointer string, before, after map[string]any) {
	was, now := inside.Map(before, "properties"), inside.Map(after, "properties")
	for _, key := range keys(was, now) {
		b, there := was[key].(map[string]any)
		a, stays := now[key].(map[string]any)
		to := pointer + "/properties/" + escape(key)
		switch {
		case there && stays:
			w.schema(joined(path, key), to, b, a)
		case there && inside.Map(after, "additionalProperties") != nil:
			w.schema(joined(path, key), pointer+"/additionalProperties", b, inside.Map(after, "additionalProperties"))
		case w.inside > 0 && stays && len(constraints(a)) > 0:
			w.add(to, Constraint, "%s must keep a condition that is new", joined(path, key))
		case w.inside > 0:
		case there && !free(after) && !w.loose && after["additionalProperties"] != true && inside.Text(after, "type") != "":
			w.add(pointer+"/properties", Property, "%s is gone from the schema: it is dropped from every object when that is next read and written", joined(path, key))
		case stays && (free(before) || w.loose) && len(constraints(a)) > 0:
			w.add(to, Constraint, "%s, which could hold anything, must be what the schema says now", joined(path, key))
		case stays && inside.Map(before, "additionalProperties") != nil:
			w.schema(joined(path, key), to, inside.Map(before, "additionalProperties"), a)
		}
	}
}

// constraints is a schema without what only describes.
func constraints(s map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range s {
		if k != "description" && k != "default" && k != "title" && k != "x-kubernetes-preserve-unknown-fields" {
			out[k] = v
		}
	}
	return out
}

// required are the properties that must be there; one with a default always is.
func (w *walk) required(path, pointer string, before, after map[string]any) {
	was := inside.List(before, "required")
	for i, v := range inside.List(after, "required") {
		key, ok := v.(string)
		if !ok {
			continue
		}
		if inside.At(after, "properties", key, "default") != nil {
			continue
		}
		switch {
		case !holds(was, v):
			w.add(pointer+"/required/"+strconv.Itoa(i), Constraint, "%s is required now and has no default", joined(path, key))
		case inside.At(before, "properties", key, "default") != nil:
			w.add(pointer+"/required/"+strconv.Itoa(i), Constraint, "%s is required and has no default any more", joined(path, key))
		}
	}
}

func (w *walk) additional(path, pointer string, before, after map[string]any) {
	b, a := before["additionalProperties"], after["additionalProperties"]
	if b == nil || b == false {
		return
	}
	was, _ := b.(map[string]any)
	now, typed := a.(map[string]any)
	switch {
	case typed:
		w.schema(joined(path, "*"), pointer+"/additionalProperties", was, now)
	case a == true || free(after) || w.loose || inside.Text(after, "type") != "object":
	case a == false || a == nil:
		w.add(pointer, Property, "%s takes only the properties that it names now: others are dropped", orObject(path))
	}
}

func orObject(path string) string {
	if path == "" {
		return "the object"
	}
	return path
}

// junctors are conditions of conditions.
func (w *walk) junctors(path, name, pointer string, before, after map[string]any) {
	for _, key := range []string{"allOf", "anyOf", "oneOf"} {
		was, now := inside.List(before, key), inside.List(after, key)
		if reflect.DeepEqual(was, now) || len(now) == 0 {
			continue
		}
		to := pointer + "/" + key
		switch {
		case len(was) == len(now) && len(was) > 0 && !permuted(was, now):
			for i := range now {
				if b, a := inside.Map(was[i]), inside.Map(now[i]); b != nil && a != nil {
					w.inside++
					w.schema(path, to+"/"+strconv.Itoa(i), b, a)
					w.inside--
				}
			}
		case len(was) == 0:
			w.add(to, Constraint, "%s must keep %s now", name, key)
		case key == "allOf" && !all(now, was):
			w.add(to, Constraint, "%s must keep one more condition of allOf", name)
		case key == "anyOf" && !all(was, now):
			w.add(to, Constraint, "%s has one alternative of anyOf less", name)
		case key == "oneOf" && !permuted(was, now):
			w.add(to, Constraint, "the alternatives of oneOf differ for %s: what fitted exactly one may fit none or two", name)
		}
	}
	if a := after["not"]; a != nil && !reflect.DeepEqual(a, before["not"]) {
		w.add(pointer+"/not", Constraint, "%s must not be what a new condition says", name)
	}
}

// all says that the one list holds every item of the other.
func all(list, in []any) bool {
	for _, v := range list {
		if !holds(in, v) {
			return false
		}
	}
	return true
}

func permuted(a, b []any) bool { return len(a) == len(b) && all(a, b) && all(b, a) }
