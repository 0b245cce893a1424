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
	case r.Command == "validate":
		return r.validateHeadline()
	case r.Upgrade != nil:
		return r.upgradeHeadline()
	case !r.Awaited && r.Denials() == 0 || slices.Contains([]string{"render", "diff", "drift", "doctor"}, r.Command):
		return plainHeadline(r)
	}
	denied := r.Denials()
	if denied > 0 && r.Count(NotChanged) == len(r.Clusters) {
		return plural(denied, "denial") + ": nothing was applied to any cluster"
	}
	parts := []string{fmt.Sprintf("%d/%d in sync by both tracks", r.Count(Converged), len(r.Clusters))}
	parts = append(parts, r.states(NotConverged, Planned, Refused, Unreachable, NotRunning, Failed)...)
	if denied > 0 {
		parts = append(parts, plural(denied, "denial")+" in the tree")
	}
	return strings.Join(append(parts, evidence(r)...), " · ")
}

// states counts the clusters in each of the states that any is in.
func (r *Result) states(states ...State) []string {
	var parts []string
	for _, s := range states {
		if n := r.Count(s); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return parts
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
		return []string{"control planes real", fmt.Sprintf("pod health SIMULATED (kwok) on %d, observed on %d", simulated, observed) + observedPods(r)}
	case simulated > 0:
		return []string{"control planes real", "pod health SIMULATED (kwok)" + observedPods(r)}
	}
	return nil
}

// observedPods says how many pods really run on clusters where others are
// simulated.
func observedPods(r *Result) string {
	var all Pods
	for _, c := range r.Clusters {
		if c.HealthEvidence == Simulated && c.Pods != nil {
			all.Observed += c.Pods.Observed
			all.Simulated += c.Pods.Simulated
		}
	}
	if all.Observed == 0 {
		return ""
	}
	return fmt.Sprintf(", %s of %d observed", plural(all.Observed, "pod"), all.Observed+all.Simulated)
}

func checkHeadline(r *Result) string {
	count, class := map[finding.Severity]int{}, map[finding.Class]int{}
	for _, f := range r.Findings {
		class[f.Class]++
		if f.Class == "" || f.Class == finding.New {
			count[f.Severity]++
		}
	}
	s := fmt.Sprintf("%s · %s · %s · Kubernetes %s · %s\n",
		plural(r.Counts.Clusters, "cluster"), plural(r.Counts.Components, "component"), plural(r.Counts.Objects, "object"),
		r.Kubernetes, plural(r.Counts.Rules, "rule"))
	word, compared := "", r.Change != nil && r.Change.NotCompared == ""
	if r.Change != nil {
		s += r.Change.headline() + "\n"
	}
	if compared {
		word = "new "
	}
	s += plural(count[finding.Error], word+"error") + ", " + plural(count[finding.Warning], word+"warning")
	if compared {
		s += fmt.Sprintf(", %d fixed, %d pre-existing", class[finding.Fixed], class[finding.PreExisting])
	}
	return s + fmt.Sprintf(", %d waived, %d unknown, %d not rendered", r.Counts.Waived, r.Counts.Unknown, r.Counts.NotRendered)
}

func plainHeadline(r *Result) string {
	changes, drifted := 0, 0
	for _, c := range r.Clusters {
		changes += len(c.Changes)
		drifted += len(c.Drift)
	}
	// Only what was looked at may be called free of drift or changes.
	unseen := r.states(Unreachable, NotRunning, Failed)
	on := " on " + plural(len(r.Clusters)-r.Count(Unreachable)-r.Count(NotRunning)-r.Count(Failed), "cluster")
	var s string
	switch r.Command {
	case "render":
		s = fmt.Sprintf("%s, %s", plural(len(r.Clusters), "bundle"), plural(r.Counts.Objects, "object"))
	case "drift":
		s = plural(drifted, "drifted object") + on
		if drifted == 0 {
			s = "no drift" + on
		}
	case "stop", "down":
		return plural(r.Count(Stopped), "cluster") + map[string]string{"stop": " stopped, state kept", "down": " removed"}[r.Command]
	case "doctor":
		return plural(len(r.Findings), "remark")
	default:
		s = plural(changes, "change") + on
		if changes == 0 {
			s = "no changes" + on
		}
	}
	return strings.Join(append([]string{s}, unseen...), " · ")
}

func writeHeadline(b *bytes.Buffer, r *Result, o TextOptions) {
	if b.Len() > 0 && len(r.Clusters) > 0 && r.Command != "check" && !bytes.HasSuffix(b.Bytes(), []byte("\n\n")) {
		b.WriteByte('\n')
	}
	fmt.Fprintln(b, o.paintHeadline(r, Headline(r)))
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
