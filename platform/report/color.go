package report

import (
	"bytes"
	"strings"

	"dualtrack.internal/platform/finding"
)

// The colours are those of the terminal's own palette (ECMA-48, SGR), so that
// they fit its background.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

// paint wraps a word in a colour where colours are wanted.
func (o TextOptions) paint(color, word string) string {
	if !o.Color || color == "" {
		return word
	}
	return color + word + plain
}

func severityColor(f finding.Finding) string {
	switch {
	case f.Denies():
		return red
	case f.Class == finding.Waived || f.Class == finding.Unknown || f.Severity == finding.Info:
		return ""
	}
	return yellow
}

func stateColor(s State) string {
	switch s {
	case Converged, Running, Stopped:
		return green
	case NotRunning, NotChanged, Planned:
		return yellow
	case NotConverged, Unreachable, Failed, Refused:
		return red
	}
	return ""
}

func levelColor(s finding.Severity) string {
	switch s {
	case finding.Error:
		return red
	case finding.Warning:
		return yellow
	case finding.Info:
	}
	return ""
}

// paintTable colours the state in each line of a table that is laid out already:
// the codes have no width, and the layout would count them.
func (o TextOptions) paintTable(b *bytes.Buffer, table string, clusters []Cluster) {
	for i, line := range strings.SplitAfter(table, "\n") {
		if o.Color && i > 0 && i <= len(clusters) {
			c := clusters[i-1]
			head := len(c.Name)
			line = line[:head] + strings.Replace(line[head:], " "+string(c.State), " "+o.paint(stateColor(c.State), string(c.State)), 1)
		}
		b.WriteString(line)
	}
}

// paintHeadline colours the first word of a headline by how well things are.
func (o TextOptions) paintHeadline(r *Result, s string) string {
	color := green
	for _, c := range r.Clusters {
		if next := stateColor(c.State); next == red || next == yellow && color == green {
			color = next
		}
	}
	if r.Denials() > 0 {
		color = red
	}
	first, rest, more := strings.Cut(s, " · ")
	if more {
		rest = " · " + rest
	}
	return o.paint(color, first) + rest
}
