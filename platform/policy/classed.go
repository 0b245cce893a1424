package policy

import (
	"cmp"
	"maps"
	"slices"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
)

// shown is a finding of the earlier tree with the clusters, sorted, of which the later
// tree did not show it again.
type shown struct {
	finding.Finding
	left []string
}

// earlier are the findings of the earlier tree, by what tells them again anywhere.
type earlier map[string][]*shown

func newEarlier(before []finding.Finding) earlier {
	e := earlier{}
	for _, f := range before {
		k := anywhere(f)
		left := clustersOf(f)
		for _, other := range e[k] { // of two on one cluster the last one counts
			other.left = without(other.left, left)
		}
		e[k] = append(e[k], &shown{f, left})
	}
	return e
}

// clustersOf are a finding's clusters, sorted; "" stands for none.
func clustersOf(f finding.Finding) []string {
	switch {
	case len(f.Clusters) == 0:
		return []string{""}
	case slices.IsSorted(f.Clusters):
		return f.Clusters
	}
	return slices.Sorted(slices.Values(f.Clusters))
}

// without are the names of a sorted list that another one lacks.
func without(list, other []string) []string {
	if slices.Equal(list, other) {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool {
		_, there := slices.BinarySearch(other, name)
		return there
	})
}

// both are the names that two sorted lists share.
func both(list, other []string) []string {
	if slices.Equal(list, other) {
		return list
	}
	return without(list, without(list, other))
}

// meet takes what the later tree shows again: the clusters on which the earlier one
// counted it.
func (e earlier) meet(f finding.Finding, clusters []string) []string {
	var old []string
	for _, s := range e[anywhere(f)] {
		if met := both(clusters, s.left); len(met) > 0 {
			s.left = without(s.left, met)
			if s.Class == "" {
				old = append(old, met...)
			}
		}
	}
	slices.Sort(old)
	return old
}

// fixed are the findings that counted and that the later tree does not show, in order:
// of merged ones the first gives the place.
func (e earlier) fixed() []finding.Finding {
	var out []finding.Finding
	for _, k := range slices.Sorted(maps.Keys(e)) {
		list := slices.DeleteFunc(e[k], func(s *shown) bool { return len(s.left) == 0 || s.Class != "" })
		slices.SortStableFunc(list, func(a, b *shown) int { return cmp.Compare(a.left[0], b.left[0]) })
		for _, s := range list {
			class := finding.Fixed
			if s.Rule == render.RuleUnavailable {
				class = finding.Unknown
			}
			out = append(out, on(s.Finding, s.left, class))
		}
	}
	return out
}

// on is a finding on some of its clusters.
func on(f finding.Finding, clusters []string, class finding.Class) finding.Finding {
	f.Class = class
	if clusters[0] == "" {
		clusters = clusters[1:]
	}
	return f.On(clusters...)
}

// classed compares the findings of two trees cluster by cluster.
func classed(before, after []finding.Finding) []finding.Finding {
	was := newEarlier(before)
	all := finding.NewMerger()
	for _, f := range after {
		clusters := clustersOf(f)
		old := was.meet(f, clusters)
		if f.Rule == render.RuleUnavailable { // what can't be had has not been judged
			old = nil
		}
		if f.Class != "" {
			all.Add(on(f, clusters, f.Class))
			continue
		}
		fresh := without(clusters, old)
		classes := []finding.Finding{}
		if len(old) > 0 {
			classes = append(classes, on(f, old, finding.PreExisting))
		}
		if len(fresh) > 0 {
			classes = append(classes, on(f, fresh, finding.New))
			if len(old) > 0 && fresh[0] < old[0] {
				slices.Reverse(classes)
			}
		}
		for _, one := range classes {
			all.Add(one)
		}
	}
	for _, f := range was.fixed() {
		all.Add(f)
	}
	return all.Merged()
}
