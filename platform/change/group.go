package change

import (
	"cmp"
	"fmt"
	"slices"

	"dualtrack.internal/platform/finding"
)

// Group is one change that some clusters share.
type Group struct {
	Object    finding.Object `json:"object"`
	Component string         `json:"component"`
	Action    Action         `json:"action"`
	From      string         `json:"from,omitempty"` // the component of what moved, the name of what was renamed
	Fields    []Field        `json:"fields,omitempty"`
	// Consequences are what follows of it.
	Consequences []Consequence    `json:"consequences,omitempty"`
	Position     finding.Position `json:"position,omitzero"`
	Clusters     []string         `json:"clusters"`
}

// Grouped shows equal changes of many clusters once, in the order in which they
// are first met, clusters' own settings last.
func Grouped(clusters []Cluster) []Group {
	var out []Group
	for _, g := range gather(clusters) {
		out = append(out, Group{Object: g.Object.Object, Component: g.Component, Action: g.Action, From: g.From, Fields: g.Fields,
			Consequences: g.Consequences, Position: g.Position, Clusters: g.clusters})
	}
	return out
}

// gathered is one change with the clusters that it is the same on.
type gathered struct {
	Object
	clusters []string
}

func gather(clusters []Cluster) []gathered {
	at := map[string]int{}
	var out []gathered
	for _, c := range clusters {
		for _, o := range c.Objects {
			key := fmt.Sprint(o.Object, o.Component, o.Action, o.From, o.Position, o.Fields, words(o.Consequences))
			i, seen := at[key]
			if !seen {
				i = len(out)
				at[key] = i
				out = append(out, gathered{Object: o})
			}
			out[i].clusters = append(out[i].clusters, c.Name)
		}
	}
	for i := range out {
		slices.Sort(out[i].clusters)
	}
	slices.SortStableFunc(out, func(a, b gathered) int { return cmp.Compare(settings(a.Object.Object), settings(b.Object.Object)) })
	return out
}

// settings is 1 of a cluster's own settings, which stand behind what it holds.
func settings(o finding.Object) int {
	if o.Group() == catalogGroup {
		return 1
	}
	return 0
}

func words(list []Consequence) []string {
	var out []string
	for _, c := range list {
		out = append(out, string(c.Effect), string(c.Level), c.Why, c.Pointer)
	}
	return out
}
