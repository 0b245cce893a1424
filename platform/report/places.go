package report

import (
	"fmt"
	"strings"

	"dualtrack.internal/platform/finding"
)

// mostPlaces is how many further places of a finding are written out.
const mostPlaces = 10

// alsoAt are the further places of a finding in one line, "" of one that stands in
// one place. clusters is how many there are in all.
func alsoAt(f finding.Finding, clusters int, where func(finding.Position) string) string {
	if len(f.Places) < 2 {
		return ""
	}
	further := f.Places[1:]
	var places []string
	for _, p := range further[:min(len(further), mostPlaces)] {
		text := where(p.Position)
		if len(p.Clusters) > 0 {
			text += " (" + onClusters(p.Clusters, clusters) + ")"
		}
		places = append(places, text)
	}
	text := "also at " + strings.Join(places, ", ")
	if more := len(further) - len(places); more > 0 {
		text += fmt.Sprintf(" and %s more", plural(more, "place"))
	}
	return text
}

// alsoAt names places within the Git repository that holds the tree.
func (r *Result) alsoAt(f finding.Finding) string {
	return alsoAt(f, r.Counts.Clusters, func(p finding.Position) string {
		if at, own := r.at(finding.Finding{Position: p}); own {
			return at.String()
		}
		return p.String()
	})
}
