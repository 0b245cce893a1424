package reach

import (
	"cmp"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
)

// Unknown is a part of a policy of which nothing is computed.
type Unknown struct {
	Object  finding.Object
	Pods    []finding.Object // whom it is about
	Pointer string
	Why     string // for people, with the pods that it is about
	Gone    bool   // it is no longer there
	// Limits says that it limits paths which are computed, and have it in their words.
	Limits bool
	mark   string
}

// say notes a part that is not computed, with what it says in one order.
func (r *reader) say(at string, part any, what string) {
	names, pods := r.selected()
	r.unknown = append(r.unknown, Unknown{Object: r.policy.object, Pods: pods, Pointer: r.pointer + "/" + at,
		Why: names + " " + what + ": not computed", mark: canonical(part)})
}

// meets says what the pods do with others, who are not known.
func meets(way direction, deny bool, whom string) string {
	words := [2][2]string{{"may be reached by ", "may reach "}, {"may not be reached by ", "may not reach "}}
	if deny {
		return words[1][way] + whom
	}
	return words[0][way] + whom
}

// limited notes rules of another layer.
func (r *reader) limited(at string, part any, way direction, l limit) {
	r.say(at, part, meets(way, false, "others as far as "+l.name+" let it"))
	r.unknown[len(r.unknown)-1].Limits = true
}

// selected are the pods that a policy is about, and their names.
func (r *reader) selected() (string, []finding.Object) {
	var names []string
	var pods []finding.Object
	for _, p := range r.world.pods {
		if r.policy.selects(p) {
			names, pods = append(names, p.object.String()), append(pods, p.object)
		}
	}
	if len(names) == 0 {
		return "no pod of the bundle", nil
	}
	slices.Sort(names)
	return strings.Join(names, ", "), pods
}

// Unknowns are the parts of policies that one side has and the other has not, or
// not so.
func Unknowns(before, after *World) []Unknown {
	var out []Unknown
	lacking := func(here, there *World, gone bool) {
		for _, u := range here.unknown {
			if !slices.ContainsFunc(there.unknown, func(v Unknown) bool { return v.Object == u.Object && v.Why == u.Why && v.mark == u.mark }) {
				u.Gone = gone
				out = append(out, u)
			}
		}
	}
	lacking(before, after, true)
	lacking(after, before, false)
	slices.SortStableFunc(out, func(a, b Unknown) int {
		return cmp.Or(strings.Compare(a.Object.String(), b.Object.String()), strings.Compare(a.Pointer, b.Pointer), strings.Compare(a.Why, b.Why))
	})
	return slices.CompactFunc(out, func(a, b Unknown) bool {
		return a.Object == b.Object && a.Pointer == b.Pointer && a.Why == b.Why && a.Gone == b.Gone
	})
}
