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
	m := NewMerger()
	for _, f := range all {
		m.Add(f)
	}
	return m.Merged()
}

// Merger does what Merge does, one finding after the other: those of many clusters
// need not be there all at once.
type Merger struct {
	said    map[said]int   // index into out
	known   map[string]int // by what tells merged findings apart
	cleaner cleaner
	out     []Finding
}

// said is all of a finding that tells it from others, as it was said.
type said struct {
	rule, component string
	object          Object
	pointer         string
	message         string
	class           Class
	severity        Severity
}

// NewMerger begins with nothing.
func NewMerger() *Merger {
	return &Merger{said: map[said]int{}, known: map[string]int{}, cleaner: cleaner{texts: map[string]string{}, patches: map[string]bool{}}}
}

// Add adds a finding.
func (m *Merger) Add(f Finding) {
	words := said{f.Rule, f.Component, f.Object, f.Pointer, f.Message, f.Class, f.Severity}
	i, seen := m.said[words]
	if !seen {
		f = m.cleaner.clean(f).WithFingerprint()
		key := f.Fingerprint + string(f.Class) + string(f.Severity)
		if i, seen = m.known[key]; !seen {
			i = len(m.out)
			m.known[key] = i
			f.Clusters = slices.Clone(f.Clusters)
			m.out = append(m.out, f)
		}
		m.said[words] = i
		if !seen {
			return
		}
	}
	m.out[i].addPlaces(f)
	m.out[i].Clusters = append(m.out[i].Clusters, f.Clusters...)
}

// Merged gives the findings and ends the merging.
func (m *Merger) Merged() []Finding {
	for i := range m.out {
		slices.Sort(m.out[i].Clusters)
		m.out[i].Clusters = slices.Compact(m.out[i].Clusters)
	}
	slices.SortStableFunc(m.out, compare)
	return m.out
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

// On is a merged finding as it stands for some of its clusters, sorted ones.
func (f Finding) On(clusters ...string) Finding {
	if f.Clusters = clusters; len(clusters) == 0 {
		return f
	}
	var own []Place
	for _, p := range f.Places {
		there := slices.DeleteFunc(slices.Clone(clusters), func(name string) bool { return !slices.Contains(p.Clusters, name) })
		if len(there) > 0 {
			own = append(own, Place{p.Position, there})
		}
	}
	slices.SortStableFunc(own, func(a, b Place) int { return cmp.Compare(a.Clusters[0], b.Clusters[0]) })
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
