package policy

import (
	"testing"

	"dualtrack.internal/policies"
)

// TestExamples holds that every rule shows what passes and what fails, and that
// the tests of one rule can be told from the others'.
func TestExamples(t *testing.T) {
	t.Parallel()
	files, err := Carried(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	results, err := SelfTest(t.Context(), files)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range compiled(t).Rules() {
		examples, err := Examples(files, r.ID)
		if err != nil {
			t.Fatal(err)
		}
		passing := 0
		for _, x := range examples {
			if x.Passes {
				passing++
			}
			if x.Name == "" || x.File == "" || x.Line == 0 {
				t.Errorf("%s: %+v", r.ID, x)
			}
		}
		if passing == 0 || passing == len(examples) {
			t.Errorf("%s: %d examples, of which %d pass", r.ID, len(examples), passing)
		}
		if got := len(Only(results, r.ID)); got < len(examples) || got == len(results) {
			t.Errorf("%s: %d tests of %d, and %d examples", r.ID, got, len(results), len(examples))
		}
	}
}
