package change_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"dualtrack.internal/platform/change"
)

func parsed(t *testing.T, text string) map[string]any {
	t.Helper()
	var out map[string]any
	if err := yaml.Unmarshal([]byte(text), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestFields(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, before, after string
		want                []change.Field
	}{
		{"equal", "{a: {b: [1, 2]}}", "{a: {b: [1, 2]}}", nil},
		{"a value, one more, one less", "{a: {b: 1, gone: x}}", "{a: {b: 2, new: z}}", []change.Field{
			{Path: "a.b", Pointer: "/a/b", Before: 1.0, After: 2.0},
			{Path: "a.gone", Pointer: "/a/gone", Before: "x"},
			{Path: "a.new", Pointer: "/a/new", After: "z"},
		}},
		{"key with dots and slashes", "{labels: {app.io/name: a}}", "{labels: {app.io/name: b}}", []change.Field{
			{Path: "labels[app.io/name]", Pointer: "/labels/app.io~1name", Before: "a", After: "b"},
		}},
		{"a container is found by its name", "{containers: [{name: a, image: x}, {name: b, image: y}]}",
			"{containers: [{name: new, image: z}, {name: b, image: y}, {name: a, image: x2}]}", []change.Field{
				{Path: "containers[a].image", Pointer: "/containers/2/image", Before: "x", After: "x2"},
				{Path: "containers[new]", Pointer: "/containers/0", After: map[string]any{"name": "new", "image": "z"}},
			}},
		{"items that moved are no change", "{ports: [{port: 1}, {port: 2}]}", "{ports: [{port: 2}, {port: 1}]}", nil},
		{"one port for two protocols", "{ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP, hostPort: 1}]}",
			"{ports: [{containerPort: 53, protocol: UDP}, {containerPort: 53, protocol: TCP, hostPort: 2}]}", []change.Field{
				{Path: "ports[53/TCP].hostPort", Pointer: "/ports/1/hostPort", Before: 1.0, After: 2.0},
			}},
		{"two items of one name go by their place", "{l: [{name: a, v: 1}, {name: a, v: 2}]}", "{l: [{name: a, v: 1}, {name: a, v: 3}]}", []change.Field{
			{Path: "l[1].v", Pointer: "/l/1/v", Before: 2.0, After: 3.0},
		}},
		{"one argument of several", "{args: [--a=1, --b=1, --c]}", "{args: [--a=1, --b=2, --c]}", []change.Field{
			{Path: "args[1]", Pointer: "/args/1", Before: "--b=1", After: "--b=2"},
		}},
		{"arguments that come and go", "{args: [--a, --b]}", "{args: [--c, --d, --e]}", []change.Field{
			{Path: "args[0]", Pointer: "/args", Before: "--a"},
			{Path: "args[0]", Pointer: "/args/0", After: "--c"},
			{Path: "args[1]", Pointer: "/args", Before: "--b"},
			{Path: "args[1]", Pointer: "/args/1", After: "--d"},
			{Path: "args[2]", Pointer: "/args/2", After: "--e"},
		}},
		{"the order of arguments", "{args: [-v, x]}", "{args: [x, -v]}", []change.Field{
			{Path: "args", Pointer: "/args", Before: []any{"-v", "x"}, After: []any{"x", "-v"}},
		}},
		{"a document in a text", "{data: {otel.yaml: \"exporters:\\n  otlp: {endpoint: a}\\nx: 1\\n\"}}",
			"{data: {otel.yaml: \"exporters:\\n  otlp: {endpoint: b}\\nx: 1\\n\"}}", []change.Field{
				{Path: "data[otel.yaml]:exporters.otlp.endpoint", Pointer: "/data/otel.yaml", Before: "a", After: "b"},
			}},
		{"a text that means the same", "{data: {x: \"a: 1\\nb: 2\\n\"}}", "{data: {x: \"b: 2\\na: 1\\n\"}}", []change.Field{
			{Path: "data.x", Pointer: "/data/x", Before: "a: 1\nb: 2\n", After: "b: 2\na: 1\n"},
		}},
		{"a text that is no document", "{data: {x: \"one\\ntwo\\n\"}}", "{data: {x: \"one\\nthree\\n\"}}", []change.Field{
			{Path: "data.x", Pointer: "/data/x", Before: "one\ntwo\n", After: "one\nthree\n"},
		}},
		{"another kind of value", "{a: [1]}", "{a: {b: 1}}", []change.Field{
			{Path: "a", Pointer: "/a", Before: []any{1.0}, After: map[string]any{"b": 1.0}},
		}},
		{"a secret", "{kind: Secret, data: {k: b2xk}, stringData: {doc: \"a: 1\\nb: 2\\n\"}}",
			"{kind: Secret, data: {k: bmV3, m: bmV3}, stringData: {doc: \"a: 1\\nb: 3\\n\"}}", []change.Field{
				{Path: "data.k", Pointer: "/data/k", Before: "(secret)", After: "(secret)"},
				{Path: "data.m", Pointer: "/data/m", After: "(secret)"},
				{Path: "stringData.doc", Pointer: "/stringData/doc", Before: "(secret)", After: "(secret)"},
			}},
		{"all data of a secret", "{kind: Secret}", "{kind: Secret, data: {k: bmV3}}", []change.Field{{Path: "data", Pointer: "/data", After: "(secret)"}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, change.Fields(parsed(t, c.before), parsed(t, c.after))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}
