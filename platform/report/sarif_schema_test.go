//go:build forges

package report_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"dualtrack.internal/platform/report"
)

// TestSARIFSchema holds SARIF against the published schema, which is read from the
// file that the variable names: the linter's module ships it.
func TestSARIFSchema(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(os.Getenv("DUALTRACK_SARIF_SCHEMA"))
	if err != nil {
		t.Fatalf("DUALTRACK_SARIF_SCHEMA names the schema of SARIF 2.1.0: %v", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("sarif.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("sarif.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]*report.Result{"change": changed(), "clean": begin("check"), "tree": checked(), "many": many(60)} {
		if err := validate(t, s, write(t, report.SARIFFormat, r, report.TextOptions{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	bad := bytes.Replace(write(t, report.SARIFFormat, changed(), report.TextOptions{}), []byte(`"kind": "fail"`), []byte(`"kind": "failed"`), 1)
	if err := validate(t, s, bad); err == nil {
		t.Error("the schema takes a kind that there is not")
	}
}
