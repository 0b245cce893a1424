package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCollectors(t *testing.T) {
	t.Parallel()
	const text = "processors: {batch: {}}\nservice: {pipelines: {}}\n"
	object := func(kind string, data map[string]any) map[string]any {
		return map[string]any{"apiVersion": "v1", "kind": kind, "data": data}
	}
	want := map[string]any{"processors": map[string]any{"batch": map[string]any{}}, "service": map[string]any{"pipelines": map[string]any{}}}
	for name, tt := range map[string]struct {
		object map[string]any
		want   []any
	}{
		"one beside others": {object("ConfigMap", map[string]any{"a/b.yaml": text, "n": 3, "c": "service without"}),
			[]any{map[string]any{"pointer": "/data/a~1b.yaml", "object": want}}},
		"no YAML":       {object("ConfigMap", map[string]any{"a": "processors: [service"}), []any{}},
		"no map":        {object("ConfigMap", map[string]any{"a": "processors of service"}), []any{}},
		"too long":      {object("ConfigMap", map[string]any{"a": text + strings.Repeat("#", nestedLimit)}), []any{}},
		"another kind":  {object("Secret", map[string]any{"a": text}), []any{}},
		"odd data":      {map[string]any{"apiVersion": "v1", "kind": "ConfigMap", "data": text}, []any{}},
		"an object too": {object("ConfigMap", map[string]any{"a": "apiVersion: v1\nkind: ConfigMap\n"}), []any{}},
	} {
		if diff := cmp.Diff(tt.want, collectors(tt.object)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
