package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/render"
	"dualtrack.internal/platform/track"
)

// TextOptions change what a person is shown.
type TextOptions struct {
	Verbose bool   // every verdict, waived and info findings too
	Color   bool   // for a terminal
	Link    string // to a form of the report that holds all, for those that can link
}

// shown is how many lines of one kind a person sees without -v.
const shown = 10

// Text writes the result for people, in at most 80 columns where names allow it.
func Text(w io.Writer, r *Result, o TextOptions) error {
	var b bytes.Buffer
	if r.Upgrade != nil {
		r.Upgrade.begin(&b)
	}
	if r.Change != nil {
		r.Change.begin(&b, r.Counts.Clusters, o)
	}
	writeFindings(&b, r, o)
	for _, c := range r.Clusters {
		writeCluster(&b, c, o)
	}
	writeTable(&b, r, o)
	writeValidation(&b, r)
	writeHeadline(&b, r, o)
	for _, note := range r.Notes {
		fmt.Fprintln(&b, note)
	}
	if r.Upgrade != nil {
		r.Upgrade.end(&b)
	}
	if len(r.Next) > 0 {
		fmt.Fprintf(&b, "\nNext:\n")
		for _, line := range r.Next {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// writeFindings shows what a person must act on; the rest is counted. Commands
// about clusters leave warnings to check.
func writeFindings(b *bytes.Buffer, r *Result, o TextOptions) {
	hidden := map[string]int{}
	for _, f := range r.Findings {
		if !o.Verbose && !r.tells(f) {
			hidden[hiddenKind(f)]++
			continue
		}
		writeFinding(b, f, max(r.Counts.Clusters, len(r.Clusters)), o)
	}
	if b.Len() > 0 && !bytes.HasSuffix(b.Bytes(), []byte("\n\n")) {
		b.WriteByte('\n')
	}
	var kinds []string
	for kind, n := range hidden {
		kinds = append(kinds, plural(n, kind))
	}
	if slices.Sort(kinds); len(kinds) > 0 {
		fmt.Fprintf(b, "policy and schema: %s; `platform check -v` shows them\n\n", strings.Join(kinds, ", "))
	}
}

// tells says whether the command's reader needs the finding unasked.
func (r *Result) tells(f finding.Finding) bool {
	switch {
	case r.spared(f):
		return false
	case r.Command == "doctor", f.Denies(), (f.Rule == render.Rule || f.Rule == render.RuleUnavailable) && f.Class == finding.Unknown:
		return true
	case f.Class == finding.Waived || f.Class == finding.Unknown || f.Severity == finding.Info:
		return false
	}
	return slices.Contains([]string{"check", "render", "upgrade"}, r.Command)
}

func hiddenKind(f finding.Finding) string {
	if f.Class != "" {
		return string(f.Class) + " finding"
	}
	return string(f.Severity)
}

func writeFinding(b *bytes.Buffer, f finding.Finding, clusters int, o TextOptions) {
	if at := f.Position.String(); at != "" {
		fmt.Fprintf(b, "%s: ", at)
	}
	severity := string(f.Severity)
	if f.Class != "" {
		severity = string(f.Class) + " " + severity
	}
	fmt.Fprintf(b, "%s: %s: %s\n", o.paint(severityColor(f), severity), f.Rule, f.Message)
	var about []string
	if !f.Object.IsZero() {
		about = append(about, strings.TrimSpace(f.Object.String()+" "+f.Pointer))
	}
	if len(f.Clusters) > 0 {
		about = append(about, onClusters(f.Clusters, clusters))
	}
	if len(about) > 0 {
		fmt.Fprintf(b, "    %s\n", strings.Join(about, " · "))
	}
	if also := alsoAt(f, clusters, finding.Position.String); also != "" {
		fmt.Fprintf(b, "    %s\n", also)
	}
	if f.Mend != "" && f.Class != finding.Fixed {
		fmt.Fprintf(b, "    mend: %s\n", f.Mend)
	}
}

func writeCluster(b *bytes.Buffer, c Cluster, o TextOptions) {
	var body bytes.Buffer
	if c.Why != "" {
		fmt.Fprintf(&body, "  %s\n", indent(c.Why))
	}
	if c.Survey != nil && (o.Verbose || c.State == Planned) {
		writeSurvey(&body, *c.Survey, o)
	}
	writeChanges(&body, c, o)
	some(&body, c.Waiting, o, func(n Note) { fmt.Fprintf(&body, "  waiting for %s: %s\n", n.Object, indent(n.Why)) })
	for _, t := range c.Tracks {
		writeAgainst(&body, t, o)
	}
	some(&body, c.Disagreements, o, func(d Disagreement) {
		fmt.Fprintf(&body, "  tracks disagree on %s %s: flux %q, argo %q: %s\n", d.Object, d.Field, d.Flux, d.Argo, d.Why)
	})
	some(&body, c.Drift, o, func(d Drift) { writeDrift(&body, d) })
	if o.Verbose {
		if c.Pods != nil {
			fmt.Fprintf(&body, "  pods: %d observed, %d simulated\n", c.Pods.Observed, c.Pods.Simulated)
		}
		for _, n := range c.Withheld {
			fmt.Fprintf(&body, "  withheld %s: %s\n", n.Object, n.Why)
		}
		for _, s := range c.Started {
			fmt.Fprintf(&body, "  %s\n", s)
		}
	}
	for _, p := range c.Programs {
		fmt.Fprintf(&body, "  %-26s %-8s %d\n", p.Name, p.State, p.PID)
	}
	if body.Len() > 0 {
		fmt.Fprintf(b, "%s:\n%s\n", c.Name, body.Bytes())
	}
}

// writeChanges lists what was done to a cluster's objects, or would be; many of
// one action, as at a first up, are counted.
func writeChanges(b *bytes.Buffer, c Cluster, o TextOptions) {
	tense := ""
	if c.State == Planned || c.State == Running || c.State == NotChanged {
		tense = "would be "
	}
	count := map[string]int{}
	for _, ch := range c.Changes {
		count[ch.Action]++
	}
	told := map[string]bool{}
	for _, ch := range c.Changes {
		switch {
		case o.Verbose || count[ch.Action] <= shown:
			fmt.Fprintf(b, "  %s%s %s\n", tense, ch.Action, ch.Object)
			for _, f := range ch.Fields {
				writeField(b, f)
			}
		case !told[ch.Action]:
			told[ch.Action] = true
			fmt.Fprintf(b, "  %s%s %d objects; -v lists them\n", tense, ch.Action, count[ch.Action])
		}
	}
}

// some calls show for each item, or for the first ones without -v.
func some[T any](b *bytes.Buffer, items []T, o TextOptions, show func(T)) {
	for i, item := range items {
		if i == shown && !o.Verbose {
			fmt.Fprintf(b, "  … and %d more; -v shows all\n", len(items)-shown)
			return
		}
		show(item)
	}
}

func writeAgainst(b *bytes.Buffer, t Track, o TextOptions) {
	some(b, t.Against, o, func(v track.Verdict) {
		word := string(v.Sync)
		if v.Sync == track.InSync {
			word = string(v.Health)
		}
		fmt.Fprintf(b, "  %s: %s: %s", t.Name, v.Object, word)
		if v.Native != "" {
			fmt.Fprintf(b, " (%s)", v.Native)
		}
		if v.Why != "" {
			fmt.Fprintf(b, ": %s", indent(v.Why))
		}
		b.WriteByte('\n')
		for _, f := range v.Fields {
			writeField(b, f)
		}
	})
}

func writeDrift(b *bytes.Buffer, d Drift) {
	fmt.Fprintf(b, "  %s: %s\n", d.Class, d.Object)
	if len(d.Fields) == 0 {
		fmt.Fprintf(b, "      writer %s\n", writer(d.Writer))
	}
	for _, f := range d.Fields {
		writeField(b, f)
	}
	fmt.Fprintf(b, "      flux: %s · argo: %s\n", d.Flux, d.Argo)
	for _, f := range d.Policy {
		fmt.Fprintf(b, "      policy: %s: %s: %s\n", f.Severity, f.Rule, f.Message)
	}
}

func writeField(b *bytes.Buffer, f track.Field) {
	fmt.Fprintf(b, "      %s: want %s, have %s", f.Pointer, value(f.Want), value(f.Have))
	if f.Writer != (track.Writer{}) {
		fmt.Fprintf(b, " · %s", writer(f.Writer))
	}
	b.WriteByte('\n')
}

func writer(w track.Writer) string {
	if w == (track.Writer{}) {
		return "unknown"
	}
	s := w.Manager + ", " + w.Operation
	if w.Subresource != "" {
		s += " of " + w.Subresource
	}
	if !w.Time.IsZero() {
		s += ", " + w.Time.UTC().Format(time.RFC3339)
	}
	return s
}

func value(v any) string {
	if v == nil {
		return "nothing"
	}
	s := fmt.Sprintf("%v", v)
	if text, ok := v.(string); ok {
		s = strconv.Quote(text)
	}
	if runes := []rune(s); len(runes) > 60 {
		s = string(runes[:60]) + "…"
	}
	return s
}

func indent(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n    ")
}

// writeTable gives a line a cluster; the tracks' columns stand only where
// something was judged.
func writeTable(b *bytes.Buffer, r *Result, o TextOptions) {
	if len(r.Clusters) == 0 || slices.Contains([]string{"check", "render", "stop", "down", "upgrade"}, r.Command) {
		return
	}
	judged := slices.ContainsFunc(r.Clusters, func(c Cluster) bool { return len(c.Tracks) > 0 })
	var table bytes.Buffer
	t := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	header := "CLUSTER\tROLE\tSTATE"
	if judged {
		header += "\tOBJECTS\tFLUX\tARGO\tCHANGED\tTIME"
	}
	fmt.Fprintln(t, header)
	for _, c := range r.Clusters {
		line := c.Name + "\t" + c.Role + "\t" + string(c.State)
		if judged {
			line += "\t" + judgedColumns(c)
		}
		fmt.Fprintln(t, line)
	}
	_ = t.Flush() // into a bytes.Buffer: cannot fail
	o.paintTable(b, table.String(), r.Clusters)
}

func judgedColumns(c Cluster) string {
	words := map[track.Name]string{track.Flux: "-", track.Argo: "-"}
	for _, tr := range c.Tracks {
		words[tr.Name] = fmt.Sprintf("%d/%d", tr.InSync, tr.Objects)
	}
	var total time.Duration
	for _, d := range c.Took {
		total += time.Duration(d)
	}
	took := "-"
	if total > 0 {
		took = total.Round(100 * time.Millisecond).String()
	}
	return fmt.Sprintf("%d\t%s\t%s\t%d\t%s", c.Objects, words[track.Flux], words[track.Argo], len(c.Changes), took)
}
