package policy

import (
	"context"

	"dualtrack.internal/platform/catalog"
)

// Facts gives what the rules see as data when they judge a cluster: the object
// `context` with one table a kind of fact, as facts.go gathers them. Another program
// that runs OPA with these rules needs them, and per object the input that judgeUnit
// writes.
func Facts(in Input) (map[string]any, error) {
	sheet, err := gather(in)
	if err != nil {
		return nil, err
	}
	return map[string]any{"context": map[string]any(sheet)}, nil
}

// Settings is the object that stands for a cluster's own settings.
func Settings(c *catalog.Cluster) map[string]any { return clusterObject(c).Object }

// Judgements gives the judgement of each object as a function that remembers
// nothing, so that one object's time can be measured.
func (e *Engine) Judgements(ctx context.Context, in Input) ([]func(context.Context) error, error) {
	sheet, err := gather(in)
	if err != nil {
		return nil, err
	}
	parts, err := partsOf(units(in), nil)
	if err != nil {
		return nil, err
	}
	v := newViews(sheet)
	var out []func(context.Context) error
	for _, p := range parts {
		data, err := v.data(p.namespaces)
		if err != nil {
			return nil, err
		}
		query, err := e.query(ctx, entryFindings, data)
		if err != nil {
			return nil, err
		}
		for _, u := range p.units {
			out = append(out, func(ctx context.Context) error {
				_, err := judgeUnit(ctx, query, u)
				return err
			})
		}
	}
	return out, nil
}
