package policy

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/finding"
)

// TestParamMistakes holds that a parameter that does nothing is said, where it stands.
func TestParamMistakes(t *testing.T) {
	t.Parallel()
	engine := &Engine{rules: []Rule{
		{ID: "DT-TST-001", Params: map[string]any{"min": 2, "allow": []any{}}},
		{ID: "DT-TST-002"},
	}}
	at := finding.Position{File: "clusters/fleet.yaml", Line: 7, Column: 3}
	cases := []struct {
		name string
		set  map[string]any
		want []string
	}{
		{"right", map[string]any{"DT-TST-001": map[string]any{"min": int64(3), "allow": []any{"a"}}}, nil},
		{"no such rule", map[string]any{"DT-TST-009": map[string]any{}}, []string{
			"spec.policy.params.DT-TST-009 names a rule that there is not"}},
		{"no mapping", map[string]any{"DT-TST-001": "x"}, []string{"spec.policy.params.DT-TST-001 is no mapping"}},
		{"no such parameter", map[string]any{"DT-TST-001": map[string]any{"max": int64(1)}}, []string{
			"spec.policy.params.DT-TST-001.max is no parameter of the rule"}},
		{"no parameters", map[string]any{"DT-TST-002": map[string]any{"max": int64(1)}}, []string{
			"spec.policy.params.DT-TST-002.max is set, and the rule has no parameters"}},
		{"wrong type", map[string]any{"DT-TST-001": map[string]any{"min": "3", "allow": map[string]any{}}}, []string{
			"spec.policy.params.DT-TST-001.allow is a mapping", "spec.policy.params.DT-TST-001.min is a string"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fleet := &catalog.Fleet{File: at.File, Spec: catalog.FleetSpec{Policy: catalog.FleetPolicy{
				Params: catalog.Values{Map: c.set, Position: at}}}}
			var got []string
			for _, f := range engine.paramMistakes(fleet) {
				got = append(got, f.Message)
				if f.Position != at || !f.Denies() || f.Mend == "" {
					t.Errorf("%+v", f)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
