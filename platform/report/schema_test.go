package report_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"dualtrack.internal/platform/report"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := report.Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("report.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(t *testing.T, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

func TestSchemaTakesEveryResult(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	for name, r := range results() {
		if err := validate(t, s, write(t, report.JSONFormat, r, report.TextOptions{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	t.Parallel()
	s := compiled(t)
	whole := string(write(t, report.JSONFormat, drifted(), report.TextOptions{}))
	for name, c := range map[string]struct{ old, new string }{
		"another version":       {report.Version, "report.dualtrack.internal/v9"},
		"an unknown state":      {`"state": "running"`, `"state": "walking"`},
		"a cluster, no state":   {`"state": "running"`, `"mood": "running"`},
		"a count as text":       {`"rules": 7`, `"rules": "7"`},
		"a writer, no time":     {`"time": "2001-02-03T04:05:06Z"`, `"time": "yesterday"`},
		"an unknown class":      {`"class": "unmanaged"`, `"class": "odd"`},
		"an unknown severity":   {`"severity": "warning"`, `"severity": "fatal"`},
		"clusters as an object": {`"clusters": [`, `"clusters": {}, "others": [`},
	} {
		broken := strings.Replace(whole, c.old, c.new, 1)
		if broken == whole {
			t.Errorf("%s: %q is not in the document", name, c.old)
		}
		if validate(t, s, []byte(broken)) == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestSchemaIsTheSame(t *testing.T) {
	t.Parallel()
	first, err := report.Schema()
	if err != nil {
		t.Fatal(err)
	}
	second, err := report.Schema()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("two runs (-first +second):\n%s", diff)
	}
}
