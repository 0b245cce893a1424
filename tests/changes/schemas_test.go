package changes

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/change"
)

// narrowing is two schemas of one property, and a value that the earlier takes.
type narrowing struct {
	name, before, after, value string
	narrower                   bool // the later refuses the value, or drops some of it
}

func narrowings() []narrowing {
	return append(scalarNarrowings(), structuredNarrowings()...)
}

func scalarNarrowings() []narrowing {
	return []narrowing{
		{"type", "{type: string}", "{type: integer}", "a", true},
		{"integer to number", "{type: integer}", "{type: number}", "1", false},
		{"number to integer", "{type: number}", "{type: integer}", "1.5", true},
		{"integer to either", "{type: integer}", "{x-kubernetes-int-or-string: true}", "1", false},
		{"string to either", "{type: string}", "{x-kubernetes-int-or-string: true}", "a", false},
		{"either to integer", "{x-kubernetes-int-or-string: true}", "{type: integer}", "a", true},
		{"enum comes", "{type: string}", "{type: string, enum: [b]}", "a", true},
		{"enum goes", "{type: string, enum: [a]}", "{type: string}", "a", false},
		{"enum shrinks", "{type: string, enum: [a, b]}", "{type: string, enum: [b]}", "a", true},
		{"enum grows", "{type: string, enum: [a]}", "{type: string, enum: [b, a]}", "a", false},
		{"pattern comes", "{type: string}", "{type: string, pattern: ^b}", "a", true},
		{"pattern goes", "{type: string, pattern: ^a}", "{type: string}", "a", false},
		{"pattern changes", "{type: string, pattern: ^a}", "{type: string, pattern: ^ab}", "a", true},
		{"format comes", "{type: string}", "{type: string, format: date}", "a", true},
		{"format goes", "{type: string, format: date}", "{type: string}", "2029-01-01", false},
		{"minimum comes", "{type: integer}", "{type: integer, minimum: 2}", "1", true},
		{"minimum rises", "{type: integer, minimum: 1}", "{type: integer, minimum: 2}", "1", true},
		{"minimum falls", "{type: integer, minimum: 1}", "{type: integer, minimum: 0}", "1", false},
		{"minimum goes", "{type: integer, minimum: 1}", "{type: integer}", "1", false},
		{"minimum excludes", "{type: integer, minimum: 1}", "{type: integer, minimum: 1, exclusiveMinimum: true}", "1", true},
		{"maximum comes", "{type: integer}", "{type: integer, maximum: 1}", "2", true},
		{"maximum falls", "{type: integer, maximum: 5}", "{type: integer, maximum: 1}", "2", true},
		{"maximum rises", "{type: integer, maximum: 5}", "{type: integer, maximum: 6}", "5", false},
		{"maximum excludes", "{type: integer, maximum: 5}", "{type: integer, maximum: 5, exclusiveMaximum: true}", "5", true},
		{"multipleOf comes", "{type: integer}", "{type: integer, multipleOf: 2}", "3", true},
		{"multipleOf goes", "{type: integer, multipleOf: 2}", "{type: integer}", "4", false},
		{"maxLength comes", "{type: string}", "{type: string, maxLength: 2}", "abc", true},
		{"maxLength falls", "{type: string, maxLength: 3}", "{type: string, maxLength: 2}", "abc", true},
		{"maxLength rises", "{type: string, maxLength: 3}", "{type: string, maxLength: 4}", "abc", false},
		{"minLength comes", "{type: string}", "{type: string, minLength: 2}", "a", true},
		{"minLength of nothing", "{type: string}", "{type: string, minLength: 0}", "a", false},
		{"nullable goes", "{type: string, nullable: true}", "{type: string}", "null", true},
		{"nullable items go", "{type: array, items: {type: string, nullable: true}}", "{type: array, items: {type: string}}", "[null]", true},
		{"nullable comes", "{type: string}", "{type: string, nullable: true}", "a", false},
		{"words", "{type: string, description: a}", "{type: string, description: b, title: c}", "a", false},
		{"default comes", "{type: string}", "{type: string, default: b}", "a", false},
		{"a rule comes", "{type: string, maxLength: 9}", "{type: string, maxLength: 9, x-kubernetes-validations: [{rule: \"self.startsWith('b')\"}]}", "a", true},
		{"a rule goes", "{type: string, maxLength: 9, x-kubernetes-validations: [{rule: \"self.startsWith('a')\"}]}", "{type: string, maxLength: 9}", "a", false},
		{"a rule's message", "{type: string, maxLength: 9, x-kubernetes-validations: [{rule: \"self.startsWith('a')\"}]}", "{type: string, maxLength: 9, x-kubernetes-validations: [{rule: \"self.startsWith('a')\", message: never}]}", "a", false},
	}
}

func structuredNarrowings() []narrowing {
	const ab = "properties: {a: {type: string}, b: {type: string}}"
	return []narrowing{
		{"property goes", "{type: object, " + ab + "}", "{type: object, properties: {a: {type: string}}}", "{a: x, b: x}", true},
		{"property comes", "{type: object, properties: {a: {type: string}}}", "{type: object, " + ab + "}", "{a: x}", false},
		{"property goes, unknown ones are kept", "{type: object, " + ab + "}", "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}", "{a: x, b: x}", false},
		{"property goes into a mapping", "{type: object, " + ab + "}", "{type: object, additionalProperties: {type: string}}", "{a: x, b: x}", false},
		{"property goes into a stricter mapping", "{type: object, " + ab + "}", "{type: object, additionalProperties: {type: string, maxLength: 1}}", "{a: xx}", true},
		{"unknown ones are dropped", "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}", "{type: object, properties: {a: {type: string}}}", "{c: x}", true},
		{"unknown ones are kept", "{type: object, properties: {a: {type: string}}}", "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}", "{a: x}", false},
		{"unknown ones are typed", "{type: object, x-kubernetes-preserve-unknown-fields: true}", "{type: object, x-kubernetes-preserve-unknown-fields: true, properties: {a: {type: string}}}", "{a: 1}", true},
		{"required comes", "{type: object, " + ab + "}", "{type: object, required: [b], " + ab + "}", "{a: x}", true},
		{"required with a default", "{type: object, " + ab + "}", "{type: object, required: [b], properties: {a: {type: string}, b: {type: string, default: z}}}", "{a: x}", false},
		{"required goes", "{type: object, required: [b], " + ab + "}", "{type: object, " + ab + "}", "{b: x}", false},
		{"deep", "{type: object, properties: {a: {type: object, properties: {b: {type: integer}}}}}", "{type: object, properties: {a: {type: object, properties: {b: {type: integer, maximum: 1}}}}}", "{a: {b: 2}}", true},
		{"items", "{type: array, items: {type: string}}", "{type: array, items: {type: string, maxLength: 1}}", "[ab]", true},
		{"maxItems", "{type: array, items: {type: string}}", "{type: array, maxItems: 1, items: {type: string}}", "[a, b]", true},
		{"minItems", "{type: array, items: {type: string}}", "{type: array, minItems: 2, items: {type: string}}", "[a]", true},
		{"set", "{type: array, items: {type: string}}", "{type: array, x-kubernetes-list-type: set, items: {type: string}}", "[a, a]", true},
		{"atomic", "{type: array, items: {type: string}}", "{type: array, x-kubernetes-list-type: atomic, items: {type: string}}", "[a, a]", false},
		{"map's values", "{type: object, additionalProperties: {type: string}}", "{type: object, additionalProperties: {type: string, maxLength: 1}}", "{a: xx}", true},
		{"map's values loosened", "{type: object, additionalProperties: {type: string, maxLength: 2}}", "{type: object, additionalProperties: {type: string}}", "{a: xx}", false},
		{"map closes", "{type: object, additionalProperties: {type: string}}", "{type: object, properties: {a: {type: string}}}", "{b: x}", true},
		{"maxProperties", "{type: object, additionalProperties: {type: string}}", "{type: object, maxProperties: 1, additionalProperties: {type: string}}", "{a: x, b: x}", true},
		{"allOf comes", "{type: string}", "{type: string, allOf: [{maxLength: 1}]}", "ab", true},
		{"allOf tightens", "{type: string, allOf: [{maxLength: 2}]}", "{type: string, allOf: [{maxLength: 1}]}", "ab", true},
		{"allOf loosens", "{type: string, allOf: [{maxLength: 2}, {minLength: 1}]}", "{type: string, allOf: [{maxLength: 2}]}", "ab", false},
		{"anyOf shrinks", "{type: string, anyOf: [{maxLength: 1}, {pattern: ^ab}]}", "{type: string, anyOf: [{maxLength: 1}]}", "ab", true},
		{"anyOf grows", "{type: string, anyOf: [{maxLength: 1}]}", "{type: string, anyOf: [{maxLength: 1}, {pattern: ^ab}]}", "a", false},
		{"oneOf grows", "{type: string, oneOf: [{maxLength: 2}]}", "{type: string, oneOf: [{maxLength: 2}, {pattern: ^ab}]}", "ab", true},
		{"not comes", "{type: string}", "{type: string, not: {pattern: ^a}}", "ab", true},
		{"embedded", "{type: object, x-kubernetes-preserve-unknown-fields: true}", "{type: object, x-kubernetes-preserve-unknown-fields: true, x-kubernetes-embedded-resource: true}", "{a: x}", true},
	}
}

// schemas says of each pair whether the later definition takes less, and asks the
// API server whether it takes a value that the earlier takes, and keeps it.
func (s apiServer) schemas(t *testing.T) (pairs int) {
	t.Helper()
	list := narrowings()
	definition := func(group string, pick func(narrowing) string, only int) *unstructured.Unstructured {
		properties := ""
		for i, n := range list {
			if only < 0 || only == i {
				properties += fmt.Sprintf("                p%d: %s\n", i, pick(n))
			}
		}
		return object(t, fmt.Sprintf(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.%s}
spec:
  group: %s
  scope: Cluster
  names: {plural: things, kind: Thing}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
%s`, group, group, properties))
	}
	before := func(n narrowing) string { return n.before }
	after := func(n narrowing) string { return n.after }
	for group, pick := range map[string]func(narrowing) string{"before.example.org": before, "after.example.org": after} {
		crd := definition(group, pick, -1)
		if err := s.apply(t, crd); err != nil {
			t.Fatal(err)
		}
		s.settle(t, crd)
		s.served(t, group)
	}
	for i, n := range list {
		if why := s.keeps(t, "before.example.org", i, n.value); why != "" {
			t.Errorf("%s: the earlier definition does not take %s: %s", n.name, n.value, why)
		}
		why := s.keeps(t, "after.example.org", i, n.value)
		if (why != "") != n.narrower {
			t.Errorf("%s: the table says narrower: %v, the server %q", n.name, n.narrower, why)
		}
		said := predicted(definition("x.example.org", before, i), definition("x.example.org", after, i), change.Narrows)
		if (len(said) > 0) != (why != "") {
			t.Errorf("%s: said %q, the server %q", n.name, said, why)
		}
		pairs++
	}
	return pairs
}

func things(group string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: "things"}
}

// served waits until a kind is served, which is a moment after it is established.
func (s apiServer) served(t *testing.T, group string) {
	t.Helper()
	err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		_, err := s.client.Resource(things(group)).List(ctx, metav1.ListOptions{})
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// keeps asks the API server to make an object with a value, dry, and says why it
// does not take it as it is.
func (s apiServer) keeps(t *testing.T, group string, property int, value string) string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(value), &v); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("p%d", property)
	thing := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Thing", "metadata": map[string]any{"name": name}, "spec": map[string]any{name: v}}}
	made, err := s.client.Resource(things(group)).Create(t.Context(), thing, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case apierrors.IsInvalid(err):
		return err.Error()
	case err != nil:
		t.Fatalf("%s: %v", value, err)
	}
	spec, _ := made.Object["spec"].(map[string]any)
	if kept, there := spec[name]; !there || !subset(v, kept) {
		return fmt.Sprintf("it keeps %v", kept)
	}
	return ""
}

// subset says that a value is kept whole; defaults may have come to it.
func subset(want, got any) bool {
	w, ok := want.(map[string]any)
	g, ok2 := got.(map[string]any)
	if !ok || !ok2 {
		return reflect.DeepEqual(normal(want), normal(got))
	}
	for k, v := range w {
		if !subset(v, g[k]) {
			return false
		}
	}
	return true
}

func normal(v any) string { return fmt.Sprint(v) }
