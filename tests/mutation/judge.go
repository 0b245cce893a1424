package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
	"golang.org/x/sync/errgroup"
)

// fate is what became of a mutant.
type fate int

const (
	killed fate = iota
	survived
	invalid // it does not parse or compile
)

type result struct {
	mutant
	fate fate
}

// judge runs the tests against each mutant, several mutants at a time.
func (l *library) judge(ctx context.Context, all []mutant, workers int) ([]result, error) {
	out := make([]result, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(1, workers))
	for i, m := range all {
		group.Go(func() error {
			f, err := l.fate(ctx, m)
			if err != nil {
				return fmt.Errorf("policies/%s:%d: %w", m.file, m.row, err)
			}
			out[i] = result{m, f}
			return nil
		})
	}
	return out, group.Wait()
}

// fate is decided by the first test that fails.
func (l *library) fate(ctx context.Context, m mutant) (fate, error) {
	module, err := ast.ParseModuleWithOpts(m.file, m.apply(l.text[m.file]), ast.ParserOptions{})
	if err != nil || module == nil {
		return invalid, ctx.Err()
	}
	for _, test := range l.suites[m.file] {
		failed, err := l.fails(ctx, test, m.file, module)
		var wrong ast.Errors
		switch {
		case errors.As(err, &wrong):
			return invalid, nil
		case err != nil:
			return invalid, err
		case failed != "":
			return killed, nil
		}
	}
	return survived, nil
}
