package policy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// TestResult is one Rego test.
type TestResult struct {
	Name   string // "dualtrack.pods.dt_sec_001_test.test_fail_absent"
	Passed bool
	Why    string // of a failure
	File   string
	Line   int
}

// SelfTest runs every Rego test with the engine's own built-ins, in the
// order of the files.
func SelfTest(ctx context.Context, files Sources) ([]TestResult, error) {
	return selfTest(ctx, files, nil)
}

// selfTest runs the tests, with a tracer if one is given.
func selfTest(ctx context.Context, files Sources, tracer topdown.QueryTracer) ([]TestResult, error) {
	modules, err := parse(ctx, files)
	if err != nil {
		return nil, err
	}
	allowed := capabilities()
	for _, b := range ast.Builtins {
		if b.Name == "internal.print" || b.Name == "internal.test_case" { // what the runner rewrites tests to
			allowed.Builtins = append(allowed.Builtins, b)
		}
	}
	runner := tester.NewRunner().
		SetCompiler(ast.NewCompiler().WithStrict(true).WithCapabilities(allowed)).
		SetModules(modules).RaiseBuiltinErrors(true).SetParallel(workers()).CapturePrintOutput(true)
	if tracer != nil {
		runner.SetCoverageQueryTracer(tracer).SetCoverageRuns(nil)
	}
	outcomes, err := runner.RunTests(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("run the rules' tests: %w", err)
	}
	var out []TestResult
	for o := range outcomes {
		t := TestResult{
			Name: strings.TrimPrefix(o.Package, "data.") + "." + o.Name, Passed: o.Pass(),
			File: o.Location.File, Line: o.Location.Row,
		}
		if o.Error != nil {
			t.Why = o.Error.Error()
		} else if !t.Passed {
			t.Why = strings.TrimSpace(string(o.Output))
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b TestResult) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	return out, ctx.Err()
}
