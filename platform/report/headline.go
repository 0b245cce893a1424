package report

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
)

// Headline is the one line a person reads first: what holds, and on what evidence.
func Headline(r *Result) string {
	switch {
	case r.Command == "check":
		return checkHeadline(r)
	case !r.Awaited && r.Denials() == 0 || slices.Contains([]string{"render", "diff", "drift"}, r.Command):
		return plainHeadline(r)
	}
	if n := r.Denials(); n > 0 {
		return plural(n, "denial") + ": nothing was applied to any cluster"
	}
	parts := []string{fmt.Sprintf("%d/%d in sync by both tracks", r.Count(Converged), len(r.Clusters))}
	for _, s := range []State{NotConverged, Unreachable, NotRunning, Failed} {
		if n := r.Count(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return strings.Join(append(parts, evidence(r)...), " · ")
}

func evidence(r *Result) []string {
	simulated, observed := 0, 0
	for _, c := range r.Clusters {
		switch c.HealthEvidence {
		case Simulated:
			simulated++
		case Observed:
			observed++
		}
	}
	switch {
	case simulated > 0 && observed > 0:
		return []string{"control planes real", fmt.Sprintf("pod health SIMULATED (kwok) on %d, observed on %d", simulated, observed)}
	case simulated > 0:
		return []string{"control planes real", "pod health SIMULATED (kwok)"}
	}
	return nil
}

func checkHeadline(r *Result) string {
	count := map[finding.Severity]int{}
	for _, f := range r.Findings {
		if f.Class == "" || f.Class == finding.New || f.Class == finding.PreExisting {
			count[f.Severity]++
		}
	}
	return fmt.Sprintf("%s · %s · %s · Kubernetes %s · %s\n%s, %s, %d waived, %d unknown, %d not rendered",
		plural(r.Counts.Clusters, "cluster"), plural(r.Counts.Components, "component"), plural(r.Counts.Objects, "object"),
		r.Kubernetes, plural(r.Counts.Rules, "rule"),
		plural(count[finding.Error], "error"), plural(count[finding.Warning], "warning"),
		r.Counts.Waived, r.Counts.Unknown, r.Counts.NotRendered)
}

func plainHeadline(r *Result) string {
	changes, drifted, unreachable := 0, 0, r.Count(Unreachable)
	for _, c := range r.Clusters {
		changes += len(c.Changes)
		drifted += len(c.Drift)
	}
	var s string
	switch r.Command {
	case "render":
		s = fmt.Sprintf("%s, %s", plural(len(r.Clusters), "bundle"), plural(r.Counts.Objects, "object"))
	case "drift":
		s = plural(drifted, "drifted object") + " on " + plural(len(r.Clusters), "cluster")
		if drifted == 0 {
			s = "no drift on " + plural(len(r.Clusters), "cluster")
		}
	case "stop", "down":
		s = plural(len(r.Clusters), "cluster") + map[string]string{"stop": " stopped, state kept", "down": " removed"}[r.Command]
	case "doctor":
		s = plural(len(r.Findings), "remark")
	default:
		s = plural(changes, "change") + " on " + plural(len(r.Clusters), "cluster")
		if changes == 0 {
			s = "no changes on " + plural(len(r.Clusters), "cluster")
		}
	}
	if unreachable > 0 {
		s += fmt.Sprintf(" · %d unreachable", unreachable)
	}
	return s
}

func writeHeadline(b *bytes.Buffer, r *Result) {
	if b.Len() > 0 && len(r.Clusters) > 0 && r.Command != "check" {
		b.WriteByte('\n')
	}
	fmt.Fprintln(b, Headline(r))
	if r.Revision == "" {
		return
	}
	fmt.Fprintf(b, "fleet revision %s", short(r.Revision))
	if r.Commit != "" {
		fmt.Fprintf(b, " · commit %.12s", r.Commit)
	}
	if r.Dirty {
		b.WriteString(" · tree differs from the commit")
	}
	b.WriteByte('\n')
}

func short(digest string) string {
	if len(digest) > len("sha256:")+12 {
		return digest[:len("sha256:")+12]
	}
	return digest
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
