package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// statement is what the rules say of one unit.
type statement struct {
	unit
	said []verdict
}

// statements are what they say of one cluster, in order.
type statements struct {
	settings *statement  // of its own settings; nil where nothing is said
	objects  []statement // clusters that are alike share them
	passed   int
	late     bool // a verdict was for want of time: another run may say something else
}

// count is how much is said.
func (s statements) count() int {
	n := 0
	if s.settings != nil {
		n = len(s.settings.said)
	}
	for _, o := range s.objects {
		n += len(o.said)
	}
	return n
}

// likeness is equal for clusters that hold the same and of which rules see the same:
// only their own settings, and the places in sources, differ. "" is like no other.
func likeness(in Input, b *render.Bundle) (string, error) {
	if b.Digest == "" || b.Parts == nil || in.NoSettings {
		return "", nil
	}
	in.Objects = nil
	sheet, err := gather(in)
	if err != nil {
		return "", fmt.Errorf("judge: %w", err)
	}
	about, err := sum(sheet)
	return b.Digest + " " + about, err
}

// judgeAlike judges clusters that are alike: what they hold once, and the settings of
// each.
func (e *Engine) judgeAlike(ctx context.Context, all []Input) ([]statements, error) {
	sheet, err := gather(all[0])
	if err != nil {
		return nil, fmt.Errorf("judge: %w", err)
	}
	var list []unit
	for _, in := range all[1:] {
		if u, ok := settingsUnit(in); ok {
			list = append(list, u)
		}
	}
	others := len(list)
	list = append(list, units(all[0])...)
	parts, err := partsOf(list, all[0].Parts)
	if err != nil {
		return nil, fmt.Errorf("judge: %w", err)
	}
	found, err := e.judgeParts(ctx, newViews(sheet), parts, len(list))
	if err != nil {
		return nil, err
	}
	_, settings := settingsUnit(all[0])
	var first *statement
	if settings {
		first = stated(list[others], found[others])
		others++
	}
	var shared statements
	for i := others; i < len(list); i++ {
		if s := stated(list[i], found[i]); s != nil {
			shared.objects = append(shared.objects, *s)
			shared.late = shared.late || s.late()
		} else if list[i].ref.Kind != clusterKind {
			shared.passed++
		}
	}
	out := make([]statements, len(all))
	for i := range all {
		own := first
		if i > 0 && settings {
			own = stated(list[i-1], found[i-1])
		}
		out[i] = shared
		out[i].settings, out[i].late = own, shared.late || own != nil && own.late()
	}
	return out, nil
}

func stated(u unit, said []verdict) *statement {
	if len(said) == 0 {
		return nil
	}
	return &statement{u, said}
}

func (s *statement) late() bool {
	return slices.ContainsFunc(s.said, func(v verdict) bool { return v.late })
}

// collect turns statements into findings, in order, and lets exceptions waive.
func (e *Engine) collect(in Input, said statements) *Result {
	var findings []finding.Finding
	r := e.tell(in, said, func(f finding.Finding, place func() finding.Position) {
		if place != nil {
			f.Position = place()
		}
		findings = append(findings, f)
	})
	r.Findings = findings
	return r
}

// tell tells the findings one by one, and counts them. Their places are for take to
// ask for; nil is one that has its own.
func (e *Engine) tell(in Input, said statements, take func(f finding.Finding, place func() finding.Position)) *Result {
	r := &Result{Objects: len(in.Objects), Passed: said.passed, late: said.late, uses: map[int]int{}}
	w := newWaiver(e, in, r)
	say := func(f finding.Finding, place func() finding.Position) {
		switch f.Class {
		case finding.Unknown:
			r.Unknown++
		case finding.Waived:
			r.Waived++
		case finding.New, finding.Fixed, finding.PreExisting: // only a comparison with a base gives them
		}
		take(f, place)
	}
	if s := said.settings; s != nil {
		for _, v := range s.said { // a file of the catalog declares the settings
			say(w.apply(v.finding(s.ref), v.Container), func() finding.Position {
				return in.Cluster.At(strings.ReplaceAll(strings.TrimPrefix(v.Pointer, "/"), "/", "."))
			})
		}
	}
	for _, s := range said.objects {
		from := &in.Objects[s.at]
		for _, v := range s.said {
			f := v.finding(s.ref)
			f.Pointer, f.Component, f.Patch = s.prefix+v.Pointer, from.Component, prefixed(v.Patch, s.prefix)
			say(w.apply(f, v.Container), func() finding.Position {
				if in.Locate != nil && from.Component != "" {
					return in.Locate(*from, f.Pointer)
				}
				return from.Source
			})
		}
	}
	for _, f := range w.mistakes() {
		say(f, nil)
	}
	return r
}
