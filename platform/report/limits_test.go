package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"dualtrack.internal/platform/change"
	"dualtrack.internal/platform/finding"
)

// large has so many findings and changed objects, of which every tenth denies.
func large(n int) *Result {
	r := &Result{Command: "check", Fleet: "shop", Change: &ChangeSet{}}
	r.Counts.Clusters, r.Counts.Rules = 100, 30
	for i := range n {
		f := finding.Finding{Rule: fmt.Sprintf("DT-TST-%03d", i%30), Severity: finding.Warning, Class: finding.New, Message: fmt.Sprintf("finding %x", i*i*7919),
			Object:   finding.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: fmt.Sprintf("d-%d", i)},
			Position: finding.Position{File: fmt.Sprintf("components/c%d/deployment.yaml", i%90), Line: i + 1}, Clusters: []string{fmt.Sprintf("edge-%d", i%100)}}
		if i%10 == 0 {
			f.Severity = finding.Error
		}
		r.Findings = append(r.Findings, f.WithFingerprint())
		g := change.Group{Object: f.Object, Component: fmt.Sprintf("c%d", i%90), Action: change.Changed, Position: f.Position, Clusters: f.Clusters,
			Consequences: []change.Consequence{{Effect: change.Restarts, Why: "its pods are replaced, a few at a time"}}}
		for j := range 30 {
			g.Fields = append(g.Fields, change.Field{Path: fmt.Sprintf("spec.template.spec.containers[c].args[%d]", j), Before: "a", After: i})
		}
		r.Change.Objects = append(r.Change.Objects, g)
	}
	return r
}

func TestSARIFLimits(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name     string
		findings int
		limits   sarifLimits
		all      bool
		note     string
	}{
		{"all fit", 300, githubLimits(), true, ""},
		{"exactly", 300, sarifLimits{300, 300, 1 << 20}, true, ""},
		{"one too many", 301, sarifLimits{300, 300, 1 << 20}, false, "2 of 301 findings are left out"},
		{"not all are shown", 300, sarifLimits{1000, 100, 1 << 20}, true, "of the 300 results GitHub shows 100, the worst"},
		{"too many bytes", 3000, sarifLimits{25_000, 5_000, 30_000}, false, " of 3000 findings are left out"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			if err := sarifWithin(&b, large(c.findings), c.limits); err != nil {
				t.Fatal(err)
			}
			var log sarifLog
			if err := json.Unmarshal(b.Bytes(), &log); err != nil {
				t.Fatal(err)
			}
			if size, err := gzipped(b.Bytes()); err != nil || size > c.limits.zipped {
				t.Errorf("%d bytes zipped, %v; at most %d", size, err, c.limits.zipped)
			}
			results := log.Runs[0].Results
			if len(results) > c.limits.results {
				t.Errorf("%d results; at most %d", len(results), c.limits.results)
			}
			if c.note != "" {
				if notes := fmt.Sprint(log.Runs[0].Invocations[0].Notifications); !strings.Contains(notes, c.note) {
					t.Errorf("no %q in %s", c.note, notes)
				}
			}
			if c.all {
				if len(results) != c.findings {
					t.Errorf("%d of %d results", len(results), c.findings)
				}
				return
			}
			// What is left out is summed up, completely, and it is the least bad.
			sum := 0
			for _, m := range regexp.MustCompile(`(\d+) (?:error|warning) DT-`).FindAllStringSubmatch(results[0].Message.Text, -1) {
				n, _ := strconv.Atoi(m[1])
				sum += n
			}
			if results[0].RuleID != leftOutRule || sum+len(results)-1 != c.findings {
				t.Errorf("%d are summed up and %d told, of %d: %s", sum, len(results)-1, c.findings, results[0].Message.Text)
			}
			errors := 0
			for _, result := range results[1:] {
				if result.Level == "error" {
					errors++
				}
			}
			if want := min((c.findings+9)/10, len(results)-1); errors != want {
				t.Errorf("%d errors are told, want %d", errors, want)
			}
		})
	}
}

// TestSARIFGitHubsOwnLimits: 30,000 findings, which GitHub would refuse.
func TestSARIFGitHubsOwnLimits(t *testing.T) {
	t.Parallel()
	r := large(30_000)
	r.Change = nil
	var b bytes.Buffer
	if err := SARIF(&b, r); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(b.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if n := len(log.Runs[0].Results); n != 25_000 {
		t.Errorf("%d results", n)
	}
	if size, err := gzipped(b.Bytes()); err != nil || size > 10_000_000 {
		t.Errorf("%d bytes zipped, %v", size, err)
	}
}

// TestMarkdownLimits: whatever the size, the comment fits, keeps its marker, its
// verdict and its counts, and is cut nowhere.
func TestMarkdownLimits(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 10, 30, 60, 100, 200, 500, 2_000, 20_000} {
		r := large(n)
		r.Change.Joins = make([]string, n)
		for i := range n {
			r.Change.Joins[i] = fmt.Sprintf("edge-%d", i)
		}
		text := string(r.markdown(TextOptions{}, MarkdownLimit))
		if len(text) > MarkdownLimit {
			t.Errorf("%d: %d bytes", n, len(text))
		}
		if !strings.HasPrefix(text, "<!-- dualtrack check .shop -->\n### platform check: "+r.verdict()[:6]) {
			t.Errorf("%d begins with %.100s", n, text)
		}
		if want := fmt.Sprintf("\n| %d | 0 | %d | 0 | 0 | 0 | 0 |\n", (n+9)/10, n-(n+9)/10); !strings.Contains(text, want) {
			t.Errorf("%d: no %q", n, want)
		}
		if strings.Count(text, "<details>") != strings.Count(text, "</details>") || !strings.HasSuffix(text, "\n") {
			t.Errorf("%d: is cut", n)
		}
		if n <= 200 && strings.Count(text, "\n- **DT-TST-") < (n+9)/10 {
			t.Errorf("%d: not every error is told", n)
		}
	}
}

// TestMarkdownFoldsErrorsLast: of much, what denies is still told one by one.
func TestMarkdownFoldsErrorsLast(t *testing.T) {
	t.Parallel()
	text := string(large(2_000).markdown(TextOptions{}, MarkdownLimit))
	if n := strings.Count(text, "\n- **DT-TST-"); n != 200 {
		t.Errorf("%d of 200 errors are told", n)
	}
	if !strings.Contains(text, "Folded to fit") {
		t.Error("it is not said that something is folded")
	}
}

func TestSummaryRoom(t *testing.T) {
	t.Parallel()
	r := large(500)
	for _, room := range []int{SummaryLimit * 2, 100_000, 20_000, 3_000} {
		if got := Summary(r, TextOptions{}, room); len(got) == 0 || len(got) > min(room, SummaryLimit) {
			t.Errorf("%d bytes in a room of %d", len(got), room)
		}
	}
	for _, room := range []int{100, 0, -5} {
		if got := Summary(r, TextOptions{}, room); got != nil {
			t.Errorf("%d bytes in a room of %d", len(got), room)
		}
	}
}
