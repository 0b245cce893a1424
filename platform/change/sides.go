package change

import (
	"cmp"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// sides are both bundles of one cluster while they are compared, without the
// components that one of them lacks.
type sides struct {
	before, after []render.Object
	was, now      map[finding.Object]*render.Object // by identity
	eq            equality
}

// equality remembers which objects were compared: many clusters share them.
type equality map[[2]*unstructured.Unstructured]bool

func (e equality) same(a, b *render.Object) bool {
	key := [2]*unstructured.Unstructured{a.Unstructured, b.Unstructured}
	same, known := e[key]
	if !known {
		same = reflect.DeepEqual(a.Object, b.Object)
		e[key] = same
	}
	return same
}

func newSides(before, after *render.Bundle, unknown []string, eq equality) *sides {
	known := func(list []render.Object) []render.Object {
		return slices.DeleteFunc(slices.Clone(list), func(o render.Object) bool { return slices.Contains(unknown, o.Component) })
	}
	s := &sides{before: known(before.Objects), after: known(after.Objects), eq: eq}
	s.was, s.now = byIdentity(s.before), byIdentity(s.after)
	return s
}

func byIdentity(list []render.Object) map[finding.Object]*render.Object {
	out := make(map[finding.Object]*render.Object, len(list))
	for i := range list {
		out[identityOf(list[i])] = &list[i]
	}
	return out
}

// identityOf names an object whatever version of its API it is written in.
func identityOf(o render.Object) finding.Object {
	ref := o.Ref()
	ref.APIVersion = ref.Group()
	return ref
}

// differences are the objects that differ, in apply order, removed ones last.
func (s *sides) differences() []Object {
	old := s.renamed()
	gone := map[*render.Object]bool{}
	var out []Object
	for i := range s.after {
		to := &s.after[i]
		from := s.was[identityOf(*to)]
		switch {
		case from == nil && old[to] != nil:
			from = old[to]
			gone[from] = true
			out = append(out, note(Renamed, from, to))
		case from == nil:
			out = append(out, note(Added, nil, to))
		case from.Component != to.Component:
			out = append(out, note(Moved, from, to))
		case !s.eq.same(from, to):
			out = append(out, note(Changed, from, to))
		}
	}
	for i := range s.before {
		if from := &s.before[i]; s.now[identityOf(*from)] == nil && !gone[from] {
			out = append(out, note(Removed, from, nil))
		}
	}
	return out
}

func note(a Action, from, to *render.Object) Object {
	o := cmp.Or(to, from)
	made := Object{Object: o.Ref(), Component: o.Component, Action: a, Position: o.Source, before: from, after: to}
	switch a {
	case Moved:
		made.From = from.Component
		made.Fields = slices.DeleteFunc(Fields(from.Object, to.Object), func(f Field) bool { return f.Pointer == componentLabel })
	case Renamed:
		made.From = from.GetName()
		made.Fields = Fields(from.Object, to.Object)
	case Changed:
		made.Fields = Fields(from.Object, to.Object)
	case Added, Removed, Affected:
	}
	made.Consequences = consequences(from, to, a, made.Fields)
	return made
}

// componentLabel is the label that every object carries: that it follows the
// component is no news.
const componentLabel = "/metadata/labels/platform.dualtrack.internal~1component"

// alike is the share of an object's values that a renamed one may differ in.
const alike = 0.25

// tooMany bounds the search for renamed objects of one kind and namespace.
const tooMany = 100

// renamed finds for objects that come the one that goes and says nearly the same:
// same kind, same namespace, and no other that is nearer.
func (s *sides) renamed() map[*render.Object]*render.Object {
	type place struct{ group, kind, namespace string }
	at := func(o *render.Object) place { return place{o.Ref().Group(), o.GetKind(), o.GetNamespace()} }
	gone := map[place][]*render.Object{}
	for i := range s.before {
		if o := &s.before[i]; s.now[identityOf(*o)] == nil {
			gone[at(o)] = append(gone[at(o)], o)
		}
	}
	out, taken := map[*render.Object]*render.Object{}, map[*render.Object]bool{}
	if len(gone) == 0 {
		return out
	}
	for i := range s.after {
		to := &s.after[i]
		candidates := gone[at(to)]
		if s.was[identityOf(*to)] != nil || len(candidates) > tooMany {
			continue
		}
		var nearest *render.Object
		least := alike
		for _, from := range candidates {
			if d := distance(from, to); !taken[from] && d <= least && (nearest == nil || d < least) {
				nearest, least = from, d
			}
		}
		if nearest != nil {
			out[to], taken[nearest] = nearest, true
		}
	}
	return out
}

// distance is the share of two objects' values that differ, names set aside: 0 to
// 1. Of generated names, as kustomize gives them by content, only the stem counts.
func distance(from, to *render.Object) float64 {
	if stem, ok := generated(from.GetName()); ok {
		if other, ok := generated(to.GetName()); ok && stem == other {
			return 0
		}
	}
	differ := 0
	for _, f := range Fields(from.Object, to.Object) {
		if f.Pointer == "/metadata/name" || f.Pointer == componentLabel || nameFollows(f, from.GetName(), to.GetName()) {
			continue
		}
		differ += max(leaves(f.Before), leaves(f.After))
	}
	all := max(leaves(from.Object), leaves(to.Object)) - 4 // apiVersion, kind, name, namespace say nothing here
	if all < 2 {
		return 1
	}
	return float64(differ) / float64(all)
}

// nameFollows says that a value differs because the name in it does.
func nameFollows(f Field, from, to string) bool {
	before, ok := f.Before.(string)
	after, ok2 := f.After.(string)
	return ok && ok2 && from != "" && strings.ReplaceAll(before, from, to) == after
}

func leaves(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, value := range v {
			n += leaves(value)
		}
	case []any:
		for _, value := range v {
			n += leaves(value)
		}
	case nil:
	default:
		return 1
	}
	return n
}

// generated is the stem of a name that ends in the hash of its content.
func generated(name string) (string, bool) {
	at := strings.LastIndexByte(name, '-')
	if at <= 0 || len(name)-at-1 != 10 {
		return "", false
	}
	for _, r := range name[at+1:] {
		if !strings.ContainsRune("bcdfghkmt2456789", r) { // the letters that kustomize writes hashes in
			return "", false
		}
	}
	return name[:at], true
}
