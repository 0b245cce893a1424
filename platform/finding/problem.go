package finding

import (
	"cmp"
	"errors"
	"slices"
	"strings"
)

// Problem is one mistake in a file a person wrote, with its mend. It is an
// error: the input could not be used.
type Problem struct {
	Position
	Field string // "spec.etcd.quotaBytes"; "" when no field is meant
	What  string // what is wrong, with the value seen
	Mend  string // what to write instead; "did you mean …" for a misspelt name
	cause error
}

// WithCause keeps the error behind the problem for errors.Is; it is not printed.
func (p *Problem) WithCause(err error) *Problem {
	p.cause = err
	return p
}

// Unwrap gives the error behind the problem, nil when there is none.
func (p *Problem) Unwrap() error { return p.cause }

// Error gives "clusters/edge-3/cluster.yaml:12:5: spec.conectivity: unknown
// field; did you mean connectivity?".
func (p *Problem) Error() string {
	var parts []string
	for _, s := range []string{p.Position.String(), p.Field, p.What} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	s := strings.Join(parts, ": ")
	if p.Mend != "" {
		s += "; " + p.Mend
	}
	return s
}

// Problems is every mistake of one reading, in file and line order. Errors.As
// finds a single *Problem in it too.
type Problems []*Problem

// Error gives one problem a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap lets errors.Is and errors.As look into each problem.
func (ps Problems) Unwrap() []error {
	errs := make([]error, len(ps))
	for i, p := range ps {
		errs[i] = p
	}
	return errs
}

// Err sorts and returns the problems as an error, nil when there are none.
func (ps Problems) Err() error {
	if len(ps) == 0 {
		return nil
	}
	slices.SortStableFunc(ps, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Field, b.Field))
	})
	return ps
}

// Gather splits an error into the problems it holds, however they are wrapped
// or joined, and the rest of it, nil when problems are all there is.
func Gather(err error) (Problems, error) {
	switch e := err.(type) { //nolint:errorlint // it takes the tree of errors apart itself
	case nil:
		return nil, nil
	case *Problem:
		return Problems{e}, nil
	case Problems:
		return e, nil
	case interface{ Unwrap() []error }:
		var found Problems
		var rest []error
		for _, inner := range e.Unwrap() {
			problems, other := Gather(inner)
			found = append(found, problems...)
			rest = append(rest, other)
		}
		if len(found) == 0 {
			return nil, err
		}
		return found, errors.Join(rest...)
	case interface{ Unwrap() error }:
		if found, other := Gather(e.Unwrap()); len(found) > 0 {
			return found, other
		}
	}
	return nil, err
}
