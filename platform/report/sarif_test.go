package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"dualtrack.internal/platform/finding"
	"dualtrack.internal/platform/report"
)

// sarifOf reads SARIF back with another library's model, which knows no other
// field than the standard's.
func sarifOf(t *testing.T, r *report.Result) *sarif.Report {
	t.Helper()
	return strictSARIF(t, write(t, report.SARIFFormat, r, report.TextOptions{}))
}

func strictSARIF(t *testing.T, data []byte) *sarif.Report {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	log := &sarif.Report{}
	if err := dec.Decode(log); err != nil {
		t.Fatalf("not SARIF 2.1.0: %v", err)
	}
	return log
}

// deref is what a field that may be absent says.
func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestSARIFStrictModelRefuses(t *testing.T) {
	t.Parallel()
	data := write(t, report.SARIFFormat, changed(), report.TextOptions{})
	dec := json.NewDecoder(bytes.NewReader(bytes.Replace(data, []byte(`"startLine"`), []byte(`"startline2"`), 1)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&sarif.Report{}); err == nil {
		t.Error("a misspelt field is taken")
	}
}

// required is what GitHub's documentation of SARIF calls required, by path.
func required() []string {
	return []string{
		"$schema", "version", "runs[]",
		"runs[].tool.driver.name", "runs[].tool.driver.rules[]",
		"runs[].tool.driver.rules[].id", "runs[].tool.driver.rules[].shortDescription.text",
		"runs[].tool.driver.rules[].fullDescription.text", "runs[].tool.driver.rules[].help.text",
		"runs[].results[]", "runs[].results[].message.text", "runs[].results[].ruleId",
		"runs[].results[].locations[]", "runs[].results[].partialFingerprints.primaryLocationLineHash",
		"runs[].results[].locations[].physicalLocation.artifactLocation.uri",
		"runs[].results[].locations[].physicalLocation.region.startLine",
		"runs[].results[].locations[].physicalLocation.region.startColumn",
		"runs[].results[].locations[].physicalLocation.region.endLine",
		"runs[].results[].locations[].physicalLocation.region.endColumn",
	}
}

// lacks are the places where a path leads to nothing.
func lacks(path string, at string, v any) []string {
	if path == "" {
		if v == nil || v == "" || v == 0.0 {
			return []string{at}
		}
		return nil
	}
	name, rest, _ := strings.Cut(path, ".")
	name, list := strings.CutSuffix(name, "[]")
	object, _ := v.(map[string]any)
	inner := object[name]
	if !list {
		return lacks(rest, at+"."+name, inner)
	}
	items, ok := inner.([]any)
	if !ok {
		return []string{at + "." + name}
	}
	var out []string
	for i, item := range items {
		out = append(out, lacks(rest, fmt.Sprintf("%s.%s[%d]", at, name, i), item)...)
	}
	return out
}

func TestSARIFHasWhatGitHubRequires(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*report.Result{"change": changed(), "clean": begin("check"), "many": many(10)} {
		var doc any
		if err := json.Unmarshal(write(t, report.SARIFFormat, r, report.TextOptions{}), &doc); err != nil {
			t.Fatal(err)
		}
		for _, path := range required() {
			if got := lacks(path, "", doc); len(got) > 0 {
				t.Errorf("%s lacks %v", name, got)
			}
		}
	}
	if got := lacks("runs[].x", "", map[string]any{"runs": []any{map[string]any{}}}); len(got) != 1 {
		t.Errorf("nothing is lacking where something is: %v", got)
	}
}

// TestSARIFRules: each result's rule is described, at the index that it names.
func TestSARIFRules(t *testing.T) {
	t.Parallel()
	run := sarifOf(t, changed()).Runs[0]
	for _, result := range run.Results {
		if rule := run.Tool.Driver.Rules[result.RuleIndex]; *rule.ID != *result.RuleID {
			t.Errorf("rule %d is %s, not %s", result.RuleIndex, *rule.ID, *result.RuleID)
		}
	}
	ids := map[string]string{}
	for _, rule := range run.Tool.Driver.Rules {
		ids[*rule.ID] = *rule.Help.Text
	}
	want := "It owns the node.\nMend: set privileged: false\nhttps://kubernetes.io/docs/concepts/security/pod-security-standards/"
	if diff := cmp.Diff(want, ids["DT-SEC-001"]); diff != "" {
		t.Errorf("help (-want +got):\n%s", diff)
	}
}

// TestSARIFFingerprintsStayWhenLinesMove: a comment above a finding makes no new one.
func TestSARIFFingerprintsStayWhenLinesMove(t *testing.T) {
	t.Parallel()
	prints := func(move int) []string {
		r := changed()
		for i := range r.Findings {
			r.Findings[i].Position.Line += move
			r.Findings[i].Fingerprint = ""
		}
		r.Findings = finding.Merge(r.Findings)
		var out []string
		for _, result := range sarifOf(t, r).Runs[0].Results {
			out = append(out, result.PartialFingerprints["primaryLocationLineHash"]+" "+*result.RuleID)
		}
		return out
	}
	if diff := cmp.Diff(prints(0), prints(5)); diff != "" {
		t.Errorf("5 lines on (-before +after):\n%s", diff)
	}
}

func TestSARIFPaths(t *testing.T) {
	t.Parallel()
	uris := map[string]bool{}
	for _, result := range sarifOf(t, changed()).Runs[0].Results {
		uris[*result.Locations[0].PhysicalLocation.ArtifactLocation.URI] = true
	}
	for _, want := range []string{"platform/components/web/deployment.yaml", "platform/components/otel/a%20b%25,:.yaml", "platform/clusters/edge-1/cluster.yaml"} {
		if !uris[want] {
			t.Errorf("no %s in %v", want, uris)
		}
	}
}
