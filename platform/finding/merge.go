package finding

import (
	"cmp"
	"slices"
)

// Place is one of several places where a finding stands.
type Place struct {
	Position Position `json:"position"`
	Clusters []string `json:"clusters,omitempty"` // for which it stands there
}

// Merge shows equal findings of many clusters once, with all their clusters and
// places, and sorts: errors first, then by file, line, column, rule, object and
// pointer.
func Merge(all []Finding) []Finding {
	at := map[string]int{}
	var out []Finding
	c := cleaner{texts: map[string]string{}, patches: map[string]bool{}}
	for _, f := range all {
		f = c.clean(f).WithFingerprint()
		key := f.Fingerprint + string(f.Class) + string(f.Severity)
		i, seen := at[key]
		if !seen {
			at[key] = len(out)
			f.Clusters = slices.Clone(f.Clusters)
			out = append(out, f)
			continue
		}
		out[i].addPlaces(f)
		out[i].Clusters = append(out[i].Clusters, f.Clusters...)
	}
	for i := range out {
		slices.Sort(out[i].Clusters)
		out[i].Clusters = slices.Compact(out[i].Clusters)
	}
	slices.SortStableFunc(out, compare)
	return out
}

// addPlaces takes over where an equal finding stands.
func (f *Finding) addPlaces(other Finding) {
	if len(f.Places) == 0 && len(other.Places) == 0 && f.Position == other.Position {
		return
	}
	places := f.places()
	for _, p := range other.places() {
		i := slices.IndexFunc(places, func(known Place) bool { return known.Position == p.Position })
		if i < 0 {
			places = append(places, p)
			continue
		}
		clusters := slices.Concat(places[i].Clusters, p.Clusters)
		slices.Sort(clusters)
		places[i].Clusters = slices.Compact(clusters)
	}
	if f.Places = places; len(places) > 0 {
		f.Position = places[0].Position
	}
	if len(places) < 2 {
		f.Places = nil
	}
}

// places are those of a finding, the one that it is shown at first.
func (f *Finding) places() []Place {
	if len(f.Places) > 0 {
		return slices.Clone(f.Places)
	}
	if f.Position.File == "" {
		return nil
	}
	return []Place{{f.Position, slices.Clone(f.Clusters)}}
}

// On is a merged finding as it stands for one of its clusters.
func (f Finding) On(cluster string) Finding {
	f.Clusters = []string{cluster}
	var own []Place
	for _, p := range f.Places {
		if slices.Contains(p.Clusters, cluster) {
			own = append(own, Place{p.Position, f.Clusters})
		}
	}
	if f.Places = own; len(own) > 0 {
		f.Position = own[0].Position
	}
	if len(own) < 2 {
		f.Places = nil
	}
	return f
}

func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Severity.rank(), b.Severity.rank()),
		cmp.Compare(a.Position.File, b.Position.File),
		cmp.Compare(a.Position.Line, b.Position.Line),
		cmp.Compare(a.Position.Column, b.Position.Column),
		cmp.Compare(a.Rule, b.Rule),
		cmp.Compare(a.Object.String(), b.Object.String()),
		cmp.Compare(a.Pointer, b.Pointer),
		cmp.Compare(a.Message, b.Message),
	)
}
