package fleet

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// RefusedError is a cluster that was there before and that nothing was applied
// to, with each reason.
type RefusedError struct {
	Cluster string
	Reasons []string
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("cluster %s: nothing was applied:\n%s", e.Cluster, strings.Join(e.Reasons, "\n"))
}

// Is makes the error one of cluster.ErrRefused.
func (*RefusedError) Is(target error) bool { return target == cluster.ErrRefused }

// consider looks at a cluster that was there before the platform. Without
// approval it makes a plan and nothing else; with it, it refuses what must not
// be applied. Clusters that the platform made itself need neither.
func (d *Driver) consider(ctx context.Context, b *render.Bundle, o *Outcome) (proceed bool, err error) {
	surveyor, ok := d.config.Core.(cluster.Surveyor)
	if !ok {
		return true, nil
	}
	d.config.Events.update(b.Cluster, "looking at what is there")
	survey, err := surveyor.Survey(ctx, d.spec(b.Cluster), refs(b))
	if errors.Is(err, cluster.ErrUnsupported) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	o.Survey, o.Lacks = &survey, survey.Lacks
	if reasons := refusals(survey); d.config.Approved && len(reasons) > 0 {
		return false, &RefusedError{Cluster: b.Cluster, Reasons: reasons}
	}
	if d.config.Approved {
		return true, nil
	}
	if len(survey.Missing) == 0 {
		access, err := d.config.Core.Access(ctx, b.Cluster)
		if err != nil {
			return false, err
		}
		if err := d.look(ctx, access, b, o); err != nil {
			return false, err
		}
		o.Drift = nil // the plan tells what would change; other people's objects are theirs
	}
	o.Planned = len(o.Plan)+len(survey.Missing) > 0 || !survey.Adopted
	if o.Planned {
		d.config.Events.done(b.Cluster, "planned, not changed")
	}
	return false, nil
}

// refusals are the reasons not to apply, each with its mend.
func refusals(s cluster.Survey) []string {
	var out []string
	for _, p := range s.Missing {
		out = append(out, "the account may not "+p.String()+"; grant it")
	}
	for _, f := range s.Foreign {
		out = append(out, f.String()+" is there and is not ours; rename one of the two, or hand it over with the annotation "+
			"platform.dualtrack.internal/adopt: FLEET")
	}
	return out
}

func refs(b *render.Bundle) []finding.Object {
	var out []finding.Object
	for _, o := range b.Objects {
		out = append(out, o.Ref())
	}
	return out
}
