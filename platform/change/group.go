package change

import (
	"fmt"
	"slices"

	"dualtrack.internal/platform/finding"
)

// Group is one change that some clusters share.
type Group struct {
	Object    finding.Object `json:"object"`
	Component string         `json:"component"`
	Action    Action         `json:"action"`
	Fields    []Field        `json:"fields,omitempty"`
	// Consequences are what follows of it.
	Consequences []Consequence    `json:"consequences,omitempty"`
	Position     finding.Position `json:"position,omitzero"`
	Clusters     []string         `json:"clusters"`
}

// Grouped shows equal changes of many clusters once, in the order in which they
// are first met.
func Grouped(clusters []Cluster) []Group {
	at := map[string]int{}
	var out []Group
	for _, c := range clusters {
		for _, o := range c.Objects {
			key := fmt.Sprint(o.Object, o.Component, o.Action, o.Position, o.Fields)
			i, seen := at[key]
			if !seen {
				i = len(out)
				at[key] = i
				out = append(out, Group{Object: o.Object, Component: o.Component, Action: o.Action, Fields: o.Fields,
					Consequences: o.Consequences, Position: o.Position})
			}
			out[i].Clusters = append(out[i].Clusters, c.Name)
		}
	}
	for i := range out {
		slices.Sort(out[i].Clusters)
	}
	return out
}
