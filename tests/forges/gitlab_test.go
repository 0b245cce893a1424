//go:build forges

package forges

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// script carries out a job as GitLab's runner does: all lines in one shell.
func (m *machine) script(jobs map[string]job, name string) int {
	m.t.Helper()
	j, base := jobs[name], jobs[jobs[name].Extends]
	env := maps.Clone(base.Variables)
	maps.Copy(env, j.Variables)
	before := j.BeforeScript
	if before == nil {
		before = base.BeforeScript
	}
	code, _ := m.shell(env, []string{"bash", "-e", "-o", "pipefail"}, strings.Join(append(before, j.Script...), "\n"))
	return code
}

func TestGitLabJobs(t *testing.T) {
	t.Parallel()
	jobs := map[string]job{}
	strict(t, ".gitlab/check.yml", &jobs)
	o := newOrigin(t)
	data, digest := released(t)
	archive := served(t, data)
	fake, url := newAPI(t, o.head)
	pipeline := func(m *machine, id string) {
		for name, value := range map[string]string{
			"GITLAB_CI": "true", "CI_JOB_ID": id, "CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_IID": "7",
			"CI_PROJECT_ID": "42", "CI_API_V4_URL": url, "CI_PIPELINE_URL": "https://ci.invalid/pipelines/1", "TMPDIR": m.temp,
			"DUALTRACK_ARCHIVE": archive.URL + "/release.tar.gz", "DUALTRACK_SHA256": digest,
		} {
			m.env[name] = value
		}
	}
	m := newMachine(t)
	pipeline(m, "1")
	m.clone(o, "refs/merge-requests/7/head", "")
	if code := m.script(jobs, "dualtrack-check"); code != 1 {
		t.Fatalf("exit %d:\n%s", code, m.log.String())
	}
	if !strings.Contains(m.log.String(), "CI_MERGE_REQUEST_TARGET_BRANCH_NAME of GitLab") || strings.Contains(m.log.String(), "CANARY") {
		t.Errorf("%s", m.log.String())
	}
	check := jobs["dualtrack-check"]
	for _, file := range check.Artifacts.Reports {
		if text := m.read(filepath.Join(m.work, file)); !strings.Contains(text, "DT-SUP-004") {
			t.Errorf("%s: %s", file, text)
		}
	}

	// The other job has the artifact alone.
	second := newMachine(t)
	pipeline(second, "2")
	if code := second.script(jobs, "dualtrack-comment"); code != 0 || !strings.Contains(second.log.String(), "GITLAB_TOKEN is not set for this environment: no comment") {
		t.Errorf("a fork's pipeline: exit %d:\n%s", code, second.log.String())
	}
	second.env["GITLAB_TOKEN"] = token
	if code := second.script(jobs, "dualtrack-comment"); code != 0 || !strings.Contains(second.log.String(), "the check left no report: no comment") {
		t.Errorf("no report: exit %d:\n%s", code, second.log.String())
	}
	if err := os.CopyFS(filepath.Join(second.work, check.Artifacts.Paths[0]), os.DirFS(filepath.Join(m.work, check.Artifacts.Paths[0]))); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if code := second.script(jobs, "dualtrack-comment"); code != 0 {
			t.Fatalf("exit %d:\n%s", code, second.log.String())
		}
	}
	if last := fake.seen[len(fake.seen)-1]; last != "PUT /projects/42/merge_requests/7/notes/5" || !strings.Contains(fake.note, "Denied: 1 error by this change") {
		t.Errorf("%v\n%s", fake.seen, fake.note)
	}
	if strings.Contains(second.log.String(), token) {
		t.Error("the token is in the log")
	}

	third := newMachine(t)
	pipeline(third, "3")
	third.env["DUALTRACK_ARCHIVE"] = archive.URL + "/other.tar.gz"
	if code := third.script(jobs, "dualtrack-check"); code == 0 || len(third.paths) != 0 || strings.Contains(third.log.String(), "against") {
		t.Errorf("another archive: exit %d:\n%s", code, third.log.String())
	}
}

// TestPreCommit runs the hook as pre-commit does: at the root, with Git's variables of
// a commit under way.
func TestPreCommit(t *testing.T) {
	t.Parallel()
	o := newOrigin(t)
	m := newMachine(t)
	m.must("git clone -q 'file://" + o.dir + "' . && git checkout -q -b mine && mkdir .bin && echo .bin >> .git/info/exclude && cat > .bin/dualtrack <<'EOF'\n" + string(program(t)) + "EOF\nchmod +x .bin/dualtrack")
	m.paths = []string{filepath.Join(m.work, ".bin")}
	m.env["GIT_INDEX_FILE"], m.env["GIT_DIR"], m.env["PRE_COMMIT"] = filepath.Join(m.work, ".git/index"), filepath.Join(m.work, ".git"), "1"
	entry := hooks(t)[0].Entry
	m.must("echo '# a comment' >> components/notice/pod.yaml && git add -A")
	if code, out := m.shell(nil, []string{"bash"}, entry); code != 0 || !strings.Contains(out, "no change: every cluster's bundle is the same") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	m.must("git checkout -q -f origin/bad -- . && git add -A")
	if code, out := m.shell(nil, []string{"bash"}, entry); code != 1 || !strings.Contains(out, "new error: DT-SUP-004") || strings.Contains(out, "CANARY") {
		t.Errorf("exit %d:\n%s", code, out)
	}
}
