package policy

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Example is one test of a rule: what it says of the rule, and where it stands.
type Example struct {
	Passes bool   // the rule says nothing
	Name   string // "limit range", from the test's name
	File   string
	Line   int
}

// Examples lists the tests of a rule in their order: each is an object that
// passes or fails it.
func Examples(files Sources, id string) ([]Example, error) {
	want := testFile(id)
	var out []Example
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Base(name) != want {
			continue
		}
		module, err := ast.ParseModule(name, files[name])
		if err != nil {
			return nil, fmt.Errorf("read the tests of %s: %w", id, located(err))
		}
		for _, rule := range module.Rules {
			text, passes := strings.CutPrefix(string(rule.Head.Name), "test_pass_")
			failing, fails := strings.CutPrefix(string(rule.Head.Name), "test_fail_")
			if fails {
				text = failing
			}
			if passes || fails {
				out = append(out, Example{Passes: passes, Name: strings.ReplaceAll(text, "_", " "), File: name, Line: rule.Location.Row})
			}
		}
	}
	return out, nil
}

// testFile is the name of the file that holds a rule's tests.
func testFile(id string) string {
	return strings.ToLower(strings.ReplaceAll(id, "-", "_")) + "_test.rego"
}

// Only keeps the results of one rule's own tests.
func Only(results []TestResult, id string) []TestResult {
	var out []TestResult
	for _, r := range results {
		if path.Base(r.File) == testFile(id) {
			out = append(out, r)
		}
	}
	return out
}
