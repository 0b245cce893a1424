package schema

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	kube "k8s.io/apimachinery/pkg/runtime/schema"

	"dualtrack.internal/platform/render"
)

func widgets(t testing.TB) []render.Object {
	t.Helper()
	b, err := os.ReadFile("testdata/crds/widgets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return objects(t, string(b))
}

// widget is a Widget with further fields of its spec.
func widget(spec string) string {
	return "{apiVersion: example.org/v1, kind: Widget, metadata: {name: w, namespace: shop}, spec: {size: 3, " + spec + "}}"
}

func TestCustomResources(t *testing.T) {
	t.Parallel()
	v := open(t, baseline(t))
	for _, c := range []struct{ name, object, want string }{
		{"valid", widget(`ratio: 1.5, colour: red, port: 80%, when: "2024-05-01T10:00:00Z", address: 10.0.0.1, blob: AAEC, free: {known: true, x: 1}, anything: [1], maybe: null, names: {a: b}, tags: [a, b], parts: [{name: a}, {name: a, side: right}], choice: {a: x}, range: {low: 1}, template: {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {}}`), ""},
		{"status is the cluster's", `{apiVersion: example.org/v1, kind: Widget, metadata: {name: w}, spec: {size: 1}, status: {}}`, ""},
		{"null is nothing", widget("colour: null, size: 4"), ""},
		{"rules in CEL are not run", widget(""), ""},
		{"unknown field", widget("colur: red"),
			"error schema /spec/colur: unknown field spec.colur; did you mean colour?; rename colur to colour"},
		{"unknown in a list", widget("parts: [{name: a, wieght: 1}]"),
			"error schema /spec/parts/0/wieght: unknown field spec.parts[0].wieght; did you mean weight?; rename wieght to weight"},
		{"unknown at the root", `{apiVersion: example.org/v1, kind: Widget, metadata: {name: w}, spec: {size: 1}, specs: {}}`,
			"error schema /specs: unknown field specs; remove it; the fields that can stand here are status"},
		{"missing", `{apiVersion: example.org/v1, kind: Widget, metadata: {name: w}, spec: {}}`,
			"error schema /spec/size: spec.size is missing; add spec.size, an integer"},
		{"missing at the root", `{apiVersion: example.org/v1, kind: Widget, metadata: {name: w}}`,
			"error schema /spec: spec is missing; add spec, an object"},
		{"type", widget("tags: one"), `error schema /spec/tags: spec.tags is the string "one", must be a list; write a list`},
		{"range", widget("size: 10"), "error schema /spec/size: spec.size is the number 10, must be at least 1 and at most 9; write a number at least 1 and at most 9"},
		{"exclusive", widget("ratio: 0"), "error schema /spec/ratio: spec.ratio is the number 0, must be more than 0; write a number more than 0"},
		{"multiple", widget("pairs: 3"), "error schema /spec/pairs: spec.pairs is the number 3, must be a multiple of 2; write a multiple of 2"},
		{"enumeration", widget("mode: fats"), `error schema /spec/mode: spec.mode is the string "fats", must be one of fast, slow; did you mean fast? write one of fast, slow`},
		{"empty is no value of an enumeration", widget(`mode: ""`), `error schema /spec/mode: spec.mode is the string "", must be one of fast, slow; write one of fast, slow`},
		{"pattern", widget("colour: RED"), `error schema /spec/colour: spec.colour is the string "RED", does not match its pattern; write it as the pattern ^[a-z]+$ asks`},
		{"length", widget("colour: crimson"), "error schema /spec/colour: spec.colour has 7 characters, may have at most 5; remove characters"},
		{"integer or string", widget("port: true"), "error schema /spec/port: spec.port is the boolean true, must be an integer or a string; write an integer or a string"},
		{"time", widget("when: today"), `error schema /spec/when: spec.when is the string "today", must be of the format date-time; write of the format date-time`},
		{"address", widget("address: 10.0.0"), `error schema /spec/address: spec.address is the string "10.0.0", must be of the format ipv4; write of the format ipv4`},
		{"known field of a free object", widget("free: {known: 1}"), "error schema /spec/free/known: spec.free.known is the number 1, must be true or false; write true or false"},
		{"too many fields", widget("names: {a: a, b: b, c: c}"), "error schema /spec/names: spec.names has 3 fields, may have at most 2; remove fields"},
		{"too few items", widget("tags: []"), "error schema /spec/tags: spec.tags has 0 items, needs at least 1; add items"},
		{"set", widget("tags: [a, b, a]"), "error schema /spec/tags/2: spec.tags[2] repeats spec.tags[0]; remove one of the two"},
		{"map with a default in its key", widget("parts: [{name: a}, {name: a, side: left}]"), `error schema /spec/parts/1: spec.parts[1] repeats spec.parts[0] (name "a", side "left"); remove one of the two`},
		{"no form", widget("range: {}"), "error schema /spec/range: spec.range fits none of its allowed forms: spec.range.low is missing; or spec.range.high is missing; make it fit one of them"},
		{"two forms", widget("choice: {a: one, b: two}"), "error schema /spec/choice: spec.choice fits 2 of its forms, only one is allowed; keep the fields of one form"},
		{"forbidden form", widget("choice: {a: one, c: two}"), "error schema /spec/choice: spec.choice has a form that its definition forbids; see the definition's schema"},
		{"all forms", widget("range: {low: -1, high: 8}"),
			"error schema /spec/range/high: spec.range.high is the number 8, must be at most 7; write a number at most 7\n" +
				"error schema /spec/range/low: spec.range.low is the number -1, must be at least 0; write a number at least 0"},
		{"embedded object", widget("template: {kind: Pod, metadata: {labels: [a]}}"),
			"error schema /spec/template/apiVersion: spec.template.apiVersion is missing; add spec.template.apiVersion\n" +
				"error schema /spec/template/metadata/labels: spec.template.metadata.labels is a list, must be an object; write an object"},
		{"metadata", `{apiVersion: example.org/v1, kind: Widget, metadata: {name: far-too-long, label: {}}, spec: {size: 1}}`,
			"error schema /metadata/label: unknown field metadata.label; did you mean labels?; rename label to labels\n" +
				"error schema /metadata/name: metadata.name has 12 characters, may have at most 10; remove characters"},
		{"deprecated version", `{apiVersion: example.org/v1beta1, kind: Widget, metadata: {name: w}, any: thing}`,
			"warning schema-deprecated /apiVersion: example.org/v1beta1 Widget is deprecated by its definition: example.org/v1beta1 is old; write it as example.org/v1 Widget"},
		{"version not served", `{apiVersion: example.org/v1alpha1, kind: Widget, metadata: {name: w}}`,
			"error schema /apiVersion: example.org/v1alpha1 Widget: no such kind in Kubernetes " + v.Version() + " and no CRD brings it; Widget is served as example.org/v1, example.org/v1beta1; write apiVersion: example.org/v1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// The definition counts though it stands behind its object.
			got := strings.TrimSpace(lines(v.Check(t.Context(), append(objects(t, c.object), widgets(t)...))))
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	v := open(t, baseline(t))
	for _, c := range []struct{ name, old, new, want string }{
		{"valid", "", "", ""},
		{"name", "name: widgets.example.org", "name: widget.example.org",
			"error schema /metadata/name: metadata.name must be plural and group of the definition, widgets.example.org; write name: widgets.example.org"},
		{"no type", "port: {x-kubernetes-int-or-string: true", "port: {x-kubernetes-int-or-string: false",
			"error schema /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/port: the schema has no type; add type"},
		{"no items", ", items: {type: string}}", "}",
			"error schema /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/tags: the list has no schema for its items; add items"},
		{"pattern", `"^[a-z]+$"`, `"^[a-z"`,
			"error schema /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/colour/pattern: the pattern is not a regular expression: error parsing regexp: missing closing ]: `[a-z`; correct the pattern"},
		{"two stored", "storage: false\n      deprecated", "storage: true\n      deprecated",
			"error schema /spec/versions: 2 versions of the definition are stored, exactly one must be; set storage: true on one version"},
		{"no schema", "schema: {openAPIV3Schema: {type: object}}", "schema: {}",
			"error schema /spec/versions/2/schema: the version has no schema; add schema.openAPIV3Schema"},
		{"misspelt keyword", "maxLength: 5", "maxLenght: 5",
			"error schema /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/colour/maxLenght: unknown field spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.colour.maxLenght; did you mean maxLength?; rename maxLenght to maxLength"},
		{"closed object", "additionalProperties: {type: string}", "additionalProperties: false",
			"error schema /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/names/additionalProperties: additionalProperties: false has no place in a definition; remove it: unknown fields are dropped anyhow"},
		{"reference", "ratio: {type: number", "ratio: {$ref: x, type: number",
			"error schema /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/ratio/$ref: a definition's schema can't refer to another; write the schema out"},
		{"null schema", "maybe: {type: string, nullable: true}", "maybe: null",
			"error schema /spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/maybe: the schema is empty; write a schema or remove it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile("testdata/crds/widgets.yaml")
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Replace(string(raw), c.old, c.new, 1)
			if c.old != "" && text == string(raw) {
				t.Fatalf("%s: nothing replaced", c.name)
			}
			if diff := cmp.Diff(c.want, strings.TrimSpace(lines(v.Check(t.Context(), objects(t, text))))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.name, diff)
			}
		})
	}
}

// An object whose definition is broken is not called unknown: it can't be judged.
func TestBrokenDefinition(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/crds/widgets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	objs := objects(t, widget("")+"\n---\n"+strings.Replace(string(raw), `"^[a-z]+$"`, `"["`, 1))
	got := open(t, baseline(t)).Check(t.Context(), objs)
	if len(got) != 2 || got[0].Class != "unknown" || got[0].Denies() || got[0].Object.Kind != "Widget" || !got[1].Denies() {
		t.Errorf("want one unknown about the Widget and one error about the definition, got:\n%s", lines(got))
	}
}

func TestExtend(t *testing.T) {
	t.Parallel()
	v := open(t, baseline(t))
	gvk := kube.GroupVersionKind{Group: "example.org", Version: "v1", Kind: "Widget"}
	if _, known := v.Scope(gvk); known {
		t.Error("Widget is known without its definition")
	}
	e := v.Extend(widgets(t))
	if namespaced, known := e.Scope(gvk); !namespaced || !known {
		t.Errorf("Widget: namespaced %t, known %t after Extend", namespaced, known)
	}
	if _, known := v.Scope(gvk); known {
		t.Error("Extend changed its receiver")
	}
	if got := e.Check(t.Context(), objects(t, widget(""))); len(got) != 0 {
		t.Errorf("an extended validator keeps its kinds, got:\n%s", lines(got))
	}
}
