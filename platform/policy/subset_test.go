package policy

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
)

// TestKindsOf holds which bodies name the kinds that they are about, and that any
// other makes the rule one about all.
func TestKindsOf(t *testing.T) {
	t.Parallel()
	const head = "package dualtrack.rules.x\n\nimport data.dualtrack.object as obj\n\n"
	cases := []struct {
		name, text string
		want       []string
		only       bool
	}{
		{"one", `findings contains "a" if input.kind == "Pod"`, []string{"Pod"}, true},
		{"turned", `findings contains "a" if "Pod" == input.kind`, []string{"Pod"}, true},
		{"set", `findings contains "a" if input.kind in {"Pod", "Job"}`, []string{"Job", "Pod"}, true},
		{"array", `findings contains "a" if input.kind in ["Pod", "Job"]`, []string{"Job", "Pod"}, true},
		{"later in the body", "findings contains \"a\" if {\n\tinput.name == \"x\"\n\tinput.kind == \"Pod\"\n}", []string{"Pod"}, true},
		{"two bodies", "findings contains \"a\" if input.kind == \"Pod\"\n\nfindings contains \"b\" if input.kind == \"Job\"", []string{"Job", "Pod"}, true},
		{"one body of any", "findings contains \"a\" if input.kind == \"Pod\"\n\nfindings contains \"b\" if input.name == \"x\"", nil, false},
		{"not", `findings contains "a" if not input.kind == "Pod"`, nil, false},
		{"unlike", `findings contains "a" if input.kind != "Pod"`, nil, false},
		{"a variable", "findings contains \"a\" if {\n\tk := \"Pod\"\n\tinput.kind == k\n}", nil, false},
		{"a set of a variable", "findings contains \"a\" if {\n\tk := \"Pod\"\n\tinput.kind in {k}\n}", nil, false},
		{"with", `findings contains "a" if input.kind == "Pod" with input.name as "x"`, nil, false},
		{"another field", `findings contains "a" if input.object.kind == "Pod"`, nil, false},
		{"no findings", `a := 1`, nil, false},
	}
	for _, c := range cases {
		m, err := ast.ParseModule("x.rego", head+c.text+"\n")
		if err != nil {
			t.Fatal(err)
		}
		got, only := kindsOf(m)
		want := c.want
		if !c.only {
			want = []string{anyObject}
		}
		if diff := cmp.Diff(want, got); diff != "" || !only {
			t.Errorf("%s: %v, %s", c.name, only, diff)
		}
	}
	library, err := ast.ParseModule("x.rego", "package dualtrack.pods.x\n\nfindings contains \"a\" if input.kind == \"Pod\"\n")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := kindsOf(library); !slices.Equal(got, []string{anyObject}) {
		t.Errorf("a rule about pods is one about %q", got)
	}
	m := ast.MustParseModule(head + `findings contains "a" if input.kind == "Pod"`)
	files := Sources{"x.rego": "", "y.rego": "import data.dualtrack.rules.x"}
	if got := indexed(map[string]*ast.Module{"x.rego": m, "y.rego": m}, files); len(got) != 0 {
		t.Errorf("rules that read each other are compiled apart: %v", got)
	}
}
