package report

import (
	"bytes"
	"fmt"
	"strings"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/finding"
)

// writeSurvey says what applying would meet on a cluster that was there before.
func writeSurvey(b *bytes.Buffer, s cluster.Survey, o TextOptions) {
	adopted := "adopted by " + s.Owner
	if s.Owner == "" {
		adopted = "adopted by no fleet yet"
	}
	fmt.Fprintf(b, "  server %s, %s\n", s.Server, adopted)
	if s.Version != "" {
		fmt.Fprintf(b, "  %s\n", s.Version)
	}
	var lacks []string
	for _, a := range s.Lacks {
		lacks = append(lacks, string(a))
	}
	if len(lacks) > 0 {
		fmt.Fprintf(b, "  it does not offer %s\n", strings.Join(lacks, ", "))
	}
	some(b, s.Missing, o, func(p cluster.Permission) { fmt.Fprintf(b, "  the account may not %s\n", p) })
	if len(s.Missing) > 0 {
		fmt.Fprintln(b, "  what would change is not known without these permissions")
	}
	some(b, s.Foreign, o, func(f finding.Object) { fmt.Fprintf(b, "  there and not ours: %s\n", f) })
}

// ToApprove says that a plan waits for approval, and whether the cluster must be
// adopted with it.
func (r *Result) ToApprove() (planned, adopt bool) {
	for _, c := range r.Clusters {
		if c.State == Planned {
			planned = true
			adopt = adopt || c.Survey != nil && !c.Survey.Adopted
		}
	}
	return planned, adopt
}
