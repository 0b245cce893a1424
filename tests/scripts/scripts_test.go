// Package scripts runs the CLI in scripts, each with its exact exit codes, as a
// user types them. No script needs a cluster: those are in tests/acceptance.
package scripts

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/rogpeppe/go-internal/testscript"

	"dualtrack.internal/platform/cli"
)

func TestMain(m *testing.M) {
	run := func() { os.Exit(cli.Run(context.Background(), cli.System(), os.Args[1:])) }
	testscript.Main(m, map[string]func(){
		"platform": run, "dualtrack": run, "kubectl-dualtrack": run,
		"newer": newer,
	})
}

// newer is the CLI of another distribution: ours with the files of the folder
// $NEWER over it; an empty file there takes one away.
func newer() {
	streams := cli.System()
	changed := fstest.MapFS{}
	err := fs.WalkDir(streams.Distribution.Components, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(streams.Distribution.Components, name)
		changed[name] = &fstest.MapFile{Data: data}
		return err
	})
	if err == nil {
		err = fs.WalkDir(os.DirFS(os.Getenv("NEWER")), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			data, err := os.ReadFile(filepath.Join(os.Getenv("NEWER"), name))
			if changed[name] = (&fstest.MapFile{Data: data}); len(data) == 0 {
				delete(changed, name)
			}
			return err
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	streams.Distribution.Components = changed
	os.Exit(cli.Run(context.Background(), streams, os.Args[1:]))
}

func TestScripts(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	git, err := exec.CommandContext(t.Context(), "git", "--exec-path").Output()
	if err != nil {
		t.Fatalf("the scripts need git: %v", err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("DUALTRACK_STATE_DIR", filepath.Join(env.WorkDir, "state"))
			env.Setenv("DUALTRACK_CACHE_DIR", filepath.Join(env.WorkDir, "cache"))
			env.Setenv("ROOT", root)
			bin, _, _ := strings.Cut(env.Getenv("PATH"), string(os.PathListSeparator))
			env.Setenv("BIN", bin) // holds the CLI alone
			env.Setenv("GIT_HTTP_BACKEND", filepath.Join(strings.TrimSpace(string(git)), "git-http-backend"))
			env.Values[modeKey{}] = &atomic.Value{}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"exports": exports,
			"clone":   clone,
			"replace": replace,
			"servers": servers,
			"publish": publish,
			"fill":    fill,
			"trees":   trees,
		},
	})
}

// exits runs a program and wants exactly this exit code: exits 2 platform check.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var code interface{ ExitCode() int }
		ok := false
		if code, ok = err.(interface{ ExitCode() int }); !ok {
			ts.Fatalf("%v", err)
		}
		got = code.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit %d, want %d", got, want)
	}
}

// exports sets a variable to the text of a file: exports NAME FILE.
func exports(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: exports NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

// clone copies the repository's catalog into the working folder.
func clone(ts *testscript.TestScript, _ bool, _ []string) {
	for _, folder := range []string{"components", "clusters", "policies", "tools"} {
		ts.Check(os.CopyFS(ts.MkAbs(folder), os.DirFS(filepath.Join(ts.Getenv("ROOT"), folder))))
	}
}

// trees copies the repositories of Flux and Argo CD of tests/plain.
func trees(ts *testscript.TestScript, _ bool, _ []string) {
	for _, name := range []string{"flux", "argo"} {
		ts.Check(os.CopyFS(ts.MkAbs(name), os.DirFS(filepath.Join(ts.Getenv("ROOT"), "tests", "plain", "testdata", name))))
	}
}

// replace changes text in a file: replace FILE OLD NEW, where \n is a line end.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace FILE OLD NEW")
	}
	path := ts.MkAbs(args[0])
	text := ts.ReadFile(path)
	line := strings.NewReplacer(`\n`, "\n")
	before, after := line.Replace(args[1]), line.Replace(args[2])
	if !strings.Contains(text, before) {
		ts.Fatalf("%s does not hold %q", args[0], before)
	}
	ts.Check(os.WriteFile(path, fmt.Appendf(nil, "%s", strings.Replace(text, before, after, 1)), 0o644))
}
