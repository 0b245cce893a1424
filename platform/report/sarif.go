package report

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/policy"
)

// sarifLimits are what GitHub takes of one file.
type sarifLimits struct {
	results int // of a run; more and the file is refused
	shown   int // of those; the worst
	zipped  int // bytes
}

func githubLimits() sarifLimits {
	return sarifLimits{results: 25_000, shown: 5_000, zipped: 10_000_000}
}

// leftOutRule is the rule of the result that sums up what does not fit.
const leftOutRule = "left-out"

// SARIF writes every finding as a result of SARIF 2.1.0, worst first. What does
// not fit into GitHub's limits is summed up in a result of its own.
func SARIF(w io.Writer, r *Result) error { return sarifWithin(w, r, githubLimits()) }

func sarifWithin(w io.Writer, r *Result, limits sarifLimits) error {
	keep := len(r.Findings)
	if keep > limits.results {
		keep = limits.results - 1
	}
	for {
		data, err := encodeSARIF(r.sarif(keep, limits))
		if err != nil {
			return err
		}
		size, err := gzipped(data)
		if err != nil {
			return err
		}
		if size <= limits.zipped || keep == 0 {
			_, err = w.Write(data)
			return err
		}
		// A bit less than would fit if all results were of one size.
		keep = min(keep-1, int(float64(keep)*0.9*float64(limits.zipped)/float64(size)))
	}
}

func encodeSARIF(log sarifLog) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(log); err != nil {
		return nil, fmt.Errorf("writing the result as SARIF: %w", err)
	}
	return b.Bytes(), nil
}

func gzipped(data []byte) (int, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(data); err != nil {
		return 0, err
	}
	return b.Len(), z.Close()
}

// sarif is the result with so many findings, the worst.
func (r *Result) sarif(keep int, limits sarifLimits) sarifLog {
	rules := r.rules()
	all := r.listing()
	run := sarifRun{
		AutomationDetails: sarifID{"dualtrack/" + r.Fleet + "/"}, ColumnKind: "unicodeCodePoints",
		Properties: map[string]any{"verdict": r.verdict(), "command": r.Command},
		Results:    []sarifResult{},
	}
	invocation := sarifInvocation{ExecutionSuccessful: true}
	note := func(text string) {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{"warning", sarifText{text}})
	}
	if keep < len(all) {
		rules = append(rules, policy.Rule{ID: leftOutRule, Title: "Every finding is in the file", Severity: finding.Warning,
			Why: "GitHub takes a bounded number of results.", Mend: "see the other forms of the report, which hold all"})
		text := leftOut(all[keep:], len(all))
		note(text)
		run.Results = append(run.Results, r.sarifLeftOut(text, len(rules)-1))
	}
	if shown := keep + len(run.Results); shown > limits.shown {
		note(fmt.Sprintf("of the %d results GitHub shows %d, the worst", shown, limits.shown))
	}
	index := map[string]int{}
	for i, rule := range rules {
		run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRuleOf(rule))
		index[rule.ID] = i
	}
	run.Tool.Driver.Name = "dualtrack"
	for _, f := range all[:keep] {
		run.Results = append(run.Results, r.sarifResult(f, index[f.Rule]))
	}
	run.Invocations = []sarifInvocation{invocation}
	return sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	}
}

// leftOut counts what a form has no room for, by rule and standing.
func leftOut(rest []listed, all int) string {
	type kind struct {
		standing standing
		rule     string
	}
	count := map[kind]int{}
	var kinds []kind
	for _, f := range rest {
		k := kind{f.standing, f.Rule}
		if count[k]++; count[k] == 1 {
			kinds = append(kinds, k)
		}
	}
	var parts []string
	for _, k := range kinds {
		parts = append(parts, fmt.Sprintf("%d %s %s", count[k], k.standing, k.rule))
	}
	return fmt.Sprintf("%d of %d findings are left out for want of room: %s", len(rest), all, strings.Join(parts, ", "))
}

func (r *Result) sarifLeftOut(text string, rule int) sarifResult {
	place, _ := r.at(finding.Finding{})
	return sarifResult{
		RuleID: leftOutRule, RuleIndex: rule, Kind: "fail", Level: "warning", Message: sarifText{text},
		Locations:           []sarifLocation{{Physical: physical(place)}},
		PartialFingerprints: map[string]string{"primaryLocationLineHash": leftOutRule},
		Properties:          map[string]any{},
	}
}

func sarifRuleOf(rule policy.Rule) sarifRule {
	text, markdown := rule.Why, rule.Why
	if rule.Mend != "" {
		text += "\nMend: " + rule.Mend
		markdown += "\n\n**Mend:** " + rule.Mend
	}
	out := sarifRule{
		ID: rule.ID, Name: rule.ID, ShortDescription: sarifText{rule.Title}, FullDescription: sarifText{orElse(rule.Why, rule.Title)},
		Default: sarifLevel{sarifLevelOf(rule.Severity)}, Properties: map[string]any{"tags": []string{"kubernetes"}, "problem.severity": problemSeverity(rule.Severity)},
	}
	if rule.Profile != "" {
		out.Properties["tags"] = []string{"kubernetes", rule.Profile}
	}
	for _, ref := range rule.Refs {
		text += "\n" + ref
		markdown += "\n\n" + ref
		if u, err := url.Parse(ref); err == nil && out.HelpURI == "" && u.Scheme == "https" && u.Host != "" {
			out.HelpURI = ref
		}
	}
	out.Help = sarifHelp{Text: orElse(strings.TrimSpace(text), rule.Title), Markdown: orElse(strings.TrimSpace(markdown), rule.Title)}
	return out
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func sarifLevelOf(s finding.Severity) string {
	switch s {
	case finding.Error:
		return "error"
	case finding.Warning:
		return "warning"
	case finding.Info:
	}
	return "note"
}

// problemSeverity is the word that GitHub filters by.
func problemSeverity(s finding.Severity) string {
	if s == finding.Info {
		return "recommendation"
	}
	return string(s)
}

func (r *Result) sarifResult(f listed, rule int) sarifResult {
	place, own := r.at(f.Finding)
	location := sarifLocation{Physical: physical(place)}
	if !f.Object.IsZero() {
		location.Logical = []sarifLogical{{strings.TrimSpace(f.Object.String() + " " + f.Pointer), "resource"}}
	}
	locations := []sarifLocation{location}
	for i := 1; i < min(len(f.Places), mostPlaces+1); i++ {
		if further, own := r.at(finding.Finding{Position: f.Places[i].Position}); own {
			locations = append(locations, sarifLocation{Physical: physical(further), Logical: location.Logical})
		}
	}
	out := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Kind: "fail", Level: sarifLevelOf(f.Severity),
		Message: sarifText{r.sarifMessage(f, own)}, Locations: locations,
		PartialFingerprints: map[string]string{"primaryLocationLineHash": f.Fingerprint, "dualtrack/v1": f.Fingerprint},
		Properties:          map[string]any{"standing": f.standing.String()},
	}
	for name, value := range map[string]string{"class": string(f.Class), "component": f.Component} {
		if value != "" {
			out.Properties[name] = value
		}
	}
	if len(f.Clusters) > 0 {
		out.Properties["clusters"] = slices.Clone(f.Clusters)
	}
	switch f.Class {
	case finding.New:
		out.BaselineState = "new"
	case finding.PreExisting:
		out.BaselineState = "unchanged"
	case finding.Fixed:
		out.BaselineState = "absent"
	case finding.Waived:
		out.Suppressions = []sarifSuppression{{"external", "accepted", "an exception of policies/exceptions.yaml waives it"}}
	case finding.Unknown: // what is not known is neither a failure nor a pass
		out.Kind, out.Level = "open", "none"
	}
	return out
}

func (r *Result) sarifMessage(f listed, own bool) string {
	s := f.Message
	if !own && f.Position.File != "" {
		s += " (" + f.Position.String() + ")"
	}
	if len(f.Clusters) > 0 {
		s += "\nOn " + onClusters(f.Clusters, r.Counts.Clusters) + "."
	}
	if also := r.alsoAt(f.Finding); also != "" { // GitHub shows the first place alone
		s += "\nIt is " + also + "."
	}
	if f.Mend != "" && f.standing != mended {
		s += "\nMend: " + f.Mend
	}
	return strings.ReplaceAll(s, "](", "] (") // would be a link in SARIF's text
}

// physical is a place as GitHub wants it: with all four numbers.
func physical(p finding.Position) sarifPhysical {
	region := sarifRegion{StartLine: max(p.Line, 1), StartColumn: max(p.Column, 1)}
	region.EndLine, region.EndColumn = region.StartLine, region.StartColumn+1
	return sarifPhysical{sarifArtifact{(&url.URL{Path: p.File}).String()}, region}
}
