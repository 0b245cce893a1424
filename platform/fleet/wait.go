package fleet

import (
	"context"
	"time"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/converge"
	"dualtrack.internal/platform/render"
)

// waitPause is the time between two looks at a cluster that is waited for.
const waitPause = time.Second

// Wait looks at each cluster again and again, and writes nothing, until it has
// converged for the settle time or the timeout has passed.
func (d *Driver) Wait(ctx context.Context, bundles []*render.Bundle) ([]Outcome, error) {
	return d.each(ctx, bundles, d.reached(func(ctx context.Context, access cluster.Access, b *render.Bundle, o *Outcome) error {
		return d.withLoop(ctx, access, b, o, "judge", func(loop *converge.Loop) error {
			return d.watch(ctx, loop, b, o)
		})
	}))
}

func (d *Driver) watch(ctx context.Context, loop *converge.Loop, b *render.Bundle, o *Outcome) error {
	deadline := time.Now().Add(d.config.Timeout)
	settle := d.config.Catalog.Fleet.Spec.Settle.D()
	var good time.Time
	for {
		var err error
		if o.Converge, err = loop.Judge(ctx, converge.Fixed(b)); err != nil {
			return err
		}
		now := time.Now()
		switch {
		case !o.Converge.Converged:
			good = time.Time{}
		case good.IsZero():
			good = now
		}
		if !good.IsZero() && now.Sub(good) >= settle {
			return nil
		}
		if now.After(deadline) {
			o.Converge.Converged = false
			return nil
		}
		d.config.Events.update(b.Cluster, "%s", word(o.Converge))
		if err := pause(ctx, waitPause); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
