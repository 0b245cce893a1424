package crd_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/change/crd"
)

func read(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestSchema compares two schemas of one property "a".
func TestSchema(t *testing.T) {
	t.Parallel()
	const base = "/spec/versions/0/schema/openAPIV3Schema"
	cases := []struct{ name, before, after, want string }{ // want is the pointer below the schema; "" says nothing narrows
		{"equal", `{type: string}`, `{type: string}`, ""},
		{"words", `{type: string, description: a}`, `{type: string, description: b}`, ""},
		{"type", `{type: string}`, `{type: integer}`, "/properties/a/type"},
		{"integer to number", `{type: integer}`, `{type: number}`, ""},
		{"number to integer", `{type: number}`, `{type: integer}`, "/properties/a/type"},
		{"integer to either", `{type: integer}`, `{x-kubernetes-int-or-string: true}`, ""},
		{"either to integer", `{x-kubernetes-int-or-string: true}`, `{type: integer}`, "/properties/a/type"},
		{"nullable gone", `{type: string, nullable: true}`, `{type: string}`, "/properties/a/nullable"},
		{"nullable", `{type: string}`, `{type: string, nullable: true}`, ""},
		{"enum", `{type: string}`, `{type: string, enum: [a]}`, "/properties/a/enum"},
		{"enum less", `{type: string, enum: [a, b]}`, `{type: string, enum: [a]}`, "/properties/a/enum"},
		{"enum more", `{type: string, enum: [a]}`, `{type: string, enum: [b, a]}`, ""},
		{"enum gone", `{type: string, enum: [a]}`, `{type: string}`, ""},
		{"pattern", `{type: string}`, `{type: string, pattern: "^a$"}`, "/properties/a/pattern"},
		{"pattern gone", `{type: string, pattern: "^a$"}`, `{type: string}`, ""},
		{"minimum", `{type: integer, minimum: 1}`, `{type: integer, minimum: 2}`, "/properties/a/minimum"},
		{"minimum lower", `{type: integer, minimum: 2}`, `{type: integer, minimum: 1}`, ""},
		{"minLength of nothing", `{type: string}`, `{type: string, minLength: 0}`, ""},
		{"maxLength", `{type: string}`, `{type: string, maxLength: 3}`, "/properties/a/maxLength"},
		{"maximum lower", `{type: integer, maximum: 5}`, `{type: integer, maximum: 4}`, "/properties/a/maximum"},
		{"maximum higher", `{type: integer, maximum: 5}`, `{type: integer, maximum: 6}`, ""},
		{"exclusive", `{type: integer, minimum: 1}`, `{type: integer, minimum: 1, exclusiveMinimum: true}`, "/properties/a/exclusiveMinimum"},
		{"items", `{type: array, items: {type: string}}`, `{type: array, items: {type: string, maxLength: 3}}`, "/properties/a/items/maxLength"},
		{"list type", `{type: array, items: {type: string}}`, `{type: array, x-kubernetes-list-type: set, items: {type: string}}`, "/properties/a/x-kubernetes-list-type"},
		{"list type said", `{type: array, items: {type: string}}`, `{type: array, x-kubernetes-list-type: atomic, items: {type: string}}`, ""},
		{"property gone", `{type: object, properties: {b: {type: string}, c: {type: string}}}`, `{type: object, properties: {c: {type: string}}}`, "/properties/a/properties"},
		{"property gone, kept", `{type: object, properties: {b: {type: string}}}`, `{type: object, x-kubernetes-preserve-unknown-fields: true}`, ""},
		{"property new", `{type: object, properties: {}}`, `{type: object, properties: {b: {type: string}}}`, ""},
		{"required", `{type: object, properties: {b: {type: string}}}`, `{type: object, required: [b], properties: {b: {type: string}}}`, "/properties/a/required/0"},
		{"required with default", `{type: object, properties: {b: {type: string}}}`, `{type: object, required: [b], properties: {b: {type: string, default: x}}}`, ""},
		{"required, default gone", `{type: object, required: [b], properties: {b: {type: string, default: x}}}`, `{type: object, required: [b], properties: {b: {type: string}}}`, "/properties/a/required/0"},
		{"required no more", `{type: object, required: [b], properties: {b: {type: string}}}`, `{type: object, properties: {b: {type: string}}}`, ""},
		{"unknown fields dropped", `{type: object, x-kubernetes-preserve-unknown-fields: true}`, `{type: object}`, "/properties/a"},
		{"typed from now on", `{type: object, x-kubernetes-preserve-unknown-fields: true}`, `{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {b: {type: string}}}`, "/properties/a/properties/b"},
		{"map value", `{type: object, additionalProperties: {type: string}}`, `{type: object, additionalProperties: {type: string, maxLength: 3}}`, "/properties/a/additionalProperties/maxLength"},
		{"map gone", `{type: object, additionalProperties: {type: string}}`, `{type: object, properties: {b: {type: string}}}`, "/properties/a"},
		{"CEL", `{type: string}`, `{type: string, x-kubernetes-validations: [{rule: "self != ''"}]}`, "/properties/a/x-kubernetes-validations/0"},
		{"CEL words", `{type: string, x-kubernetes-validations: [{rule: "self != ''", message: a}]}`, `{type: string, x-kubernetes-validations: [{rule: "self != ''", message: b}]}`, ""},
		{"allOf", `{type: string}`, `{type: string, allOf: [{maxLength: 3}]}`, "/properties/a/allOf"},
		{"allOf tightened", `{type: string, allOf: [{maxLength: 3}]}`, `{type: string, allOf: [{maxLength: 2}]}`, "/properties/a/allOf/0/maxLength"},
		{"allOf less", `{type: string, allOf: [{maxLength: 3}, {minLength: 1}]}`, `{type: string, allOf: [{maxLength: 3}]}`, ""},
		{"anyOf less", `{type: string, anyOf: [{maxLength: 3}, {minLength: 9}]}`, `{type: string, anyOf: [{maxLength: 3}]}`, "/properties/a/anyOf"},
		{"anyOf more", `{type: string, anyOf: [{maxLength: 3}]}`, `{type: string, anyOf: [{maxLength: 3}, {minLength: 9}]}`, ""},
		{"anyOf in another order", `{type: string, anyOf: [{maxLength: 3}, {minLength: 9}]}`, `{type: string, anyOf: [{minLength: 9}, {maxLength: 3}]}`, ""},
		{"oneOf", `{type: string, oneOf: [{maxLength: 3}]}`, `{type: string, oneOf: [{maxLength: 3}, {minLength: 2}]}`, "/properties/a/oneOf"},
		{"condition on a property goes", `{type: object, properties: {b: {type: string}}, allOf: [{properties: {b: {maxLength: 3}}}]}`, `{type: object, properties: {b: {type: string}}, allOf: [{required: []}]}`, ""},
		{"not", `{type: string}`, `{type: string, not: {pattern: "^a"}}`, "/properties/a/not"},
		{"nonsense", `{type: [a], required: b, enum: {a: b}, properties: [c], items: d, minimum: e, allOf: f}`, `{type: 3, required: [3], enum: 4, properties: {c: 5}, items: [6], minimum: [], x-kubernetes-validations: [8]}`, ""},
	}
	for _, c := range cases {
		definition := func(a string) map[string]any {
			return read(t, "spec: {versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {a: "+a+"}}}}]}")
		}
		var got []string
		for _, n := range crd.Compare(definition(c.before), definition(c.after)) {
			got = append(got, strings.TrimPrefix(n.Pointer, base))
			if n.Why == "" {
				t.Errorf("%s: no reason", c.name)
			}
		}
		var want []string
		if c.want != "" {
			want = []string{c.want}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

func TestVersions(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, before, after, want string }{
		{"one more", `{versions: [{name: v1, served: true, storage: true}]}`, `{versions: [{name: v1, served: true, storage: true}, {name: v2, served: true}]}`, ""},
		{"storage gone", `{versions: [{name: v1, served: true, storage: true}]}`, `{versions: [{name: v2, served: true, storage: true}]}`, "storage /spec/versions"},
		{"served gone", `{versions: [{name: v1, served: true}, {name: v2, served: true, storage: true}]}`, `{versions: [{name: v2, served: true, storage: true}]}`, "version /spec/versions"},
		{"unserved gone", `{versions: [{name: v1}, {name: v2, served: true, storage: true}]}`, `{versions: [{name: v2, served: true, storage: true}]}`, ""},
		{"no longer served", `{versions: [{name: v1, served: true}, {name: v2, served: true, storage: true}]}`, `{versions: [{name: v2, served: true, storage: true}, {name: v1}]}`, "version /spec/versions/1/served"},
		{"storage moves", `{versions: [{name: v1, served: true, storage: true}, {name: v2, served: true}]}`, `{versions: [{name: v1, served: true}, {name: v2, served: true, storage: true}]}`, "storage /spec/versions/0/storage"},
		{"webhook gone", `{conversion: {strategy: Webhook}, versions: [{name: v1, served: true, storage: true}, {name: v2, served: true}]}`, `{versions: [{name: v1, served: true, storage: true}, {name: v2, served: true}]}`, "conversion /spec/conversion"},
		{"webhook gone, one version", `{conversion: {strategy: Webhook}, versions: [{name: v1, served: true, storage: true}]}`, `{versions: [{name: v1, served: true, storage: true}]}`, ""},
		{"pruning", `{preserveUnknownFields: true, versions: [{name: v1}]}`, `{versions: [{name: v1}]}`, "property /spec/preserveUnknownFields"},
		{"nonsense", `{versions: {a: b}, conversion: [c]}`, `{versions: [3, {name: [4]}], conversion: d}`, ""},
	}
	for _, c := range cases {
		var got []string
		for _, n := range crd.Compare(read(t, "spec: "+c.before), read(t, "spec: "+c.after)) {
			got = append(got, n.Kind+" "+n.Pointer)
		}
		if diff := cmp.Diff(c.want, strings.Join(got, ", ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
