// Package experiment compares arms by measurement: every round runs the base, the
// base once more as control, and every other arm, and a difference counts only
// where it is larger than any that the control showed. It knows nothing of what
// is measured, and never calls a difference what the control can show as well.
package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Control is the name of the base's second run in every round.
const Control = "control"

// enough is how many rounds a verdict needs.
const enough = 3

// Sample is what one run of an arm measured, by metric.
type Sample map[string]float64

// Metric is one thing that every run measures.
type Metric struct {
	Name          string `json:"name"`
	Unit          string `json:"unit,omitempty"`
	Noisy         bool   `json:"noisy,omitempty"` // rates and latencies of a shared machine: reported, never claimed
	LowerIsBetter bool   `json:"lowerIsBetter,omitempty"`
}

// Arm is one way to do the work. Run does it once from a clean start.
type Arm struct {
	Name string
	Run  func(context.Context) (Sample, error)
}

// Plan is an experiment.
type Plan struct {
	Name     string
	Question string
	Metrics  []Metric
	Base     Arm
	Others   []Arm
	Rounds   int // under 3 nothing is judged
}

// Smoke is the plan without its other arms, in two rounds: it shows that the
// experiment runs, and how far two runs of the same lie apart.
func (p Plan) Smoke() Plan {
	p.Others, p.Rounds = nil, 2
	return p
}

// Only is the plan with the other arms of these names alone.
func (p Plan) Only(names ...string) (Plan, error) {
	var known []string
	for _, a := range p.Others {
		known = append(known, a.Name)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return p, fmt.Errorf("experiment %s has no arm %q; it has %q", p.Name, name, known)
		}
	}
	p.Others = slices.DeleteFunc(slices.Clone(p.Others), func(a Arm) bool { return !slices.Contains(names, a.Name) })
	return p, nil
}

func (p Plan) check() error {
	seen := map[string]bool{Control: true}
	for _, a := range append([]Arm{p.Base}, p.Others...) {
		switch {
		case a.Name == "" || a.Run == nil:
			return fmt.Errorf("experiment %s: an arm without a name, or with nothing to run", p.Name)
		case seen[a.Name]:
			return fmt.Errorf("experiment %s: two arms are called %q", p.Name, a.Name)
		}
		seen[a.Name] = true
	}
	switch {
	case p.Rounds < 1:
		return fmt.Errorf("experiment %s: %d rounds; take at least 1", p.Name, p.Rounds)
	case len(p.Metrics) == 0:
		return fmt.Errorf("experiment %s measures nothing", p.Name)
	}
	return nil
}

// order is the arms' order in a round: each is first once, then all of it again
// backwards, so that none always follows the same other.
func order(arms []Arm, round int) []Arm {
	at := round % len(arms)
	out := slices.Concat(arms[at:], arms[:at])
	if round/len(arms)%2 == 1 {
		slices.Reverse(out)
	}
	return out
}

// Run runs a plan to its end. progress, which may be nil, hears what runs.
func Run(ctx context.Context, p Plan, progress func(string)) (*Result, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if progress == nil {
		progress = func(string) {}
	}
	arms := append([]Arm{p.Base, {Name: Control, Run: p.Base.Run}}, p.Others...)
	samples := map[string][]Sample{}
	m := thisMachine()
	for round := range p.Rounds {
		for i, a := range order(arms, round) {
			progress(fmt.Sprintf("round %d of %d, run %d of %d: %s", round+1, p.Rounds, i+1, len(arms), a.Name))
			s, err := a.Run(ctx)
			if err = errors.Join(err, context.Cause(ctx)); err == nil {
				err = p.whole(s)
			}
			if err != nil {
				return nil, fmt.Errorf("experiment %s, arm %s, round %d: %w", p.Name, a.Name, round+1, err)
			}
			samples[a.Name] = append(samples[a.Name], s)
		}
	}
	m.LoadAfter = load()
	return p.result(arms, samples, m), nil
}

// whole says which metric a sample lacks.
func (p Plan) whole(s Sample) error {
	for _, m := range p.Metrics {
		if v, ok := s[m.Name]; !ok || math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("the run did not measure %s", m.Name)
		}
	}
	return nil
}
