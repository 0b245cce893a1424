package experiment

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Verdict is what the comparison of an arm with the base comes to.
type Verdict string

// The verdicts.
const (
	Lower   Verdict = "lower"
	Higher  Verdict = "higher"
	None    Verdict = "none"    // inside the control's spread
	Unknown Verdict = "unknown" // too few rounds, or nothing to divide by
)

// Result is an experiment that ran.
type Result struct {
	Name     string       `json:"name"`
	Question string       `json:"question"`
	Rounds   int          `json:"rounds"`
	Base     string       `json:"base"`
	Machine  Machine      `json:"machine"`
	Metrics  []Comparison `json:"metrics"`
}

// Comparison is one metric over all arms: the base, the control, then the others.
type Comparison struct {
	Metric
	// Spread is the largest factor, in either direction, between base and control in
	// one round: what two runs of the same can differ by.
	Spread float64  `json:"spread,omitempty"`
	Arms   []Figure `json:"arms"`
}

// Figure is one metric of one arm.
type Figure struct {
	Arm    string    `json:"arm"`
	Values []float64 `json:"values"` // one a round
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	// Ratio is the median, over the rounds, of the arm's value by the base's; 0 where
	// the base measured 0 somewhere.
	Ratio   float64 `json:"ratio,omitempty"`
	Verdict Verdict `json:"verdict,omitempty"` // of other arms than base and control
	Says    string  `json:"says,omitempty"`    // the verdict in words
}

// Comparison gives one metric of the result.
func (r *Result) Comparison(metric string) (Comparison, bool) {
	at := slices.IndexFunc(r.Metrics, func(c Comparison) bool { return c.Name == metric })
	if at < 0 {
		return Comparison{}, false
	}
	return r.Metrics[at], true
}

// Figure gives one metric of one arm.
func (r *Result) Figure(metric, arm string) (Figure, bool) {
	c, _ := r.Comparison(metric)
	at := slices.IndexFunc(c.Arms, func(f Figure) bool { return f.Arm == arm })
	if at < 0 {
		return Figure{}, false
	}
	return c.Arms[at], true
}

func (p Plan) result(arms []Arm, samples map[string][]Sample, m Machine) *Result {
	r := &Result{Name: p.Name, Question: p.Question, Rounds: p.Rounds, Base: p.Base.Name, Machine: m}
	for _, metric := range p.Metrics {
		c := Comparison{Metric: metric}
		for _, a := range arms {
			f := Figure{Arm: a.Name}
			for _, s := range samples[a.Name] {
				f.Values = append(f.Values, s[metric.Name])
			}
			f.Median, f.Min, f.Max = median(f.Values), slices.Min(f.Values), slices.Max(f.Values)
			c.Arms = append(c.Arms, f)
		}
		c.judge(p.Rounds)
		r.Metrics = append(r.Metrics, c)
	}
	return r
}

// judge compares each arm with the base, round by round: what drifts over an
// experiment drifts for both.
func (c *Comparison) judge(rounds int) {
	base := c.Arms[0].Values
	control, ok := ratios(c.Arms[1].Values, base)
	if ok {
		c.Arms[1].Ratio = median(control)
		for _, r := range control {
			c.Spread = max(c.Spread, r, 1/r)
		}
	}
	for i := range c.Arms[2:] {
		f := &c.Arms[2+i]
		rs, divides := ratios(f.Values, base)
		if divides {
			f.Ratio = median(rs)
		}
		f.Verdict, f.Says = verdict(f.Ratio, c.Spread, divides && ok, rounds)
	}
}

func verdict(ratio, spread float64, divides bool, rounds int) (Verdict, string) {
	switch {
	case !divides:
		return Unknown, "unknown: a run measured 0"
	case rounds < enough:
		return Unknown, fmt.Sprintf("unknown: %d rounds are too few", rounds)
	case ratio > spread:
		return Higher, "higher by " + percent(ratio-1)
	case ratio < 1/spread:
		return Lower, "lower by " + percent(1-ratio)
	}
	return None, "none: inside the control's spread"
}

// ratios are a by b, one a round; false where one of them is not above zero.
func ratios(a, b []float64) ([]float64, bool) {
	out := make([]float64, len(a))
	for i := range a {
		if a[i] <= 0 || b[i] <= 0 {
			return nil, false
		}
		out[i] = a[i] / b[i]
	}
	return out, true
}

func median(values []float64) float64 {
	s := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// percent is a share in words: one digit below 10 %.
func percent(share float64) string {
	if p := share * 100; math.Abs(p) < 9.95 {
		return fmt.Sprintf("%.1f %%", p)
	}
	return fmt.Sprintf("%.0f %%", share*100)
}
