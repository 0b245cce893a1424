package finding_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/finding"
)

func TestProblem(t *testing.T) {
	t.Parallel()
	at := finding.Position{File: "a.yaml", Line: 1, Column: 8}
	cases := []struct {
		problem *finding.Problem
		want    string
	}{
		{&finding.Problem{Position: at, Field: "spec.x", What: "unknown field", Mend: "did you mean y?"}, "a.yaml:1:8: spec.x: unknown field; did you mean y?"},
		{&finding.Problem{Position: at, What: "is empty"}, "a.yaml:1:8: is empty"},
		{&finding.Problem{What: "is empty", Mend: "add it"}, "is empty; add it"},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, c.problem.Error()); diff != "" {
			t.Errorf("problem (-want +got):\n%s", diff)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	if err := (finding.Problems{}).Err(); err != nil {
		t.Errorf("no problems are an error: %v", err)
	}
	p := func(file string, line, column int, field string) *finding.Problem {
		return &finding.Problem{Position: finding.Position{File: file, Line: line, Column: column}, Field: field, What: "x"}
	}
	err := finding.Problems{p("b", 1, 1, ""), p("a", 2, 1, ""), p("a", 1, 2, "d"), p("a", 1, 2, "c"), p("a", 1, 1, "")}.Err()
	want := "a:1:1: x\na:1:2: c: x\na:1:2: d: x\na:2:1: x\nb:1:1: x"
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	missing := finding.Problems{p("a", 1, 1, ""), p("b", 1, 1, "").WithCause(fs.ErrNotExist)}.Err()
	if !errors.Is(missing, fs.ErrNotExist) || errors.Is(missing, fs.ErrPermission) {
		t.Error("errors.Is does not reach the cause of one of several problems")
	}
	if first, ok := errors.AsType[*finding.Problem](missing); !ok || first.File != "a" {
		t.Error("errors.AsType finds no problem in several")
	}
}

func TestGather(t *testing.T) {
	t.Parallel()
	a, b := &finding.Problem{What: "a"}, &finding.Problem{What: "b"}
	other := errors.New("disk full")
	cases := []struct {
		name  string
		err   error
		found string
		rest  string
	}{
		{"nothing", nil, "", ""},
		{"another error", other, "", "disk full"},
		{"one", a, "a", ""},
		{"several", finding.Problems{a, b}, "a\nb", ""},
		{"wrapped", fmt.Errorf("load: %w", a), "a", ""},
		{"wrapped other", fmt.Errorf("load: %w", other), "", "load: disk full"},
		{"joined", errors.Join(a, finding.Problems{b}), "a\nb", ""},
		{"joined with another error", fmt.Errorf("x: %w", errors.Join(a, other, b)), "a\nb", "disk full"},
		{"several others", errors.Join(other, other), "", "disk full\ndisk full"},
	}
	for _, c := range cases {
		found, rest := finding.Gather(c.err)
		got := []string{found.Error(), ""}
		if rest != nil {
			got[1] = rest.Error()
		}
		if diff := cmp.Diff([]string{c.found, c.rest}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
