//go:build forges

package forges

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnCheck: the part of this repository's CI that checks its own change, on a
// clone of one commit, of two, and of one that has lost the other.
func TestOwnCheck(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	script, err := os.ReadFile(filepath.Join(repository, ".ci/check"))
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, clone, env string
		code             int
		want             []string
	}{
		{"one commit", "git clone -q -b main 'file://" + o.dir + "' .", "", 0, []string{"no commit before this one", "0 errors"}},
		{"two", "git clone -q -b bad 'file://" + o.dir + "' .", "", 1, []string{"against HEAD~1, commit ", "1 new error"}},
		{"shallow", "git clone -q --depth 1 -b bad 'file://" + o.dir + "' .", "", 1, []string{"no commit before this one, or none in this clone", "1 error"}},
		{"pull request", "git clone -q -b bad 'file://" + o.dir + "' .", "main", 1, []string{"GITHUB_BASE_REF of GitHub", "1 new error", "::error file=components/notice/pod.yaml"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.must(c.clone + "\nmkdir .ci bin && printf '/bin/\\n/dist/\\n/.ci/\\n' >> .git/info/exclude && cat > bin/platform <<'EOF'\n" + string(program(t)) + "EOF\nchmod +x bin/platform")
			if err := os.WriteFile(filepath.Join(m.work, ".ci/check"), script, 0o755); err != nil {
				t.Fatal(err)
			}
			env := map[string]string{}
			if c.env != "" {
				env["GITHUB_BASE_REF"], env["GITHUB_ACTIONS"] = c.env, "true"
			}
			code, out := m.shell(env, []string{"bash"}, ".ci/check")
			if code != c.code {
				t.Errorf("exit %d:\n%s", code, out)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("no %q in\n%s", want, out)
				}
			}
			for _, name := range []string{"report.json", "report.sarif", "junit.xml", "codequality.json", "comment.md"} {
				m.read(filepath.Join(m.work, "dist/check", name))
			}
		})
	}
}
