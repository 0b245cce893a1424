//go:build linux

package embedded_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/cluster/embedded"
)

// helperEnv makes the test program a command that starts a cluster and is
// killed on the way.
const helperEnv = "DUALTRACK_TEST_HELPER"

type helperInput struct {
	StateDir string
	Programs map[string]string
	Spec     cluster.Spec
	Step     string        // at whose begin it kills itself
	After    time.Duration // so long after it
}

// helper starts a cluster and kills itself. It returns only when that failed.
func helper(ctx context.Context) error {
	var in helperInput
	if err := json.Unmarshal([]byte(os.Getenv(helperEnv)), &in); err != nil {
		return err
	}
	p, err := embedded.New(embedded.Config{
		StateDir: in.StateDir,
		Programs: func(context.Context) (map[string]string, error) { return in.Programs, nil },
	})
	if err == nil {
		_, err = p.Start(ctx, in.Spec, cluster.Events{Step: func(_, step string, took time.Duration) {
			if step == in.Step && took == 0 {
				time.AfterFunc(in.After, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
			}
		}})
	}
	return err
}

// TestKilled kills the command in each step of one start, again and again on the
// same folder; the last start finishes what all of them left.
func TestKilled(t *testing.T) {
	t.Parallel()
	programs, err := clustertest.Programs(t)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	dir, spec := t.TempDir(), clustertest.Spec(t, "killed")
	p := provider(t, dir, "killed", nil)
	seen := map[string]int{}
	for _, at := range []struct {
		step  string
		after time.Duration
	}{
		{"etcd", 0},
		{"etcd", 5 * time.Millisecond}, // around the fork
		{"kube-apiserver", 0},
		{"kube-apiserver", 300 * time.Millisecond},
		{"controllers and nodes", 0},
		{"controllers and nodes", 10 * time.Millisecond},
		{"controllers and nodes", 200 * time.Millisecond},
	} {
		in, err := json.Marshal(helperInput{StateDir: dir, Programs: programs, Spec: spec, Step: at.step, After: at.after})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), helperEnv+"="+string(in))
		out, err := cmd.CombinedOutput()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Logf("%s + %s: it was faster than the kill: %v\n%s", at.step, at.after, err, out)
		}
		for program, pid := range processes(t, dir) { // fails when one runs twice
			if before := seen[program]; before != 0 && before != pid {
				t.Errorf("%s + %s: %s was process %d and is %d: what ran was not adopted", at.step, at.after, program, before, pid)
			}
			seen[program] = pid
		}
	}
	access := start(t, p, spec)
	clustertest.Keep(t, access)
	after := processes(t, dir)
	if len(after) != 5 {
		t.Errorf("processes are %v", after)
	}
	for program, pid := range seen {
		if after[program] != pid {
			t.Errorf("%s was process %d and is %d: what ran was not adopted", program, pid, after[program])
		}
	}
	wantChanged(t, start(t, p, spec))
	if err := p.Remove(t.Context(), "killed"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "killed")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}
