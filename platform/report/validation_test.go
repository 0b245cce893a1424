package report

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/validate"
)

// TestValidationCounts: what has no configuration is told, and counts for nothing.
func TestValidationCounts(t *testing.T) {
	t.Parallel()
	r := &Result{Validation: []validate.Row{
		{Component: "net", What: "agent", By: "parser", How: validate.ByLibrary, Version: "1.2", Accepted: []string{"3 settings"}, Clusters: []string{"a", "b"}},
		{Component: "net", What: "copy", By: "parser", How: validate.ByLibrary, Version: "1.2", Nothing: `"cp" reads no settings`, Clusters: []string{"a"}},
		{Component: "net", What: "rest", By: "reader", How: validate.ByProgram, Skipped: "it is not to be had", Clusters: []string{"a"}},
	}}
	var table bytes.Buffer
	writeValidation(&table, r)
	const want = `COMPONENT  CONFIGURATION  JUDGED BY                     SAYS
net        agent ×2       parser 1.2, official library  3 settings
net        copy           nobody                        no configuration: "cp" reads no settings
net        rest           reader, program               SKIPPED: it is not to be had

`
	if diff := cmp.Diff(want, table.String()); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	const line = "0 configurations judged by program, 1 by official library, 0 by our own rules · 0 refused · 1 skipped · 1 without a configuration"
	if diff := cmp.Diff(line, r.validateHeadline()); diff != "" {
		t.Errorf("headline (-want +got):\n%s", diff)
	}
	r.Validation = r.Validation[:1]
	if diff := cmp.Diff("0 configurations judged by program, 1 by official library, 0 by our own rules · 0 refused · 0 skipped", r.validateHeadline()); diff != "" {
		t.Errorf("headline of judged ones (-want +got):\n%s", diff)
	}
}
