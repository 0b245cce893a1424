package load

import (
	"context"
	"slices"
	"time"
)

// mark is something that was done to the hub while calls fell due.
type mark struct {
	what string
	at   time.Duration

	failed   int           // calls due after it, and before the next, that were lost or answered with an error
	last     time.Duration // how long after it the last of them was due
	dipped   bool          // fewer calls were answered
	back     time.Duration // how long after it as many were answered again
	measured bool          // it is long enough after the mark before to say
}

// disturb kills an API server at three tenths of the length and the leader of etcd
// at six, and has each started again a tenth later.
func disturb(ctx context.Context, h *hub, cpu *meter, begun time.Time, length time.Duration) ([]mark, error) {
	var marks []mark
	victim := "kube-apiserver-2"
	for _, step := range []struct {
		tenths time.Duration
		kills  bool
	}{{3, true}, {4, false}, {6, true}, {7, false}} {
		if err := until(ctx, begun.Add(length*step.tenths/10)); err != nil {
			return nil, err
		}
		if time.Since(begun) > length*8/10 && step.kills {
			return append(marks, mark{what: "there was no time left for the next kill: starting again took that long", at: time.Since(begun)}), nil
		}
		if step.tenths == 6 {
			var err error
			if victim, err = h.leader(ctx); err != nil {
				return nil, err
			}
		}
		do, what := h.heal, victim+" is started again"
		if step.kills {
			what = victim + " is killed"
			do = func(ctx context.Context) error { return h.kill(ctx, victim) }
			cpu.read(ctx)
		}
		marks = append(marks, mark{what: what, at: time.Since(begun)})
		if err := do(ctx); err != nil {
			return nil, err
		}
		if !step.kills {
			if err := cpu.follow(ctx, h); err != nil {
				return nil, err
			}
		}
	}
	return marks, nil
}

func until(ctx context.Context, at time.Time) error {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// How a recovery is told.
const (
	window = time.Second // in which answered calls are counted
	before = 30          // windows before a mark that it is compared with
	share  = 0.8         // of their median
	steady = 5           // windows in a row that reach it
)

// recoveries says of each mark what the generator saw after it: the calls that
// failed, and the time until it was answered as many calls a second as before,
// five seconds in a row.
func recoveries(samples []sample, marks []mark, length time.Duration) []mark {
	out := slices.Clone(marks)
	for i := range out {
		m := &out[i]
		end := length
		if i+1 < len(out) {
			end = out[i+1].at
		}
		begin := time.Duration(0)
		if i > 0 {
			begin = out[i-1].at
		}
		past, after := counts(samples, m.at, max(begin, m.at-before*window), true), counts(samples, m.at, end, false)
		m.measured = len(past) >= 3 && len(after) >= steady
		for _, s := range samples {
			if s.due >= m.at && s.due < end && !s.answered {
				m.failed++
				m.last = max(m.last, s.due-m.at)
			}
		}
		if !m.measured {
			continue
		}
		slices.Sort(past)
		m.dipped, m.back = recovery(after, share*float64(past[len(past)/2]))
	}
	return out
}

// counts are the calls that were answered in each whole window from a time to
// another, or backwards.
func counts(samples []sample, at, to time.Duration, backwards bool) []int {
	span := to - at
	if backwards {
		span = -span
	}
	out := make([]int, max(0, int(span/window)))
	for _, s := range samples {
		off := s.due + s.took - at
		if backwards {
			off = -off
		}
		if n := int(off / window); s.answered && off >= 0 && n < len(out) {
			out[n]++
		}
	}
	return out
}

// recovery is the end of the windows below the mark that come before enough good
// ones in a row.
func recovery(windows []int, enough float64) (dipped bool, back time.Duration) {
	good := 0
	for i, n := range windows {
		if float64(n) >= enough {
			if good++; good == steady {
				return i+1 > steady, time.Duration(i+1-steady) * window
			}
			continue
		}
		good = 0
	}
	return true, time.Duration(len(windows)-good) * window
}
