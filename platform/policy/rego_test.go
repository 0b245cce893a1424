package policy

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/format"

	"dualtrack.internal/policies"
)

var update = flag.Bool("update", false, "rewrite what the tests compare with")

// TestFormat holds every Rego file to OPA's own format.
func TestFormat(t *testing.T) {
	t.Parallel()
	for _, path := range regoFiles(t) {
		src, err := fs.ReadFile(policies.FS, path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := format.Source(path, src)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(filepath.Join("..", "..", "policies", filepath.FromSlash(path)), want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(string(want), string(src)); diff != "" {
			t.Errorf("%s is not formatted (-want +got):\n%s", path, diff)
		}
	}
}

func regoFiles(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := fs.WalkDir(policies.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".rego") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

// TestRego runs the rules' own tests, and holds every line of every rule to be
// run by one of them.
func TestRego(t *testing.T) {
	t.Parallel()
	covered := cover.New()
	files, err := Carried(policies.FS)
	if err != nil {
		t.Fatal(err)
	}
	results, err := selfTest(t.Context(), files, covered)
	if err != nil {
		t.Fatal(err)
	}
	passing, failing := map[string]int{}, map[string]int{}
	for _, r := range results {
		if !r.Passed {
			t.Errorf("policies/%s:%d: %s failed: %s", r.File, r.Line, r.Name, r.Why)
		}
		switch rule, test, _ := strings.Cut(r.Name, "_test."); {
		case strings.HasPrefix(test, "test_pass"):
			passing[rule]++
		case strings.HasPrefix(test, "test_fail"):
			failing[rule]++
		}
	}
	modules, err := parse(t.Context(), files.rules())
	if err != nil {
		t.Fatal(err)
	}
	for path, file := range covered.Report(modules).Files {
		for _, r := range file.NotCovered {
			t.Errorf("policies/%s:%d-%d: no test runs it", path, r.Start.Row, r.End.Row)
		}
	}
	rules := 0
	for _, m := range modules {
		pkg := strings.TrimPrefix(m.Package.Path.String(), "data.")
		if !strings.Contains(pkg, ".dt_") {
			continue
		}
		rules++
		if passing[pkg] == 0 || failing[pkg] == 0 {
			t.Errorf("%s: %d tests named test_pass… and %d named test_fail…; it needs both", pkg, passing[pkg], failing[pkg])
		}
	}
	t.Logf("%d tests of %d rules", len(results), rules)
}
