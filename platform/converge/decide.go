package converge

import (
	"time"

	"dualtrack.internal/platform/track"
)

// step is what the loop does next.
type step int

const (
	doWait step = iota
	doApply
	doStop // converged, or no use going on
)

// observation is what one round saw.
type observation struct {
	at        time.Time // when the objects had been read; judging them takes longer
	bundle    string    // digest that the cluster must hold
	applied   string    // digest that its inventory holds
	hopeless  bool      // the cluster refused an object, and will again
	refused   bool      // the cluster refused an object this time
	verdicts  []track.Verdict
	judged    bool // verdicts are of this bundle
	incidents int  // problems that verdicts don't show
}

// decision is the step, and how long to wait before the next round.
type decision struct {
	do        step
	after     time.Duration
	converged bool
}

// decider turns observations into steps. It holds no clock: every call is told
// the time, which must not go backwards.
type decider struct {
	settle   time.Duration
	interval time.Duration
	deadline time.Time

	bundle   string
	good     time.Time // the first look of those in a row at which all was well; zero when it is not
	applied  time.Time // end of the last apply; zero before the first
	patience time.Duration
}

// Pace of applying again what did not stay as applied.
const (
	patienceFirst = 2 * time.Second
	patienceMost  = 15 * time.Second
)

// next decides. All must be well for the whole settle time on one bundle: at
// two looks that far apart, and at those between.
func (d *decider) next(o observation, now time.Time) decision {
	if o.bundle != d.bundle {
		d.bundle, d.good, d.applied, d.patience = o.bundle, time.Time{}, time.Time{}, patienceFirst
	}
	well := o.judged && o.incidents == 0 && allOK(o.verdicts) && o.applied == o.bundle
	switch {
	case well && d.good.IsZero():
		d.good = o.at
	case !well:
		d.good = time.Time{}
	}
	switch {
	case well && o.at.Sub(d.good) >= d.settle:
		return decision{do: doStop, converged: true}
	case !now.Before(d.deadline) || o.hopeless && o.judged:
		return decision{do: doStop}
	case well:
		return d.rest(now)
	case !o.judged && o.applied == o.bundle:
		return d.wait(now, 0) // perhaps nothing needs to be done
	case d.applied.IsZero():
		return decision{do: doApply}
	case (o.refused || o.applied != o.bundle || outOfSync(o.verdicts)) && now.Sub(d.applied) >= d.patience:
		d.patience = min(2*d.patience, patienceMost)
		return decision{do: doApply}
	}
	return d.wait(now, d.interval)
}

// restMost is the longest pause between two looks at a cluster that settles.
const restMost = 5 * time.Second

// rest looks again halfway through a short settle time, and at its end. An
// object that nobody wrote to has the same version still: looking more often
// would show no more of it, and cost the API servers a list a kind.
func (d *decider) rest(now time.Time) decision {
	left, most := d.settle-now.Sub(d.good), min(d.settle/2, restMost)
	switch {
	case left > 2*most:
		left = most
	case left > most:
		left -= most
	}
	return decision{do: doWait, after: max(0, min(left, d.deadline.Sub(now)))}
}

// wait is bounded by the interval and never passes the deadline.
func (d *decider) wait(now time.Time, after time.Duration) decision {
	return decision{do: doWait, after: max(0, min(after, d.interval, d.deadline.Sub(now)))}
}

// didApply notes the end of an apply.
func (d *decider) didApply(now time.Time) { d.applied = now }

func allOK(verdicts []track.Verdict) bool {
	for _, v := range verdicts {
		if !v.OK() {
			return false
		}
	}
	return true
}

func outOfSync(verdicts []track.Verdict) bool {
	for _, v := range verdicts {
		if v.Sync != track.InSync {
			return true
		}
	}
	return false
}
