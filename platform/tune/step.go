// Package tune proposes settings of etcd's garbage collector from what a
// Prometheus, or a recording, says of it. A proposal is a commit on a branch of
// its own. It never touches a cluster, never the files that are checked out, and
// turns no knob but GOGC and GOMEMLIMIT.
package tune

import (
	"fmt"
	"math"
	"time"
)

// Knobs are what may be changed.
type Knobs struct {
	GOGC  int   `json:"gogc"`
	Limit int64 `json:"goMemLimitBytes"` // 0: none
}

// Sample is what was seen at one time.
type Sample struct {
	At          time.Time `json:"at"`
	Collections float64   `json:"collections"`       // a minute
	RSS         float64   `json:"rss"`               // bytes
	GCShare     float64   `json:"gcShare,omitempty"` // of CPU time, that collecting took; 0 where etcd does not tell
}

// Config bounds what may be proposed.
type Config struct {
	Budget    int64         // bytes of memory that a member may have
	Floor     int           // of GOGC
	Ceiling   int           // of GOGC
	Step      int           // of GOGC
	LimitStep int64         // of GOMEMLIMIT, bytes
	Settle    time.Duration // how long samples are gathered before anything is said
	CoolDown  time.Duration // after a change
	Often     float64       // collections a minute above which memory is spent on fewer
	Costly    float64       // share of CPU time above which it is too
	High, Low float64       // shares of the budget: memory is short above, there is room below
}

// Defaults are the bounds for members that may have so much memory.
func Defaults(budget int64) Config {
	return Config{Budget: budget, Floor: 50, Ceiling: 200, Step: 25, LimitStep: budget / 10,
		Settle: 15 * time.Minute, CoolDown: 30 * time.Minute, Often: 1000, Costly: 0.25, High: 0.8, Low: 0.5}
}

// Check says what is wrong with bounds.
func (c Config) Check() error {
	switch {
	case c.Budget < 64<<20:
		return fmt.Errorf("a budget of %d bytes is too little for etcd; give at least 64Mi", c.Budget)
	case c.Floor < 10 || c.Ceiling < c.Floor || c.Step < 1 || c.LimitStep < 1:
		return fmt.Errorf("GOGC from %d to %d by %d: the floor is at least 10, the ceiling not below it, the steps at least 1", c.Floor, c.Ceiling, c.Step)
	case c.Settle < time.Minute:
		return fmt.Errorf("samples are gathered for %s; give at least a minute", c.Settle)
	case c.Low <= 0 || c.High <= c.Low || c.High > 1 || c.CoolDown < time.Minute || c.Often <= 0 || c.Costly <= 0:
		return fmt.Errorf("marks %g and %g, cool-down %s: the marks rise between 0 and 1, the cool-down is at least a minute", c.Low, c.High, c.CoolDown)
	}
	return nil
}

// Decay is what a moving average keeps of its past in a minute.
const Decay = 0.92

// average is a moving average with its spread.
type average struct{ mean, variance float64 }

func (a average) sigma() float64 { return math.Sqrt(a.variance) }

func (a average) add(v, minutes float64) average {
	keep := math.Pow(Decay, minutes)
	d := v - a.mean
	a.mean += (1 - keep) * d
	a.variance = keep * (a.variance + (1-keep)*d*d)
	return a
}

// State is what the step remembers.
type State struct {
	Knobs                Knobs
	began, last, changed time.Time
	collections, rss, gc average
	before               *memory // of the last change, until it was judged
	refused              map[Knobs]bool
	inARow               int // unusual samples; they are bursts until they last
}

// memory is what a change has to be compared with.
type memory struct {
	knobs            Knobs
	collections, rss float64
}

// NewState begins with what is set now.
func NewState(k Knobs) State { return State{Knobs: k} }

// Averages are the moving averages: collections a minute, bytes, share of CPU time.
func (s State) Averages() (collections, rss, gc float64) {
	return s.collections.mean, s.rss.mean, s.gc.mean
}

// Change is a proposal.
type Change struct {
	At       time.Time `json:"at"`
	From     Knobs     `json:"from"`
	To       Knobs     `json:"to"`
	Why      string    `json:"why"`
	Reverted bool      `json:"reverted,omitempty"` // back to what was, because it got worse
}

// Step takes one sample in. It looks at nothing else: the same state and sample
// give the same answer. The word is what it did: gathering, burst, holding,
// cooling down, change, back.
func Step(c Config, s State, m Sample) (State, *Change, string) {
	if s.began.IsZero() {
		s.began, s.last = m.At, m.At
		s.collections, s.rss, s.gc = average{mean: m.Collections}, average{mean: m.RSS}, average{mean: m.GCShare}
		return s, nil, "gathering"
	}
	minutes := m.At.Sub(s.last).Minutes()
	if minutes <= 0 {
		return s, nil, "older than the last"
	}
	gathering := m.At.Sub(s.began) < c.Settle
	s.last = m.At
	if gathering || !s.unusual(m) {
		s.inARow = 0
	} else if s.inARow < lasting {
		s.inARow++
		return s, nil, "burst"
	}
	s.collections, s.rss, s.gc = s.collections.add(m.Collections, minutes), s.rss.add(m.RSS, minutes), s.gc.add(m.GCShare, minutes)
	switch {
	case gathering:
		return s, nil, "gathering"
	case !s.changed.IsZero() && m.At.Sub(s.changed) < c.CoolDown:
		return s, nil, "cooling down"
	}
	return s.decide(c, m.At)
}

// lasting is how many samples beyond 3 sigma in a row are no burst any more.
const lasting = 5

// unusual says that a sample is beyond 3 sigma, and by more than a twentieth.
func (s State) unusual(m Sample) bool {
	beyond := func(a average, v float64) bool { return math.Abs(v-a.mean) > max(3*a.sigma(), 0.05*a.mean) }
	return beyond(s.collections, m.Collections) || beyond(s.rss, m.RSS)
}

func (s State) decide(c Config, at time.Time) (State, *Change, string) {
	if b := s.before; b != nil {
		s.before = nil
		if why := s.worse(c, *b); why != "" {
			refused := map[Knobs]bool{s.Knobs: true}
			for k := range s.refused {
				refused[k] = true
			}
			s.refused = refused
			change := &Change{At: at, From: s.Knobs, To: b.knobs, Why: why, Reverted: true}
			s.Knobs, s.changed = b.knobs, at
			return s, change, "back"
		}
	}
	to, why := s.want(c)
	if to == s.Knobs || s.refused[to] {
		return s, nil, "holding"
	}
	change := &Change{At: at, From: s.Knobs, To: to, Why: why}
	s.before = &memory{knobs: s.Knobs, collections: s.collections.mean, rss: s.rss.mean}
	s.Knobs, s.changed = to, at
	return s, change, "change"
}

// worse compares what a change brought with what it was made for.
func (s State) worse(c Config, b memory) string {
	switch {
	case s.Knobs.GOGC > b.knobs.GOGC && s.rss.mean > c.High*float64(c.Budget):
		return fmt.Sprintf("memory rose to %.0f %% of the budget", s.rss.mean/float64(c.Budget)*100)
	case s.Knobs.GOGC < b.knobs.GOGC && s.rss.mean > 0.98*b.rss && s.collections.mean > 1.1*b.collections:
		return fmt.Sprintf("memory did not fall, and collections rose from %.0f to %.0f a minute", b.collections, s.collections.mean)
	case s.Knobs.Limit != b.knobs.Limit && s.collections.mean > 2*b.collections && s.rss.mean > 0.98*b.rss:
		return fmt.Sprintf("collections rose from %.0f to %.0f a minute under the limit", b.collections, s.collections.mean)
	}
	return ""
}

// want is what the averages ask for: one knob, one step.
func (s State) want(c Config) (Knobs, string) {
	k, share := s.Knobs, s.rss.mean/float64(c.Budget)
	most := int64(0.9 * float64(c.Budget))
	switch {
	case share > c.High && k.GOGC > c.Floor:
		k.GOGC = max(c.Floor, k.GOGC-c.Step)
		return k, fmt.Sprintf("memory is %.0f %% of the budget", share*100)
	case share > c.High && k.Limit == 0:
		k.Limit = most
		return k, fmt.Sprintf("memory is %.0f %% of the budget, GOGC is at its floor, and no limit is set", share*100)
	case k.Limit > 0 && k.Limit < most && s.rss.mean > 0.95*float64(k.Limit) && s.collections.mean > c.Often:
		k.Limit = min(most, k.Limit+c.LimitStep)
		return k, fmt.Sprintf("%.0f collections a minute with memory at the limit, and the budget has room", s.collections.mean)
	case share < c.Low && s.gc.mean > c.Costly && k.GOGC < c.Ceiling:
		k.GOGC = min(c.Ceiling, k.GOGC+c.Step)
		return k, fmt.Sprintf("%.0f %% of the CPU time collects garbage, and memory is %.0f %% of the budget", s.gc.mean*100, share*100)
	case share < c.Low && s.collections.mean > c.Often && k.GOGC < c.Ceiling:
		k.GOGC = min(c.Ceiling, k.GOGC+c.Step)
		return k, fmt.Sprintf("%.0f collections a minute, and memory is %.0f %% of the budget", s.collections.mean, share*100)
	}
	return k, ""
}
