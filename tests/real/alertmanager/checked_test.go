//go:build real

package alertmanager

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"dualtrack.internal/platform/catalog"
	"dualtrack.internal/platform/tool"
	"dualtrack.internal/platform/validate"
	"dualtrack.internal/tests/real/rendered"
)

// amtool finds the reader of the checker, as the CLI does.
type amtool struct{ store *tool.Store }

func (a amtool) Find(ctx context.Context, name string) (string, error) {
	name = validate.Readers()[name]
	paths, err := a.store.Ensure(ctx, []string{name}, tool.Events{})
	return paths[name], err
}

// checker is the checker of the distribution that judges Alertmanager, with its
// program.
func checker(t *testing.T) ([]validate.Checker, amtool) {
	t.Helper()
	checkers := slices.DeleteFunc(validate.Checkers(), func(c validate.Checker) bool { return c.Name != "alertmanager" })
	if len(checkers) != 1 {
		t.Fatalf("%d checkers judge Alertmanager, want 1", len(checkers))
	}
	store, err := tool.New(tool.Config{ToolsDir: "../../../tools", Named: tool.CheckPrograms()})
	if err != nil {
		t.Fatal(err)
	}
	return checkers, amtool{store}
}

// TestChecked has the rendered configuration judged as `platform validate` does.
func TestChecked(t *testing.T) {
	t.Parallel()
	checkers, programs := checker(t)
	_, subjects := rendered.Configurations(t, tool.Alertmanager, "alertmanager", "hub")
	rows, err := validate.Run(t.Context(), checkers, programs, subjects)
	if err != nil {
		t.Fatal(err)
	}
	root, err := catalog.FindRoot(".")
	if err != nil {
		t.Fatal(err)
	}
	cat, err := catalog.Load(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 1 {
		t.Fatalf("%d rows, want 1", len(rows))
	}
	got := rows[0]
	want := validate.Row{Component: "alertmanager", By: "alertmanager", How: validate.ByProgram, Clusters: []string{"hub"},
		Version: cat.Baseline.Spec.Versions["alertmanager"].Exercised, Accepted: []string{"2 inhibit rules", "4 receivers", "1 templates"}}
	got.What, got.Object, got.Position = "", want.Object, want.Position
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBroken breaks the rendered configuration and says what amtool catches; what
// it lets through is as much a fact as the rest.
func TestBroken(t *testing.T) {
	t.Parallel()
	checkers, programs := checker(t)
	_, subjects := rendered.Configurations(t, tool.Alertmanager, "alertmanager", "hub")
	cases := []struct{ old, new, want string }{ // want: part of what amtool says; "": it lets it through
		{"receiver: oncall\n", "receiver: nowhere\n", `undefined receiver "nowhere"`},
		{"group_wait: 10s", "group_wait: 10", "not a valid duration"},
		{"group_wait: 10s", "group_wiat: 10s", "field group_wiat not found"},
		{"to_party", "to_patry", "field to_patry not found"},
		{"wechat_api_secret_file", "wechat_secret_file", "field wechat_secret_file not found"},
		{"active_time_intervals: [office-hours]", "active_time_intervals: [office]", `undefined time interval "office"`},
		{"'severity=\"page\"'", "'severity=page=x'", "expected a comma"},
		{"group_by: [site]", "group_by: [site, site]", "duplicated label"},
		{"message_type: markdown", "message_type: mark", "does not match valid options"},
		{"message_type: markdown", "message_typ: markdown", "field message_typ not found"},
		{"weekdays: ['monday:friday']", "weekdays: ['monday:fryday']", "not a valid weekday"},
		{"{{ end -}}\n{{ end -}}", "{{ end -}}", "unexpected EOF"},
		// A name that no template has, and a site that there is not, are seen by nobody
		// before a message is due.
		{`template "wecom.message"`, `template "wecom.massage"`, ""},
		{`site!~"hub|"`, `site!~"hup|"`, ""},
	}
	for _, c := range cases {
		s := subjects[0]
		s.Files = maps.Clone(s.Files)
		broken := false
		for path, text := range s.Files {
			s.Files[path] = strings.Replace(text, c.old, c.new, 1)
			broken = broken || s.Files[path] != text
		}
		if !broken {
			t.Errorf("the configuration holds no %q", c.old)
			continue
		}
		rows, err := validate.Run(t.Context(), checkers, programs, []validate.Subject{s})
		if err != nil {
			t.Fatal(err)
		}
		said := ""
		for _, p := range rows[0].Problems {
			said += p.Message
		}
		if (c.want == "") != (said == "") || !strings.Contains(said, c.want) {
			t.Errorf("%s: amtool says %q, want %q", c.new, said, c.want)
		}
	}
}

// TestNothingDeprecated holds the words that Alertmanager calls deprecated out of
// the configuration: its own check takes them.
func TestNothingDeprecated(t *testing.T) {
	t.Parallel()
	_, files := hub(t)
	deprecated := regexp.MustCompile(`(?m)^mute_time_intervals:|^\s*-?\s*(match|match_re|source_match|source_match_re|target_match|target_match_re)\s*:`)
	if found := deprecated.FindString(files[configPath]); found != "" {
		t.Errorf("%q is deprecated", strings.TrimSpace(found))
	}
	if deprecated.FindString("  - match:\n") == "" {
		t.Error("the pattern finds nothing")
	}
}
