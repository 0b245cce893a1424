package report

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"dualtrack.internal/platform/finding"
)

// GitHub shows so many errors and so many warnings of a step, and 50 of a job: two
// checks in one job fit.
const mostOfStep = 10

// SummaryLimit is the most bytes that GitHub takes of a step's summary; of a larger
// one it shows nothing.
const SummaryLimit = 1 << 20

// GitHub writes workflow commands, which GitHub shows beside the lines of a pull
// request: the worst 10 errors and 10 warnings, and a notice that counts all.
func GitHub(w io.Writer, r *Result) error {
	var b bytes.Buffer
	shown := map[string]int{}
	left := map[standing]int{}
	for _, f := range r.listing() {
		kind := ""
		switch f.standing {
		case fails:
			kind = "error"
		case unclear, warns:
			kind = "warning"
		case stood, remarks, waivedBy, mended:
		}
		if kind == "" || shown[kind] == mostOfStep {
			left[f.standing]++
			continue
		}
		shown[kind]++
		r.workflowCommand(&b, kind, f)
	}
	text := r.verdict()
	if rest := r.counted(left); rest != "" {
		text += ". Not shown beside the lines: " + rest
	}
	fmt.Fprintf(&b, "::notice title=%s::%s\n", commandProperty("platform "+r.Command), commandData(text))
	_, err := w.Write(b.Bytes())
	return err
}

// counted names how many findings are of each standing, worst first.
func (r *Result) counted(n map[standing]int) string {
	var parts []string
	for s := fails; s <= mended; s++ {
		if n[s] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n[s], s))
		}
	}
	return strings.Join(parts, ", ")
}

func (r *Result) workflowCommand(b *bytes.Buffer, kind string, f listed) {
	var properties []string
	property := func(name, value string) { properties = append(properties, name+"="+commandProperty(value)) }
	place, own := r.at(f.Finding)
	if own {
		property("file", place.File)
		if place.Line > 0 {
			property("line", strconv.Itoa(place.Line))
			if place.Column > 0 {
				property("col", strconv.Itoa(place.Column))
			}
		}
	}
	title := f.Rule
	if f.Class == finding.Unknown || f.Class == finding.New {
		title = string(f.Class) + " " + title
	}
	if !f.Object.IsZero() {
		title += " " + f.Object.String()
	}
	property("title", title)
	text := f.Message
	if !own && f.Position.File != "" {
		text += " (" + f.Position.String() + ")"
	}
	if len(f.Clusters) > 0 {
		text += "\non " + onClusters(f.Clusters, r.Counts.Clusters)
	}
	if also := r.alsoAt(f.Finding); also != "" {
		text += "\n" + also
	}
	if f.Mend != "" {
		text += "\nmend: " + f.Mend
	}
	text += "\nfingerprint: " + f.Fingerprint
	fmt.Fprintf(b, "::%s %s::%s\n", kind, strings.Join(properties, ","), commandData(text))
}

// commandData escapes what stands after a workflow command's second "::": the
// runner reads a command a line.
func commandData(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

// commandProperty escapes a property's value.
func commandProperty(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
