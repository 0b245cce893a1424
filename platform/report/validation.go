package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"dualtrack.internal/platform/policy"
	"dualtrack.internal/platform/validate"
)

// AddValidation notes what the judges of configurations said, and what the gate
// said of each component's objects. Refusals become findings.
func (r *Result) AddValidation(rows []validate.Row, gated *policy.Gated) {
	r.Validation = append(objectRows(gated, r.Counts.Rules), rows...)
	slices.SortStableFunc(r.Validation, func(a, b validate.Row) int { return strings.Compare(a.Component, b.Component) })
	r.Findings = append(r.Findings, validate.Findings(rows)...)
}

// objectRows are the words of schema and policy, a component each.
func objectRows(gated *policy.Gated, rules int) []validate.Row {
	var rows []validate.Row
	at := map[string]int{}
	counts := map[string]int{}
	for _, b := range gated.Rendered.Bundles {
		for _, o := range b.Objects {
			i, known := at[o.Component]
			if !known {
				i = len(rows)
				at[o.Component] = i
				rows = append(rows, validate.Row{Component: o.Component, What: "objects", By: "schema and policy", How: validate.ByRules})
			}
			if n := len(rows[i].Clusters); n == 0 || rows[i].Clusters[n-1] != b.Cluster {
				rows[i].Clusters = append(rows[i].Clusters, b.Cluster)
			}
			counts[o.Component]++
		}
	}
	for i := range rows {
		rows[i].Accepted = []string{plural(counts[rows[i].Component], "object"), plural(rules, "rule")}
	}
	return rows
}

// Skipped is how many configurations nothing judged.
func (r *Result) Skipped() int {
	n := 0
	for _, row := range r.Validation {
		if row.Skipped != "" {
			n++
		}
	}
	return n
}

// writeValidation is the table of judges and what they accepted.
func writeValidation(b *bytes.Buffer, r *Result) {
	if len(r.Validation) == 0 {
		return
	}
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "COMPONENT\tCONFIGURATION\tJUDGED BY\tSAYS")
	for _, line := range lines(r.Validation) {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", line.component, line.what+times(line.clusters), line.by, line.says)
	}
	_ = w.Flush() // into memory
	b.WriteByte('\n')
}

// validateHeadline counts the judges' words.
func (r *Result) validateHeadline() string {
	counts := map[validate.How]int{}
	refused, nothing := 0, 0
	for _, row := range r.Validation {
		switch {
		case row.Nothing != "":
			nothing++
		case row.Skipped == "":
			counts[row.How]++
		}
		if len(row.Problems) > 0 {
			refused++
		}
	}
	said := fmt.Sprintf("%s judged by program, %d by official library, %d by our own rules · %d refused · %d skipped",
		plural(counts[validate.ByProgram], "configuration"), counts[validate.ByLibrary], counts[validate.ByRules], refused, r.Skipped())
	if nothing > 0 {
		said += fmt.Sprintf(" · %d without a configuration", nothing)
	}
	return said
}

// line is what a person sees of rows that say the same.
type line struct {
	component, what, by, says string
	clusters                  int
}

func lines(rows []validate.Row) []line {
	var out []line
	for _, row := range rows {
		by := row.By
		if row.Version != "" {
			by += " " + row.Version
		}
		if row.How != validate.ByRules {
			by += ", " + string(row.How)
		}
		if row.Nothing != "" {
			by = "nobody"
		}
		l := line{component: row.Component, what: row.What, by: by, says: says(row)}
		i := slices.IndexFunc(out, func(other line) bool {
			other.clusters = 0
			return other == l
		})
		if i < 0 {
			i = len(out)
			out = append(out, l)
		}
		out[i].clusters += len(row.Clusters)
	}
	return out
}

func times(clusters int) string {
	if clusters > 1 {
		return fmt.Sprintf(" ×%d", clusters)
	}
	return ""
}

func says(row validate.Row) string {
	switch {
	case row.Skipped != "":
		return "SKIPPED: " + row.Skipped
	case row.Nothing != "":
		return "no configuration: " + row.Nothing
	case len(row.Problems) > 0:
		return "refused: " + plural(len(row.Problems), "problem")
	}
	return strings.Join(row.Accepted, ", ")
}
