// Package acceptance runs the built program as its users do, on real control
// planes, and looks at the clusters with plain client-go. It shares no code
// with the product's judges.
package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// limit bounds one command of the program; a first one builds the programs
// under tools/ as well.
const limit = 30 * time.Minute

// program is the built CLI and the caches that all tests share.
type program struct {
	path  string   // the binary
	root  string   // the repository it was built from
	cache []string // environment: caches of Go and of built programs
}

var built program

func TestMain(m *testing.M) {
	os.Exit(run(context.Background(), m))
}

func run(ctx context.Context, m *testing.M) int {
	dir, err := os.MkdirTemp("", "acceptance")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	root, err := filepath.Abs("../..")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	built = program{path: filepath.Join(dir, "platform"), root: root}
	build := exec.CommandContext(ctx, "go", "build", "-o", built.path, "./platform")
	build.Dir, build.Stderr = root, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the CLI:", err)
		return 1
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOFLAGS", "GONOSUMDB", "GOSUMDB"} {
		out, err := exec.CommandContext(ctx, "go", "env", name).Output()
		if err != nil {
			fmt.Fprintln(os.Stderr, "go env:", err)
			return 1
		}
		built.cache = append(built.cache, name+"="+strings.TrimSpace(string(out)))
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	built.cache = append(built.cache, "DUALTRACK_CACHE_DIR="+filepath.Join(cache, "dualtrack"))
	return m.Run()
}

// fleet is one user: an empty home, a copy of the repository, state of its own.
type fleet struct {
	repo  string
	state string
	env   []string
}

// newFleet copies the repository's catalog into a folder with a space in its
// name. What it starts is taken down when the test ends.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	home := t.TempDir()
	f := &fleet{repo: filepath.Join(home, "my platform"), state: filepath.Join(home, "state")}
	f.env = append(built.cache, "HOME="+home, "PATH="+os.Getenv("PATH"), "DUALTRACK_STATE_DIR="+f.state, "TMPDIR="+os.TempDir(),
		"LANG=tr_TR.UTF-8", "TZ=Asia/Kathmandu")
	for _, folder := range []string{"components", "clusters", "policies", "tools"} {
		if err := os.CopyFS(filepath.Join(f.repo, folder), os.DirFS(filepath.Join(built.root, folder))); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 5*time.Minute)
		defer cancel()
		if got := f.runContext(ctx, t, "down", "--all", "--purge"); got.code != 0 {
			t.Errorf("down after the test: exit %d\n%s", got.code, got.stderr)
		}
	})
	return f
}

// outcome is what one command left.
type outcome struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

func (f *fleet) run(t *testing.T, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return f.runContext(ctx, t, args...)
}

func (f *fleet) runContext(ctx context.Context, t *testing.T, args ...string) outcome {
	t.Helper()
	cmd := f.command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	got := outcome{stdout: stdout.String(), stderr: stderr.String(), took: time.Since(began)}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got.code = exit.ExitCode()
	} else if err != nil {
		t.Fatalf("platform %s: %v", strings.Join(args, " "), err)
	}
	t.Logf("platform %s: exit %d, %.1f s", strings.Join(args, " "), got.code, got.took.Seconds())
	return got
}

func (f *fleet) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, built.path, args...)
	cmd.Dir, cmd.Env = f.repo, f.env
	return cmd
}

// pause waits between two looks, or until the test's time is up.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// want fails the test unless the command ended with the code.
func (o outcome) want(t *testing.T, code int) outcome {
	t.Helper()
	if o.code != code {
		t.Fatalf("exit %d, want %d\nstdout:\n%s\nstderr:\n%s", o.code, code, o.stdout, o.stderr)
	}
	return o
}

// result is the part of the JSON report that tests read; it is written out here
// again so that a change of the published names fails.
type result struct {
	Revision string `json:"revision"`
	Clusters []struct {
		Name           string   `json:"name"`
		State          string   `json:"state"`
		Why            string   `json:"why"`
		HealthEvidence string   `json:"healthEvidence"`
		Started        []string `json:"started"`
		Survey         struct {
			Missing []struct{ Verb, Group, Resource, Namespace string } `json:"missing"`
			Foreign []object                                            `json:"foreign"`
		} `json:"survey"`
		Withheld []struct {
			Object object `json:"object"`
			Why    string `json:"why"`
		} `json:"withheld"`
		Changes []struct {
			Object object `json:"object"`
			Action string `json:"action"`
		} `json:"changes"`
		Tracks []struct {
			Name    string `json:"name"`
			InSync  int    `json:"inSync"`
			Objects int    `json:"objects"`
			OK      bool   `json:"ok"`
		} `json:"tracks"`
		Drift []drift `json:"drift"`
	} `json:"clusters"`
}

type object struct{ APIVersion, Kind, Namespace, Name string }

type drift struct {
	Object object `json:"object"`
	Class  string `json:"class"`
	Fields []struct {
		Pointer string `json:"pointer"`
		Writer  writer `json:"writer"`
	} `json:"fields"`
	Writer writer `json:"writer"`
	Flux   string `json:"flux"`
	Argo   string `json:"argo"`
	Policy []struct {
		Rule string `json:"rule"`
	} `json:"policy"`
}

type writer struct{ Manager, Operation, Time string }

func (o outcome) json(t *testing.T) result {
	t.Helper()
	var r result
	if err := json.Unmarshal([]byte(o.stdout), &r); err != nil {
		t.Fatalf("reading the JSON report: %v\n%s\n%s", err, o.stdout, o.stderr)
	}
	return r
}

// cut takes a text's lines out, from one that begins it to the one that follows it.
func (f *fleet) cut(t *testing.T, file, from, to string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(f.repo, file))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(data), from)
	gone, _, ends := strings.Cut(rest, to)
	if !found || !ends {
		t.Fatalf("%s does not hold %q and then %q", file, from, to)
	}
	f.edit(t, file, from+gone, "")
}

// edit replaces text in a file of the user's repository.
func (f *fleet) edit(t *testing.T, file, old, replacement string) {
	t.Helper()
	path := filepath.Join(f.repo, file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) {
		t.Fatalf("%s does not hold %q", file, old)
	}
	if err := os.WriteFile(path, bytes.Replace(data, []byte(old), []byte(replacement), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}
