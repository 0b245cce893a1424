//go:build linux

package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"dualtrack.internal/platform/cluster"
	"dualtrack.internal/platform/cluster/clustertest"
	"dualtrack.internal/platform/cluster/embedded"
)

func TestMain(m *testing.M) {
	if os.Getenv(helperEnv) != "" {
		fmt.Fprintln(os.Stderr, "not killed:", helper(context.Background())) //nolint:forbidigo // no test runs here
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// provider makes a provider whose cluster is removed when the test ends.
func provider(t *testing.T, dir, name string, change func(*embedded.Config)) *embedded.Provider {
	t.Helper()
	cfg := embedded.Config{StateDir: dir, Programs: clustertest.Programs(t)}
	if change != nil {
		change(&cfg)
	}
	p, err := embedded.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Remove(context.WithoutCancel(t.Context()), name); err != nil {
			t.Errorf("remove: %v", err)
		}
		if left := processes(t, dir); len(left) > 0 {
			t.Errorf("processes left: %v", left)
		}
	})
	return p
}

func start(t *testing.T, p *embedded.Provider, spec cluster.Spec) cluster.Access {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	access, err := p.Start(ctx, spec, cluster.Events{})
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return access
}

// processes finds the processes of a state folder by their environment, by
// itself: what the provider believes is what is tested.
func processes(t *testing.T, dir string) map[string]int {
	t.Helper()
	found := map[string]int{}
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err != nil || !strings.Contains(string(env), dir+"/") {
			continue
		}
		for _, entry := range strings.Split(string(env), "\x00") {
			if path, ok := strings.CutPrefix(entry, "DUALTRACK_PROCESS="); ok {
				pid, err := strconv.Atoi(strings.Split(f, "/")[2])
				if _, twice := found[filepath.Base(path)]; twice || err != nil {
					t.Errorf("%s runs twice (%v)", path, err)
				}
				found[filepath.Base(path)] = pid
			}
		}
	}
	return found
}

func kill(t *testing.T, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatal(err)
	}
}

// eventually waits for what a signal or a killed leader brings about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); pause(t, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never seen: %s", what)
		}
	}
}

// pause waits between two looks, or until the test's time is up.
func pause(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

func wantChanged(t *testing.T, access cluster.Access, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, access.Changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
}

func TestContract(t *testing.T) {
	t.Parallel()
	clustertest.OnDisk(t, func(t *testing.T, dir string, disk clustertest.Disk) {
		dir = filepath.Join(dir, "a path [with] spaces")
		p := provider(t, dir, "contract", nil)
		clustertest.Run(t, p, clustertest.Spec(t, "contract"), clustertest.Traits{Simulated: true, Disk: disk})
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("files left: %v, %v", left, err)
		}
	})
}

// TestHeal breaks one running cluster in every way and has Start mend it.
func TestHeal(t *testing.T) {
	t.Parallel()
	dir, spec := t.TempDir(), clustertest.Spec(t, "heal")
	p := provider(t, dir, "heal", nil)
	clustertest.Keep(t, start(t, p, spec))
	for _, program := range []string{"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok"} {
		before := processes(t, dir)
		kill(t, before[program], syscall.SIGKILL)
		eventually(t, program+" is dead by status", func() bool { return status(t, p, "heal")[program].State == cluster.Dead })
		access := start(t, p, spec)
		wantChanged(t, access, program+": started again (it did not run)")
		clustertest.Kept(t, access)
		after := processes(t, dir)
		delete(before, program)
		delete(after, program)
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s was killed, others changed (-before +after):\n%s", program, diff)
		}
	}
	t.Run("killed before anything was written down", func(t *testing.T) {
		before := processes(t, dir)
		if err := os.RemoveAll(filepath.Join(dir, "heal", "run")); err != nil {
			t.Fatal(err)
		}
		wantChanged(t, start(t, p, spec))
		if diff := cmp.Diff(before, processes(t, dir)); diff != "" {
			t.Errorf("processes (-before +after):\n%s", diff)
		}
	})
	t.Run("a changed setting restarts only what it must", func(t *testing.T) {
		before := processes(t, dir)
		spec.Cluster.Spec.Etcd.GOGC = 80
		access := start(t, p, spec)
		wantChanged(t, access, "etcd: restarted (its settings changed)")
		clustertest.Kept(t, access)
		after := processes(t, dir)
		delete(before, "etcd")
		delete(after, "etcd")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("other processes (-before +after):\n%s", diff)
		}
	})
	t.Run("a port taken from a dead program names its owner", func(t *testing.T) { portTaken(t, p, spec, dir) })
	t.Run("a stopped process is named, and can be ended", func(t *testing.T) { stopped(t, p, spec, dir) })
}

func portTaken(t *testing.T, p *embedded.Provider, spec cluster.Spec, dir string) {
	var id struct{ Ports map[string]int }
	readJSON(t, filepath.Join(dir, "heal", "cluster.json"), &id)
	kill(t, processes(t, dir)["kwok"], syscall.SIGKILL)
	squatter := listen(t, id.Ports["kwok"])
	_, err := p.Start(t.Context(), spec, cluster.Events{})
	taken, ok := errors.AsType[*embedded.PortError](err)
	if !ok {
		t.Fatalf("start answers %v, want a *PortError", err)
	}
	if taken.Port != id.Ports["kwok"] || taken.PID != os.Getpid() || taken.Use != "kwok" {
		t.Errorf("port error is %+v", taken)
	}
	if err := p.Stop(t.Context(), "heal"); err != nil {
		t.Fatal(err)
	}
	access := start(t, p, spec) // nothing runs: another port is taken
	if !slices.ContainsFunc(access.Changed, func(s string) bool { return strings.HasPrefix(s, "port of kwok: ") }) {
		t.Errorf("changed says nothing of the port: %v", access.Changed)
	}
	clustertest.Kept(t, access)
	squatter()
}

func stopped(t *testing.T, p *embedded.Provider, spec cluster.Spec, dir string) {
	pid := processes(t, dir)["kube-scheduler"]
	kill(t, pid, syscall.SIGSTOP)
	_, err := p.Start(t.Context(), spec, cluster.Events{})
	got, ok := errors.AsType[*embedded.StoppedError](err)
	if !ok || got.PID != pid || got.Program != "kube-scheduler" {
		t.Errorf("start answers %v", err)
	}
	if st := status(t, p, "heal")["kube-scheduler"]; st.State != cluster.Stopped {
		t.Errorf("status says %s", st.State)
	}
	if err := p.Stop(t.Context(), "heal"); err != nil {
		t.Error(err)
	}
	if left := processes(t, dir); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
}

func status(t *testing.T, p *embedded.Provider, name string) map[string]cluster.ProcessStatus {
	t.Helper()
	all, err := p.Status(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]cluster.ProcessStatus{}
	for _, st := range all {
		out[st.Program] = st
	}
	return out
}

// TestHA loses one of two API servers and one of three members.
func TestHA(t *testing.T) {
	t.Parallel()
	dir, spec := t.TempDir(), clustertest.Spec(t, "ha")
	spec.Cluster.Spec.Etcd.Members, spec.Cluster.Spec.Kubernetes.APIServers = 3, 2
	p := provider(t, dir, "ha", nil)
	access := start(t, p, spec)
	clustertest.Keep(t, access)
	procs := processes(t, dir)
	want := []string{"balancer", "etcd-1", "etcd-2", "etcd-3", "kube-apiserver-1", "kube-apiserver-2", "kube-controller-manager", "kube-scheduler", "kwok"}
	var got []string
	for name := range procs {
		got = append(got, name)
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("processes (-want +got):\n%s", diff)
	}
	kill(t, procs["kube-apiserver-1"], syscall.SIGKILL)
	kill(t, procs["etcd-2"], syscall.SIGKILL)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 3 { // connections are handed out in turn
		if err := cluster.Wait(ctx, access); err != nil {
			t.Fatal(err)
		}
		core := clustertest.Core(t, access) // the store may just be choosing its leader
		eventually(t, "what was stored", func() bool {
			_, err := core.ConfigMaps("default").Get(ctx, "kept", metav1.GetOptions{})
			return err == nil
		})
	}
	again := "started again (it did not run)"
	wantChanged(t, start(t, p, spec), "etcd-2: "+again, "kube-apiserver-1: "+again)
	spec.Cluster.Spec.Etcd.SnapshotCount = 20000
	word := "restarted (its settings changed)"
	access = start(t, p, spec)
	wantChanged(t, access, "etcd-1: "+word, "etcd-2: "+word, "etcd-3: "+word)
	clustertest.Kept(t, access)
	spec.Cluster.Spec.Etcd.Members = 5
	if _, err := p.Start(t.Context(), spec, cluster.Events{}); err == nil || !strings.Contains(err.Error(), "3 members") {
		t.Errorf("growing the store answers %v", err)
	}
}

func TestProgramThatCannotStart(t *testing.T) {
	t.Parallel()
	spec := clustertest.Spec(t, "broken")
	spec.Cluster.Spec.Kubernetes.ExtraArgs.APIServer = map[string]string{"etcd-compaction-interval": "often"}
	p := provider(t, t.TempDir(), "broken", nil)
	_, err := p.Start(t.Context(), spec, cluster.Events{})
	exit, ok := errors.AsType[*embedded.ExitError](err)
	if !ok {
		t.Fatalf("start answers %v, want an *ExitError", err)
	}
	if exit.Program != "kube-apiserver" || exit.Status != "exit status 1" || !strings.Contains(exit.LogTail, "often") ||
		!slices.Contains(exit.Argv, "--etcd-compaction-interval=often") {
		t.Errorf("exit error is %+v", exit)
	}
	var log strings.Builder
	if err := p.Logs(t.Context(), "broken", "kube-apiserver", 3, &log); err != nil {
		t.Error(err)
	}
	if lines := strings.Count(log.String(), "\n"); lines < 1 || lines > 3 {
		t.Errorf("3 lines of log were asked for, got %q", log.String())
	}
	spec.Cluster.Spec.Kubernetes.ExtraArgs.APIServer = nil
	start(t, p, spec)
}

// TestCertificates starts a cluster a year ago, as far as its certificates know.
func TestCertificates(t *testing.T) {
	t.Parallel()
	dir, spec := t.TempDir(), clustertest.Spec(t, "certs")
	past := provider(t, dir, "certs", func(c *embedded.Config) {
		c.Now = func() time.Time { return time.Now().Add(-345 * 24 * time.Hour) }
	})
	clustertest.Keep(t, start(t, past, spec))
	before := processes(t, dir)
	p := provider(t, dir, "certs", nil)
	access := start(t, p, spec)
	clustertest.Kept(t, access)
	for program, pid := range processes(t, dir) {
		if before[program] == pid {
			t.Errorf("%s still runs with its old certificate", program)
		}
	}
	renewed := 0
	for _, line := range access.Changed {
		if strings.HasPrefix(line, "certificate ") {
			renewed++
		}
	}
	if renewed != 12 {
		t.Errorf("%d certificates renewed: %v", renewed, access.Changed)
	}
	wantChanged(t, start(t, p, spec))
}

// get asks a URL with one of the cluster's client certificates.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v\n%s", url, resp.Status, err, body)
	}
	return string(body)
}

// metrics reads plain samples, those without labels.
func metrics(t *testing.T, text string) map[string]float64 {
	t.Helper()
	out := map[string]float64{}
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if n, err := strconv.ParseFloat(value, 64); ok && err == nil {
			out[name] = n
		}
	}
	return out
}
