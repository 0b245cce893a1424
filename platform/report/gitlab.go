package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"dualtrack.internal/platform/finding"
)

// gitlabIssue is one entry of GitLab's code quality report.
type gitlabIssue struct {
	Description string         `json:"description"`
	Check       string         `json:"check_name"`
	Fingerprint string         `json:"fingerprint"`
	Severity    string         `json:"severity"`
	Location    gitlabLocation `json:"location"`
}

type gitlabLocation struct {
	Path  string      `json:"path"`
	Lines gitlabLines `json:"lines"`
}

type gitlabLines struct {
	Begin int `json:"begin"`
}

// GitLab writes what stands in the head as GitLab's code quality report. GitLab
// compares it with the target branch's, so what the change mends is what is not
// here; a finding that is new on one cluster and known on another is one entry, by
// the worse word, because a fingerprint may stand once.
func GitLab(w io.Writer, r *Result) error {
	seen := map[string]bool{}
	issues := []gitlabIssue{}
	for _, f := range r.listing() {
		if f.standing == mended || seen[f.Fingerprint] {
			continue
		}
		seen[f.Fingerprint] = true
		place, own := r.at(f.Finding)
		issues = append(issues, gitlabIssue{
			Description: r.gitlabText(f, own), Check: f.Rule, Fingerprint: f.Fingerprint, Severity: gitlabSeverity(f),
			Location: gitlabLocation{place.File, gitlabLines{max(place.Line, 1)}},
		})
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(issues); err != nil {
		return fmt.Errorf("writing the result for GitLab: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func gitlabSeverity(f listed) string {
	switch {
	case f.standing == fails:
		return "critical"
	case f.standing == stood && f.Severity == finding.Error:
		return "major"
	case f.standing == unclear, f.standing == warns, f.standing == stood && f.Severity == finding.Warning:
		return "minor"
	}
	return "info"
}

func (r *Result) gitlabText(f listed, own bool) string {
	s := f.Message
	switch f.Class {
	case finding.Unknown, finding.Waived:
		s = string(f.Class) + ": " + s
	case finding.New, finding.Fixed, finding.PreExisting:
	}
	if !f.Object.IsZero() {
		s += " · " + f.Object.String()
	}
	if len(f.Clusters) > 0 {
		s += " · " + onClusters(f.Clusters, r.Counts.Clusters)
	}
	if !own && f.Position.File != "" {
		s += " · " + f.Position.String()
	}
	if also := r.alsoAt(f.Finding); also != "" {
		s += " · " + also
	}
	if f.Mend != "" {
		s += " · mend: " + f.Mend
	}
	return s
}
