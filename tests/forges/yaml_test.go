// Package forges holds what runs in other people's CI: the Actions, workflows, the
// GitLab template and the pre-commit hook. Files are read strictly here; with the tag
// forges their very lines run, against fakes of the forges on loopback.
package forges

import (
	"bytes"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

const repository = "../.."

// step is one step of a job or of a composite action.
type step struct {
	Name     string            `yaml:"name"`
	ID       string            `yaml:"id"`
	If       string            `yaml:"if"`
	Uses     string            `yaml:"uses"`
	Run      string            `yaml:"run"`
	Shell    string            `yaml:"shell"`
	Env      map[string]string `yaml:"env"`
	With     map[string]string `yaml:"with"`
	Continue bool              `yaml:"continue-on-error"`
}

type action struct {
	Name        string `yaml:"name"`
	Description string `yaml:"description"`
	Inputs      map[string]struct {
		Description string `yaml:"description"`
		Default     string `yaml:"default"`
		Required    bool   `yaml:"required"`
	} `yaml:"inputs"`
	Outputs map[string]struct {
		Description string `yaml:"description"`
		Value       string `yaml:"value"`
	} `yaml:"outputs"`
	Runs struct {
		Using string `yaml:"using"`
		Steps []step `yaml:"steps"`
	} `yaml:"runs"`
}

type workflow struct {
	Name        string            `yaml:"name"`
	On          yaml.Node         `yaml:"on"`
	Permissions map[string]string `yaml:"permissions"`
	Concurrency yaml.Node         `yaml:"concurrency"`
	Jobs        map[string]struct {
		If          string            `yaml:"if"`
		RunsOn      string            `yaml:"runs-on"`
		Timeout     int               `yaml:"timeout-minutes"`
		Permissions map[string]string `yaml:"permissions"`
		Steps       []step            `yaml:"steps"`
	} `yaml:"jobs"`
}

// job is one of GitLab's.
type job struct {
	Extends      string            `yaml:"extends"`
	Stage        string            `yaml:"stage"`
	Variables    map[string]string `yaml:"variables"`
	BeforeScript []string          `yaml:"before_script"`
	Script       []string          `yaml:"script"`
	Rules        []struct {
		If   string `yaml:"if"`
		When string `yaml:"when"`
	} `yaml:"rules"`
	Needs       []string `yaml:"needs"`
	Environment struct {
		Name   string `yaml:"name"`
		Action string `yaml:"action"`
	} `yaml:"environment"`
	Artifacts struct {
		When    string            `yaml:"when"`
		Paths   []string          `yaml:"paths"`
		Reports map[string]string `yaml:"reports"`
	} `yaml:"artifacts"`
}

// strict reads a file, in which every key must be known.
func strict(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(repository, name))
	if err != nil {
		t.Fatal(err)
	}
	strictText(t, name, data, into)
}

func strictText(t *testing.T, name string, data []byte, into any) {
	t.Helper()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := dec.Decode(new(any)); err != io.EOF { //nolint:errorlint // the decoder's own word
		t.Fatalf("%s: more than one document", name)
	}
}

func named(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(repository, pattern))
	if err != nil || len(found) == 0 {
		t.Fatalf("no %s: %v", pattern, err)
	}
	for i := range found {
		found[i] = strings.TrimPrefix(filepath.ToSlash(found[i]), repository+"/")
	}
	return found
}

// parses asks a shell whether a script is one.
func parses(t *testing.T, shell, where, script string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), shell, "-n")
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %s -n: %v\n%s", where, shell, err, out)
	}
}

// pinned is a whole commit of another repository, or a folder of this one.
var pinned = regexp.MustCompile(`^([\w.-]+/[\w.-]+(/[\w./-]+)?@[0-9a-f]{40}|\./\.github/actions/[a-z]+)$`)

// interpolated is a value that would become part of a script before a shell sees it.
var interpolated = regexp.MustCompile(`\$\{\{`)

func checkSteps(t *testing.T, where string, steps []step) {
	t.Helper()
	script := regexp.MustCompile(`\$GITHUB_ACTION_PATH/([\w./-]+\.sh)`)
	for _, s := range steps {
		if (s.Uses == "") == (s.Run == "") {
			t.Errorf("%s: a step uses or runs something: %+v", where, s)
		}
		if s.Uses != "" && !pinned.MatchString(s.Uses) {
			t.Errorf("%s: %s is not pinned by a whole commit", where, s.Uses)
		}
		if interpolated.MatchString(s.Run) {
			t.Errorf("%s: a value is put into a script; hand it over in env: %s", where, s.Run)
		}
		if s.Run != "" {
			parses(t, "bash", where, s.Run)
		}
		for _, m := range script.FindAllStringSubmatch(s.Run, -1) {
			data, err := os.ReadFile(filepath.Join(repository, filepath.Dir(where), m[1]))
			if err != nil {
				t.Errorf("%s: %v", where, err)
			}
			parses(t, "sh", m[1], string(data))
			if !bytes.HasPrefix(data, []byte("#!/bin/sh\n")) || !regexp.MustCompile(`(?m)^set -eu`).Match(data) {
				t.Errorf("%s does not stop at the first error", m[1])
			}
		}
		if strings.HasPrefix(s.Uses, "actions/checkout@") && s.With["persist-credentials"] != "false" {
			t.Errorf("%s: checkout leaves the token in the clone", where)
		}
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	used := regexp.MustCompile(`\binputs\.([\w-]+)`)
	for _, name := range named(t, ".github/actions/*/action.yml") {
		var a action
		strict(t, name, &a)
		checkSteps(t, name, a.Runs.Steps)
		if a.Runs.Using != "composite" || a.Name == "" || a.Description == "" {
			t.Errorf("%s: %+v", name, a)
		}
		known := map[string]bool{}
		for _, s := range a.Runs.Steps {
			if s.Run != "" && s.Shell != "bash" {
				t.Errorf("%s: a step of a composite action names its shell", name)
			}
			for _, value := range s.Env {
				for _, m := range used.FindAllStringSubmatch(value, -1) {
					known[m[1]] = true
				}
			}
		}
		if declared := slices.Sorted(maps.Keys(a.Inputs)); !slices.Equal(declared, slices.Sorted(maps.Keys(known))) {
			t.Errorf("%s: inputs %v, used %v", name, declared, slices.Sorted(maps.Keys(known)))
		}
	}
}

// workflows are ours, and those that the action's page shows to others.
func workflows(t *testing.T) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, name := range named(t, ".github/workflows/*.yml") {
		data, err := os.ReadFile(filepath.Join(repository, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = data
	}
	const readme = ".github/actions/check/README.md"
	data, err := os.ReadFile(filepath.Join(repository, readme))
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```yaml\n# (\\.github/workflows/\\w+\\.yml)\n(.*?)```").FindAllSubmatch(data, -1)
	if len(shown) != 3 {
		t.Fatalf("%s shows %d workflows", readme, len(shown))
	}
	for _, m := range shown {
		out[readme+": "+string(m[1])] = m[2]
	}
	return out
}

func TestWorkflows(t *testing.T) {
	t.Parallel()
	for name, data := range workflows(t) {
		var w workflow
		strictText(t, name, data, &w)
		linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{WorkingDir: repository})
		if err != nil {
			t.Fatal(err)
		}
		project, err := actionlint.NewProjects().At(repository)
		if err != nil {
			t.Fatal(err)
		}
		complaints, err := linter.Lint(strings.ReplaceAll(name, ": ", "/"), data, project)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range complaints {
			t.Errorf("%s: %v", name, c)
		}
		writes := 0
		for id, j := range w.Jobs {
			checkSteps(t, name, j.Steps)
			if j.Timeout == 0 || w.Permissions == nil {
				t.Errorf("%s: job %s has no timeout, or every permission", name, id)
			}
			for _, p := range []map[string]string{w.Permissions, j.Permissions} {
				for what, may := range p {
					if may == "write" {
						writes++
						if may := map[string]string{"comment": "pull-requests", "alerts": "security-events"}; may[w.Name] != what {
							t.Errorf("%s: %s may write %s", name, id, what)
						}
					}
				}
			}
		}
		text := string(data)
		if strings.Contains(text, "pull_request_target") || strings.Contains(text, "secrets.") {
			t.Errorf("%s: a run for a pull request could reach a secret", name)
		}
		// Who may write runs nothing of the pull request: no checkout of its commit.
		safe := strings.Contains(text, "\n  workflow_run:") || strings.Contains(text, "\n  push:\n    branches: [main]\n")
		if (w.Name == "comment" || w.Name == "alerts") != (writes == 1) || writes > 0 && (!safe || strings.Contains(text, "ref:") || strings.Contains(text, "\n  pull_request")) {
			t.Errorf("%s: %d permissions to write", name, writes)
		}
	}
}

func TestGitLab(t *testing.T) {
	t.Parallel()
	jobs := map[string]job{}
	strict(t, ".gitlab/check.yml", &jobs)
	for name, j := range jobs {
		// The runner joins the lines into one script.
		for _, lines := range [][]string{j.BeforeScript, j.Script} {
			parses(t, "sh", name, strings.Join(lines, "\n"))
			parses(t, "bash", name, strings.Join(lines, "\n"))
		}
		if _, there := jobs[j.Extends]; j.Extends != "" && !there {
			t.Errorf("%s extends %s, which there is not", name, j.Extends)
		}
		for _, need := range j.Needs {
			if _, there := jobs[need]; !there {
				t.Errorf("%s needs %s, which there is not", name, need)
			}
		}
	}
	check, comment := jobs["dualtrack-check"], jobs["dualtrack-comment"]
	if strings.Contains(strings.Join(check.Script, "\n"), "TOKEN") || comment.Environment.Name == "" || comment.Variables["GIT_STRATEGY"] != "none" {
		t.Error("the job that runs what the merge request brings is not kept from the token")
	}
}

func TestPreCommitHooks(t *testing.T) {
	t.Parallel()
	hooks := hooks(t)
	for _, h := range hooks {
		pattern, err := regexp.Compile(h.Files)
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string]bool{"components/otel/component.yaml": true, "platform.lock": true, "deploy/clusters/hub/cluster.yaml": true,
			"deploy/platform.lock": true, "README.md": false, "docs/my-components/x": false} {
			if pattern.MatchString(path) != want {
				t.Errorf("%s runs for %s: %v", h.ID, path, !want)
			}
		}
		parses(t, "sh", h.ID, h.Entry)
	}
}

type hook struct {
	ID            string `yaml:"id"`
	Name          string `yaml:"name"`
	Description   string `yaml:"description"`
	Entry         string `yaml:"entry"`
	Language      string `yaml:"language"`
	Files         string `yaml:"files"`
	PassFilenames bool   `yaml:"pass_filenames"`
	RequireSerial bool   `yaml:"require_serial"`
}

func hooks(t *testing.T) []hook {
	t.Helper()
	var out []hook
	strict(t, ".pre-commit-hooks.yaml", &out)
	if len(out) != 1 || out[0].Language != "system" || out[0].PassFilenames {
		t.Fatalf("%+v", out)
	}
	return out
}
