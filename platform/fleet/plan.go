package fleet

import (
	"context"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/converge"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// Planned is one object that applying the bundle would change.
type Planned struct {
	Change apply.Change
	Fields []track.Field // what differs, for an object that exists
}

// Plan says what Apply would do, object by object and field by field. It writes
// nothing: the requests are dry runs.
func (d *Driver) Plan(ctx context.Context, bundles []*render.Bundle) ([]Outcome, error) {
	return d.each(ctx, bundles, d.reached(d.look))
}

// look fills in what applying the bundle would change.
func (d *Driver) look(ctx context.Context, access cluster.Access, b *render.Bundle, o *Outcome) error {
	return d.withLoop(ctx, access, b, o, "judge", func(loop *converge.Loop) (err error) {
		o.Converge, o.Drift, err = loop.Drift(ctx, converge.Fixed(b))
		if err != nil || !o.Converge.Reachable {
			return err
		}
		o.Plan, err = d.plan(ctx, access, b, o.Drift)
		return err
	})
}

func (d *Driver) plan(ctx context.Context, access cluster.Access, b *render.Bundle, drifted []track.Drifted) ([]Planned, error) {
	applier, err := apply.New(access, apply.Config{Lacks: access.Lacks, RequestTimeout: d.config.RequestTimeout})
	if err != nil {
		return nil, err
	}
	defer applier.Close()
	result, err := applier.Apply(ctx, b, apply.Options{DryRun: true, PruneData: d.config.PruneData, Timeout: d.config.Timeout})
	if err != nil {
		return nil, err
	}
	var planned []Planned
	for _, c := range result.Changes {
		if c.Action == apply.Unchanged {
			continue
		}
		p := Planned{Change: c}
		for _, one := range drifted {
			if one.Object == c.Object {
				p.Fields = one.Fields
			}
		}
		planned = append(planned, p)
	}
	return planned, nil
}
