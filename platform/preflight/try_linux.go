package preflight

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"dualtrack.internal/platform/preflight/xdp"
)

const (
	sent    = 1000
	repeats = 1_000_000
	settle  = 5 * time.Second
)

// Try loads a program that drops UDP, attaches it to a virtual card in a network
// namespace of its own, generic and native, counts packets, and runs it on one.
func Try(ctx context.Context) (*Trial, error) {
	if os.Geteuid() != 0 {
		return nil, errors.New("loading programs into the kernel needs root")
	}
	t := &Trial{}
	err := xdp.InNamespace(ctx, func(pair xdp.Pair) (err error) {
		p, err := xdp.Dropper()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, p.Close()) }()
		frame := xdp.Frame([6]byte(pair.Near.HardwareAddr), [4]byte{198, 18, 0, 1})
		verdict, each, err := p.Try(frame, repeats)
		if err != nil {
			return err
		}
		t.Verdict, t.Each = verdict, each.Nanoseconds()
		for _, mode := range []xdp.Mode{xdp.Generic, xdp.Native} {
			t.Attempts = append(t.Attempts, attempt(ctx, p, pair, frame, mode))
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("trying XDP: %w", err)
	}
	return t, nil
}

func attempt(ctx context.Context, p *xdp.Program, pair xdp.Pair, frame []byte, mode xdp.Mode) Attempt {
	a := Attempt{Mode: string(mode), Sent: sent}
	fail := func(err error) Attempt {
		a.Error = err.Error()
		return a
	}
	before, err := p.Counters.Sum()
	if err != nil {
		return fail(err)
	}
	l, err := p.Attach(pair.Near.Index, mode)
	if err != nil {
		return fail(err)
	}
	a.Attached = true
	err = xdp.Send(ctx, pair.Far.Index, frame, sent)
	after, countErr := settled(ctx, p, before+sent)
	a.Counted = after - before
	if err = errors.Join(err, countErr, l.Close()); err != nil {
		return fail(err)
	}
	return a
}

// settled waits for a count, for as long as packets may take.
func settled(ctx context.Context, p *xdp.Program, want uint64) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		n, err := p.Counters.Sum()
		if err != nil || n >= want {
			return n, err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return n, nil // the caller compares
		}
	}
}
