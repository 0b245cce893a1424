//go:build node

package kind_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/cluster/kind"
)

// helperEnv makes the test program a command that starts a cluster and is
// killed on the way.
const helperEnv = "DUALTRACK_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		fmt.Fprintln(os.Stderr, "not killed:", helper(context.Background())) //nolint:forbidigo // no test runs here
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

type helperInput struct {
	StateDir string
	Image    kind.Image
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
	p, err := kind.New(kind.Config{StateDir: in.StateDir, Image: func(context.Context) (kind.Image, error) { return in.Image, nil }})
	if err == nil {
		_, err = p.Start(ctx, in.Spec, cluster.Events{Step: func(_, step string, took time.Duration) {
			if step == in.Step && took == 0 {
				time.AfterFunc(in.After, func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
			}
		}})
	}
	return err
}

// image is the node image that the tests were given.
func image(t *testing.T) kind.Image {
	t.Helper()
	ref := os.Getenv("DUALTRACK_NODE_IMAGE")
	if ref == "" {
		t.Fatal("DUALTRACK_NODE_IMAGE names no node image: run `task node`")
	}
	return kind.Image{Ref: ref, EtcdTag: cmp.Or(os.Getenv("DUALTRACK_ETCD_TAG"), clustertest.EtcdTag(t))}
}

// provider makes a provider whose cluster is removed when the test ends.
func provider(t *testing.T, dir, name string) *kind.Provider {
	t.Helper()
	made := image(t)
	p, err := kind.New(kind.Config{StateDir: dir, Image: func(context.Context) (kind.Image, error) { return made, nil }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := p.Remove(ctx, name); err != nil {
			t.Errorf("remove: %v", err)
		}
		if left := containers(ctx, t, name); len(left) > 0 {
			t.Errorf("containers left: %v", left)
		}
		if left, err := os.ReadDir(dir); err == nil && len(left) > 0 {
			t.Errorf("files left: %v", left)
		}
	})
	return p
}

// containers asks the engine itself: what the provider believes is what is tested.
func containers(ctx context.Context, t *testing.T, name string) []string {
	t.Helper()
	out, err := exec.CommandContext(ctx, "docker", "ps", "-a", "--no-trunc", "--filter", "name=^dualtrack-test-"+name+"-", "--format", "{{.ID}} {{.Names}}").Output()
	if err != nil {
		t.Fatal(err)
	}
	if len(bytes.TrimSpace(out)) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func TestContract(t *testing.T) {
	dir, disk := clustertest.NewDisk(t)
	dir = filepath.Join(dir, "a path [with] spaces")
	clustertest.Run(t, provider(t, dir, "contract"), clustertest.Spec(t, "contract"), clustertest.Traits{Nodes: clustertest.RealNodes, Disk: disk})
}

// TestKilled kills the command while kind makes the cluster, and again while the
// nodes become ready: the first is made anew, the second finished.
func TestKilled(t *testing.T) {
	dir, spec := t.TempDir(), clustertest.Spec(t, "killed")
	p := provider(t, dir, "killed")
	var seen []string
	for _, at := range []helperInput{
		{Step: "starting control-plane", After: 3 * time.Second},
		{Step: "waiting for the nodes"},
	} {
		at.StateDir, at.Image, at.Spec = dir, image(t), spec
		in, err := json.Marshal(at)
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), helperEnv+"="+string(in))
		out, err := cmd.CombinedOutput()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("%s + %s: it was not killed: %v\n%s", at.Step, at.After, err, out)
		}
		left := containers(t.Context(), t, "killed")
		if len(left) != 1 || gocmp.Equal(seen, left) {
			t.Errorf("%s + %s: containers are %v and were %v: what was half made was kept", at.Step, at.After, left, seen)
		}
		seen = left
	}
	access, err := p.Start(t.Context(), spec, cluster.Events{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(seen, containers(t.Context(), t, "killed")); diff != "" {
		t.Errorf("what was made whole was not kept (-before +after):\n%s", diff)
	}
	clustertest.Keep(t, access)
	clustertest.Kept(t, access)
}

// TestCancelledWhileMade gives up while kind makes the cluster.
func TestCancelledWhileMade(t *testing.T) {
	spec := clustertest.Spec(t, "cancelled")
	p := provider(t, t.TempDir(), "cancelled")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var at time.Time
	_, err := p.Start(ctx, spec, cluster.Events{Step: func(_, step string, _ time.Duration) {
		if step == "starting control-plane" && at.IsZero() {
			at = time.Now()
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("start answers %v", err)
	}
	if took := time.Since(at); took > 30*time.Second {
		t.Errorf("it went on for %s", took)
	}
	if left := containers(t.Context(), t, "cancelled"); len(left) > 0 {
		t.Errorf("containers left: %v", left)
	}
	if _, err := p.Access(t.Context(), "cancelled"); !errors.Is(err, cluster.ErrNotRunning) {
		t.Errorf("access answers %v", err)
	}
}
