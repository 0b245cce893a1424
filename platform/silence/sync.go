package silence

import (
	"context"
	"errors"
	"fmt"
	"time"

	"dualtrack.internal/platform/catalog"
)

// server is what a sync needs of an Alertmanager.
type server interface {
	put(ctx context.Context, w wire) (id string, err error)
	end(ctx context.Context, id string) error
}

// Source is what Git says, and when it is asked.
type Source struct {
	Fleet  string
	Wanted []catalog.Silence
	Now    time.Time
}

// Status compares an Alertmanager with Git and changes nothing.
func Status(ctx context.Context, a *Alertmanager, s Source) (*Outcome, error) {
	held, err := a.List(ctx)
	if err != nil {
		return nil, err
	}
	return newOutcome(s, Compare(s, held)), nil
}

// Sync makes an Alertmanager hold what Git says. A write that fails stops none of
// the others, and the next sync takes it up; only when nobody answers any more is
// the rest left. The outcome is whole with an error too.
func Sync(ctx context.Context, a *Alertmanager, s Source) (*Outcome, error) {
	o, err := Status(ctx, a, s)
	if err != nil {
		return nil, err
	}
	return o, carry(ctx, a, o)
}

// carry carries the changes out in their order.
func carry(ctx context.Context, s server, o *Outcome) error {
	var failed []error
	for i := range o.Changes {
		c := &o.Changes[i]
		err := change(ctx, s, c)
		if err == nil {
			c.Done = true
			o.Writes++
			continue
		}
		c.Error = err.Error()
		failed = append(failed, fmt.Errorf("%s %s: %w", c.Do, c.Name, err))
		if ctx.Err() != nil || errors.Is(err, ErrUnreachable) {
			break
		}
	}
	return errors.Join(failed...)
}

func change(ctx context.Context, s server, c *Change) error {
	if c.Do == Expire {
		return s.end(ctx, c.ID)
	}
	id, err := s.put(ctx, c.post())
	if err == nil && id != c.ID {
		c.NewID = id
	}
	return err
}
