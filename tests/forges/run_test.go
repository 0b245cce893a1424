//go:build forges

package forges

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dualtrack.internal/platform/cli"
)

// asProgram makes the test binary the CLI: what a release archive holds here is a
// script that sets it.
const asProgram = "DUALTRACK_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		streams := cli.System()
		streams.Name = "dualtrack"
		os.Exit(cli.Run(context.Background(), streams, os.Args[1:]))
	}
	os.Exit(m.Run())
}

// deadline of one script: many times what it takes.
const deadline = 3 * time.Minute

func program(t *testing.T) []byte {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []byte("#!/bin/sh\n" + asProgram + "=1 exec '" + self + "' \"$@\"\n")
}

// released is an archive as a release makes it.
func released(t *testing.T) (data []byte, digest string) {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, content := range map[string][]byte{"dualtrack": program(t), "LICENSE": []byte("x\n")} {
		if err := w.WriteHeader(&tar.Header{Name: "dualtrack_v0_linux_amd64/" + name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(sum[:])
}

// machine is a runner's: a folder for the work, one for what is temporary, and an
// environment of which nothing is this process's but the PATH.
type machine struct {
	t     *testing.T
	work  string
	temp  string
	env   map[string]string
	paths []string
	used  map[string]map[string]string // actions of others, and what they were handed
	log   strings.Builder
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, work: filepath.Join(t.TempDir(), "work"), temp: t.TempDir(), used: map[string]map[string]string{}, env: map[string]string{
		"HOME": t.TempDir(), "CI": "true", "GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "test", "GIT_AUTHOR_EMAIL": "test@example.org",
		"GIT_COMMITTER_NAME": "test", "GIT_COMMITTER_EMAIL": "test@example.org", "DUALTRACK_CACHE_DIR": filepath.Join(t.TempDir(), "cache"),
	}}
	if err := os.MkdirAll(m.work, 0o755); err != nil {
		t.Fatal(err)
	}
	return m
}

// shell runs a script and gives its exit code and all that it says.
func (m *machine) shell(env map[string]string, shell []string, script string) (int, string) {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), deadline)
	defer cancel()
	file := filepath.Join(m.t.TempDir(), "script.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, shell[0], append(shell[1:], file)...)
	cmd.Dir = m.work
	all := maps.Clone(m.env)
	all["PATH"] = strings.Join(append(slices.Clone(m.paths), os.Getenv("PATH")), ":")
	maps.Copy(all, env)
	for name, value := range all {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	m.log.Write(out)
	if err == nil {
		return 0, string(out)
	}
	code, ok := err.(*exec.ExitError) //nolint:errorlint // exec's own word
	if !ok {
		m.t.Fatalf("%v: %v\n%s", shell, err, out)
	}
	return code.ExitCode(), string(out)
}

// must runs what has to succeed.
func (m *machine) must(script string) string {
	m.t.Helper()
	code, out := m.shell(nil, []string{"bash", "-e"}, script)
	if code != 0 {
		m.t.Fatalf("exit %d:\n%s\n%s", code, script, out)
	}
	return strings.TrimSpace(out)
}

// origin is a repository of somebody's fleet, with a branch that brings an error and
// one that changes nothing but a comment; the commits that a forge makes of both.
type origin struct {
	dir  string
	bad  string // the merge of the branch into main
	head string // the branch
	good string
}

func newOrigin(t *testing.T) origin {
	t.Helper()
	m := newMachine(t)
	m.must("mkdir -p bin && cat > bin/dualtrack <<'EOF'\n" + string(program(t)) + "EOF\nchmod +x bin/dualtrack")
	m.paths = []string{filepath.Join(m.work, "bin")}
	m.must(`
git init -q -b main --bare origin.git
dualtrack init shops
cd shops
mkdir -p components/notice
cat > components/notice/component.yaml <<'YAML'
apiVersion: platform.dualtrack.internal/v1alpha1
kind: Component
metadata: {name: notice}
spec:
  source: {kustomize: {path: .}}
  namespace: orders
  dependsOn: [base]
YAML
cat > components/notice/kustomization.yaml <<'YAML'
resources: [pod.yaml]
YAML
cat > components/notice/pod.yaml <<'YAML'
apiVersion: v1
kind: ConfigMap
metadata: {name: notice, namespace: orders}
data: {text: closed}
YAML
sed -i '/^  components:/a\    - name: notice' clusters/edge-1/cluster.yaml
git init -q -b main
git add -A
git commit -q -m first
git remote add origin ../origin.git
git push -q origin main
git checkout -q -b bad
cat >> components/notice/pod.yaml <<'YAML'
---
apiVersion: v1
kind: Secret
metadata: {name: notice, namespace: orders}
stringData: {password: CANARY-secret}
YAML
git commit -q -a -m bad
git push -q origin bad
git checkout -q -b merged main
git merge -q --no-ff -m merge bad
git push -q origin merged:refs/pull/7/merge merged:refs/merge-requests/7/head
git checkout -q -b good main
echo '# closed' >> components/notice/pod.yaml
git commit -q -a -m good
git push -q origin good:refs/pull/8/merge good
`)
	rev := func(name string) string { return m.must("git -C shops rev-parse " + name) }
	return origin{filepath.Join(m.work, "origin.git"), rev("merged"), rev("bad"), rev("good")}
}

// clone is what a forge's checkout leaves: every branch of the remote, and a commit
// on no branch.
func (m *machine) clone(o origin, ref, depth string) {
	m.t.Helper()
	m.must(fmt.Sprintf(`
git init -q .
git remote add origin 'file://%s'
git fetch -q --no-tags --prune %s origin '+refs/heads/*:refs/remotes/origin/*' '+%s:refs/remotes/checked'
git checkout -q --force --detach refs/remotes/checked
`, o.dir, depth, ref))
}

// served is a web server that has the archive, and others that are not it.
func served(t *testing.T, data []byte) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/release.tar.gz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(data) })
	mux.HandleFunc("/other.tar.gz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(append([]byte("x"), data...)) })
	mux.HandleFunc("/torn.tar.gz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		_, _ = w.Write(data[:len(data)/2])
	})
	mux.HandleFunc("/moved.tar.gz", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/release.tar.gz", http.StatusFound) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server
}

// expression is a value that the runner puts in.
var expression = regexp.MustCompile(`\$\{\{\s*([^}]*?)\s*\}\}`)

// resolve replaces expressions by what the run says; an unknown one fails the test.
func resolve(t *testing.T, s string, values map[string]string) string {
	t.Helper()
	return expression.ReplaceAllStringFunc(s, func(found string) string {
		name := expression.FindStringSubmatch(found)[1]
		value, known := values[name]
		if !known {
			t.Errorf("nothing is known of %s", name)
		}
		return value
	})
}

// run carries out the steps of a composite action as a runner does, and gives the exit
// code of the step that failed, 0 for none, and the outputs.
func (m *machine) run(dir string, with map[string]string) (int, map[string]string) {
	m.t.Helper()
	var a action
	strict(m.t, filepath.Join(dir, "action.yml"), &a)
	path, err := filepath.Abs(filepath.Join(repository, dir))
	if err != nil {
		m.t.Fatal(err)
	}
	values := map[string]string{}
	for name, input := range a.Inputs {
		values["inputs."+name] = input.Default
		if value, given := with[name]; given {
			values["inputs."+name] = value
		} else if input.Required {
			m.t.Errorf("%s wants %s", dir, name)
		}
	}
	for name := range with {
		if _, declared := a.Inputs[name]; !declared {
			m.t.Errorf("%s has no input %s", dir, name)
		}
	}
	code := 0
	for i, s := range a.Runs.Steps {
		if !m.goes(s, code, values) {
			continue
		}
		if s.Uses != "" { // another's action: what it would be handed
			used := map[string]string{}
			for name, value := range s.With {
				used[name] = resolve(m.t, value, values)
			}
			m.used[s.Uses] = used
			continue
		}
		env := map[string]string{"GITHUB_ACTION_PATH": path, "RUNNER_TEMP": m.temp}
		for _, file := range []string{"GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
			env[file] = filepath.Join(m.temp, fmt.Sprintf("%s-%s-%d", file, filepath.Base(dir), i))
			if err := os.WriteFile(env[file], nil, 0o600); err != nil {
				m.t.Fatal(err)
			}
		}
		for name, value := range s.Env {
			env[name] = resolve(m.t, value, values)
		}
		failed, _ := m.shell(env, []string{"bash", "--noprofile", "--norc", "-e", "-o", "pipefail"}, s.Run)
		code = cmp.Or(code, failed)
		m.paths = append(m.lines(env["GITHUB_PATH"]), m.paths...)
		for _, line := range m.lines(env["GITHUB_OUTPUT"]) {
			name, value, _ := strings.Cut(line, "=")
			values["steps."+s.ID+".outputs."+name] = value
		}
	}
	outputs := map[string]string{}
	for name, o := range a.Outputs {
		outputs[name] = expression.ReplaceAllStringFunc(o.Value, func(found string) string { return values[expression.FindStringSubmatch(found)[1]] })
	}
	return code, outputs
}

// goes says whether a step's turn comes, after the exit code so far.
func (m *machine) goes(s step, code int, values map[string]string) bool {
	m.t.Helper()
	if s.If == "" {
		return code == 0
	}
	goes := code == 0
	for term := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(s.If, "${{ "), " }}"), " && ") {
		output, filled := strings.CutSuffix(term, " != ''")
		switch {
		case term == "!cancelled()":
			goes = true
		case filled:
			goes = goes && values[output] != ""
		default:
			m.t.Errorf("nothing is known of %s", term)
		}
	}
	return goes
}

func (m *machine) lines(file string) []string {
	m.t.Helper()
	return strings.Fields(m.read(file))
}

func (m *machine) read(file string) string {
	m.t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(data)
}
