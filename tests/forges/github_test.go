//go:build forges

package forges

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const token = "canary-token-0123456789"

// api is a fake of what comments need of GitHub's or GitLab's API.
type api struct {
	head string // of the open pull request 7
	mu   sync.Mutex
	note string
	seen []string
}

func newAPI(t *testing.T, head string) (*api, string) {
	t.Helper()
	a := &api{head: head}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return a, server.URL
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen, r.Method+" "+r.URL.Path)
	if r.Header.Get("Authorization") != "Bearer "+token && r.Header.Get("Private-Token") != token {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"message": "Bad credentials"}`)
		return
	}
	list := strings.HasSuffix(r.URL.Path, "/issues/7/comments") || strings.HasSuffix(r.URL.Path, "/merge_requests/7/notes")
	switch {
	case r.URL.Path == "/repos/o/r/pulls":
		_ = json.NewEncoder(w).Encode([]any{map[string]any{"number": 7, "head": map[string]string{"sha": a.head}}})
	case r.URL.Path == "/user":
		fmt.Fprint(w, `{"login": "bot", "username": "bot"}`)
	case r.Method == http.MethodGet && list:
		out := []any{}
		if a.note != "" {
			out = append(out, map[string]any{"id": 5, "body": a.note, "user": map[string]string{"login": "bot", "type": "Bot"}, "author": map[string]string{"username": "bot"}})
		}
		_ = json.NewEncoder(w).Encode(out)
	case r.Method == http.MethodPost && list, r.Method == http.MethodPatch && strings.HasSuffix(r.URL.Path, "/issues/comments/5"),
		r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, "/notes/5"):
		data, _ := io.ReadAll(r.Body)
		var sent struct{ Body string }
		_ = json.Unmarshal(data, &sent)
		a.note = sent.Body
		fmt.Fprint(w, `{}`)
	default:
		http.NotFound(w, r)
	}
}

// pullRequest is the environment of a run for pull request 7.
func pullRequest(m *machine, api string) {
	m.env["GITHUB_ACTIONS"], m.env["GITHUB_REPOSITORY"], m.env["GITHUB_API_URL"] = "true", "o/r", api
	m.env["GITHUB_BASE_REF"], m.env["GITHUB_HEAD_REF"], m.env["GITHUB_REF"] = "main", "bad", "refs/pull/7/merge"
}

// TestGitHub goes from the start of the job that checks to the comment that another
// workflow posts, by the lines of both actions.
func TestGitHub(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	data, digest := released(t)
	archive := served(t, data)
	fake, url := newAPI(t, o.head)
	started := time.Now()

	m := newMachine(t)
	pullRequest(m, url)
	m.clone(o, "refs/pull/7/merge", "")
	with := map[string]string{"archive": archive.URL + "/moved.tar.gz", "sha256": digest}
	code, outputs := m.run(".github/actions/check", with)
	if code != 1 || outputs["exit-code"] != "1" {
		t.Fatalf("exit %d, outputs %v:\n%s", code, outputs, m.log.String())
	}
	for _, want := range []string{
		"::error file=components/notice/pod.yaml,line=", "title=new DT-SUP-004 Secret orders/notice::", "::notice title=platform check::Denied: 1 error by this change",
	} {
		if !strings.Contains(m.log.String(), want) {
			t.Errorf("no %q in\n%s", want, m.log.String())
		}
	}
	for _, name := range []string{"report.json", "report.sarif", "report.txt", "junit.xml", "codequality.json", "comment.md"} {
		if text := m.read(filepath.Join(outputs["reports"], name)); strings.Contains(text, "CANARY") || len(text) < 100 {
			t.Errorf("%s: %.300s", name, text)
		}
	}
	if text := m.read(filepath.Join(outputs["reports"], "report.txt")); !strings.Contains(text, "against merge base with origin/main") || !strings.Contains(text, "GITHUB_BASE_REF of GitHub") {
		t.Errorf("%s", text)
	}
	if text := m.read(filepath.Join(m.temp, "GITHUB_STEP_SUMMARY-check-1")); !strings.Contains(text, "\n### platform check: Denied: 1 error by this change") {
		t.Errorf("the run's page: %s", text)
	}

	// The second workflow has another machine, and of the first nothing but its artifact.
	second := newMachine(t)
	second.env["GITHUB_REPOSITORY"], second.env["GITHUB_API_URL"], second.env["GITHUB_REF"] = "o/r", url, "refs/heads/main"
	report := filepath.Join(second.temp, "report.json")
	if err := os.WriteFile(report, []byte(m.read(filepath.Join(outputs["reports"], "report.json"))), 0o600); err != nil {
		t.Fatal(err)
	}
	post := map[string]string{"report": report, "token": token, "archive": archive.URL + "/release.tar.gz", "sha256": digest,
		"head": "fork:bad", "commit": o.head, "report-url": "https://ci.invalid/runs/1"}
	for range 2 { // created, then replaced
		if code, _ := second.run(".github/actions/comment", post); code != 0 {
			t.Fatalf("exit %d:\n%s", code, second.log.String())
		}
	}
	t.Logf("from the start of the job to the comment, twice: %s", time.Since(started).Round(10*time.Millisecond))
	if want := "POST /repos/o/r/issues/7/comments"; fake.seen[2] != want {
		t.Errorf("asked for %v", fake.seen)
	}
	if last := fake.seen[len(fake.seen)-1]; last != "PATCH /repos/o/r/issues/comments/5" {
		t.Errorf("asked for %v", fake.seen)
	}
	for _, want := range []string{"<!-- dualtrack check .shops -->\n### platform check: Denied: 1 error by this change\n", "[The whole report](<https://ci.invalid/runs/1>)", "**DT-SUP-004**"} {
		if !strings.Contains(fake.note, want) {
			t.Errorf("no %q in\n%s", want, fake.note)
		}
	}
	post["token"] = "expired-token-987"
	if code, _ := second.run(".github/actions/comment", post); code != 6 || !strings.Contains(second.log.String(), "401 Unauthorized: Bad credentials; the token in GITHUB_TOKEN is not, or no longer, a token of this forge") {
		t.Errorf("exit %d:\n%s", code, second.log.String())
	}
	post["token"], post["commit"] = token, o.good // the branch has moved on
	if code, _ := second.run(".github/actions/comment", post); code != 0 || !strings.Contains(second.log.String(), "nothing to comment on") {
		t.Errorf("exit %d:\n%s", code, second.log.String())
	}
	if log := m.log.String() + second.log.String(); strings.Contains(log, token) || strings.Contains(log, "expired-token") {
		t.Errorf("a token is in the log:\n%s", log)
	}
}

// TestGitHubAlerts: what code scanning is handed, also by a check that fails: what
// stands in the tree, and neither what an exception waives nor what a change mends.
func TestGitHubAlerts(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	data, digest := released(t)
	archive := served(t, data)
	for _, c := range []struct {
		name, branch, arguments, upload string
		code, errors                    int
	}{
		{"the tree", "bad", "--full", "true", 1, 1},
		{"a change that mends", "main", "--base origin/bad", "true", 0, 0},
		{"bad use", "main", "--base", "true", 2, -1},
		{"not asked for", "bad", "--full", "", 1, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			m.env["GITHUB_ACTIONS"], m.env["GITHUB_REF"] = "true", "refs/heads/main"
			m.clone(o, "refs/heads/"+c.branch, "")
			code, outputs := m.run(".github/actions/check", map[string]string{"archive": archive.URL + "/release.tar.gz", "sha256": digest, "arguments": c.arguments, "upload-sarif": c.upload})
			if code != c.code || outputs["exit-code"] != fmt.Sprint(c.code) {
				t.Fatalf("exit %d, outputs %v:\n%s", code, outputs, m.log.String())
			}
			var handed map[string]string
			for name, with := range m.used {
				if strings.HasPrefix(name, "github/codeql-action/upload-sarif@") {
					handed = with
				}
			}
			if (handed == nil) != (c.errors < 0) || len(m.used) > 1 {
				t.Fatalf("handed on: %v", m.used)
			}
			if handed == nil {
				return
			}
			var report struct {
				Runs []struct{ Results []map[string]any }
			}
			text := m.read(handed["sarif_file"])
			if err := json.Unmarshal([]byte(text), &report); err != nil || len(report.Runs) != 1 || len(handed) != 1 {
				t.Fatalf("%v: %v", handed, err)
			}
			errors := 0
			for _, result := range report.Runs[0].Results {
				if result["suppressions"] != nil || result["baselineState"] == "absent" {
					t.Errorf("%v", result)
				}
				if result["level"] == "error" {
					errors++
				}
			}
			if whole := m.read(filepath.Join(outputs["reports"], "report.sarif")); errors != c.errors || !strings.Contains(whole, "suppressions") || strings.Contains(text, "CANARY") {
				t.Errorf("%d errors of %d results", errors, len(report.Runs[0].Results))
			}
		})
	}
}

// TestGitHubPasses: a change that does nothing, in Gitea's clothes, with a program
// that is there.
func TestGitHubPasses(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	m := newMachine(t)
	pullRequest(m, "http://127.0.0.1:1")
	m.env["GITEA_ACTIONS"], m.env["GITHUB_REF"] = "true", "refs/pull/8/merge"
	m.clone(o, "refs/pull/8/merge", "")
	file := filepath.Join(m.temp, "platform")
	if err := os.WriteFile(file, program(t), 0o755); err != nil {
		t.Fatal(err)
	}
	code, outputs := m.run(".github/actions/check", map[string]string{"program": file, "arguments": "--fail-on new -v"})
	if code != 0 || outputs["exit-code"] != "0" || !strings.Contains(m.log.String(), "::notice title=platform check::Passed: no error by this change") {
		t.Errorf("exit %d, %v:\n%s", code, outputs, m.log.String())
	}
	if text := m.read(filepath.Join(outputs["reports"], "report.txt")); !strings.Contains(text, "no change: every cluster's bundle is the same") {
		t.Errorf("%s", text)
	}
}

// TestGitHubShallow: a clone that lacks the base says how to get it.
func TestGitHubShallow(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	m := newMachine(t)
	pullRequest(m, "http://127.0.0.1:1")
	m.must(fmt.Sprintf("git init -q . && git remote add origin 'file://%s' && git fetch -q --depth=1 origin '+refs/pull/7/merge:refs/remotes/pull/7/merge' && git checkout -q --detach refs/remotes/pull/7/merge", o.dir))
	data, digest := released(t)
	code, _ := m.run(".github/actions/check", map[string]string{"archive": served(t, data).URL + "/release.tar.gz", "sha256": digest})
	if code != 2 || !strings.Contains(m.log.String(), "git fetch --no-tags --unshallow origin main:refs/remotes/origin/main") {
		t.Errorf("exit %d:\n%s", code, m.log.String())
	}
}

// TestFetch: only the archive with the digest is unpacked, and nothing is left of others.
func TestFetch(t *testing.T) {
	t.Parallel()
	data, digest := released(t)
	archive := served(t, data)
	cases := []struct {
		name, archive, sha256, program, want string
	}{
		{"another archive", archive.URL + "/other.tar.gz", digest, "", "::error title=dualtrack::archive: its digest is "},
		{"a torn one", archive.URL + "/torn.tar.gz", digest, "", "::error title=dualtrack::archive: can't be fetched: "},
		{"none", archive.URL + "/nowhere.tar.gz", digest, "", "archive: can't be fetched: " + archive.URL + "/nowhere.tar.gz"},
		{"a file of the runner", "file:///etc/passwd", digest, "", "archive: can't be fetched: file:///etc/passwd"},
		{"an option", "--version", digest, "", "archive: can't be fetched: --version"},
		{"no digest", archive.URL + "/release.tar.gz", "", "", "sha256: write the archive's digest"},
		{"a short digest", archive.URL + "/release.tar.gz", "abc", "", "sha256: a digest has 64 hexadecimal digits, this has 3"},
		{"no digits", archive.URL + "/release.tar.gz", "$(touch x)", "", "sha256: write the archive's digest"},
		{"nothing", "", "", "", "archive: name a release archive, or a program"},
		{"no program", "", "", "/nowhere/platform", "program: /nowhere/platform is no program"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			code, _ := m.run(".github/actions/check", map[string]string{"archive": c.archive, "sha256": c.sha256, "program": c.program})
			if code != 2 || !strings.Contains(m.log.String(), c.want) || len(m.paths) != 0 {
				t.Errorf("exit %d, PATH %v:\n%s", code, m.paths, m.log.String())
			}
			if left, _ := filepath.Glob(filepath.Join(m.temp, "dualtrack-*")); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
