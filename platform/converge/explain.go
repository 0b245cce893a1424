package converge

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dualtrack.internal/platform/apply"
	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/track"
)

// unhappy are the objects that one track or the other does not hold in sync and
// healthy, in verdict order.
func unhappy(out *Outcome) []finding.Object {
	var all []finding.Object
	for _, name := range []track.Name{track.Flux, track.Argo} {
		for _, v := range out.Verdicts[name] {
			if !v.OK() && !slices.Contains(all, v.Object) {
				all = append(all, v.Object)
			}
		}
	}
	return all
}

// explain fills in what the cluster waits for, in its own words where it has any.
func (r *run) explain(ctx context.Context) {
	if r.out.Apply != nil && r.out.Err == nil {
		r.out.Err = r.applyErr
	}
	if r.out.Converged || !r.out.Reachable {
		return
	}
	r.out.Waiting = nil
	seen := map[finding.Object]bool{}
	for _, f := range r.refusals {
		seen[f.Object] = true
		r.out.Waiting = append(r.out.Waiting, apply.Waiting{Object: f.Object, Why: "refused: " + f.Words()})
	}
	if r.out.Apply != nil {
		for _, w := range r.out.Apply.Waiting {
			if !seen[w.Object] {
				seen[w.Object] = true
				r.out.Waiting = append(r.out.Waiting, w)
			}
		}
	}
	for _, o := range unhappy(r.out) {
		if !seen[o] {
			r.out.Waiting = append(r.out.Waiting, apply.Waiting{Object: o, Why: r.why(ctx, o)})
		}
	}
}

// why joins both tracks' words on an object with the cluster's reasons.
func (r *run) why(ctx context.Context, o finding.Object) string {
	var words []string
	unhealthy := false
	for _, name := range []track.Name{track.Flux, track.Argo} {
		for _, v := range r.out.Verdicts[name] {
			if v.Object != o || v.OK() {
				continue
			}
			words = append(words, wordsOf(v))
			unhealthy = unhealthy || v.Health == track.Progressing || v.Health == track.Degraded
		}
	}
	said := strings.Join(words, "; ")
	if live := r.input.Live.Objects[o]; live != nil && unhealthy {
		return apply.Reason(ctx, r.loop.reader, live, said)
	}
	return said
}

func wordsOf(v track.Verdict) string {
	s := fmt.Sprintf("%s: %s, %s", v.Track, v.Sync, v.Health)
	if len(v.Fields) > 0 {
		s += " at " + v.Fields[0].Pointer
		if n := len(v.Fields) - 1; n > 0 {
			s += fmt.Sprintf(" and %d more", n)
		}
	}
	if v.Why != "" {
		s += " (" + v.Why + ")"
	}
	return s
}

// disagreements are the objects of which the tracks' words differ.
func disagreements(in track.Input, byFlux, byArgo []track.Verdict) []Disagreement {
	other := map[finding.Object]track.Verdict{}
	for _, v := range byArgo {
		other[v.Object] = v
	}
	var out []Disagreement
	for _, f := range byFlux {
		a, ok := other[f.Object]
		if !ok || f.Sync == a.Sync && f.Health == a.Health {
			continue
		}
		d := Disagreement{Object: f.Object, Flux: f, Argo: a, Pointer: firstApart(f.Fields, a.Fields)}
		d.Cause, d.Why = causeOf(d, in)
		out = append(out, d)
	}
	return out
}

// firstApart is the first field that only one of the tracks names.
func firstApart(f, a []track.Field) string {
	for _, pair := range [][2][]track.Field{{f, a}, {a, f}} {
		for _, field := range pair[0] {
			same := func(o track.Field) bool { return o.Pointer == field.Pointer }
			if !slices.ContainsFunc(pair[1], same) {
				return field.Pointer
			}
		}
	}
	return ""
}
