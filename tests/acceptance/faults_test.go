package acceptance

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// patience is how long a command may take that is expected to end at once.
const patience = 20 * time.Second

// TestFaults does to one cluster what machines and people do: each time the
// program says clearly what is wrong or mends it, and the data in the cluster
// lives through all of it. The parts build on one another.
func TestFaults(t *testing.T) {
	f := newFleet(t)
	f.spaces(t)
	site := f.site(t)
	for _, step := range []struct {
		name string
		run  func(*testing.T, *fleet, string)
	}{
		{"interrupted once", interruptedOnce},
		{"interrupted twice", interruptedTwice},
		{"two commands on one fleet", twoCommands},
		{"kubectl has its own exit status", kubectlStatus},
		{"logs", programLogs},
		{"a setting of etcd changes", settingChanges},
		{"a program cannot start", cannotStart},
		{"its port is taken while a program is down", portTaken},
		{"ports are taken while the cluster is stopped", portsMoved},
		{"certificates expired", expired},
		{"reboot", rebooted},
		{"pods that a lost node left unready", podsRecover},
		{"no go in PATH", noGo},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, f, site) }) {
			return
		}
	}
	f.run(t, "down", "--all", "--purge").want(t, 0)
	if left := processes(t).of(f.state); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	if _, err := os.Lstat(f.state); !os.IsNotExist(err) {
		t.Errorf("state left: %v", err)
	}
}

// spaces moves the fleet's state and its way to the cache to paths with spaces.
func (f *fleet) spaces(t *testing.T) {
	t.Helper()
	home := filepath.Dir(f.repo)
	f.state = filepath.Join(home, "my state")
	cache := filepath.Join(home, "my cache")
	for _, v := range f.env {
		if dir, ok := strings.CutPrefix(v, "DUALTRACK_CACHE_DIR="); ok {
			check(t, os.MkdirAll(dir, 0o700))
			check(t, os.Symlink(dir, cache))
		}
	}
	f.env = append(slices.Clone(f.env), "DUALTRACK_STATE_DIR="+f.state, "DUALTRACK_CACHE_DIR="+cache)
}

// task is a command that runs while the test looks on.
type task struct {
	pid    int
	signal func(os.Signal) error
	lines  chan string // of standard error
	ended  chan outcome
}

// begin starts a command; it is killed if the test ends first.
func (f *fleet) begin(t *testing.T, args ...string) *task {
	t.Helper()
	cmd := f.command(t.Context(), args...)
	read, write, err := os.Pipe()
	check(t, err)
	stdout := filepath.Join(t.TempDir(), "stdout")
	out, err := os.Create(stdout)
	check(t, err)
	cmd.Stdout, cmd.Stderr = out, write
	began := time.Now()
	check(t, cmd.Start())
	check(t, errors.Join(write.Close(), out.Close()))
	k := &task{pid: cmd.Process.Pid, signal: cmd.Process.Signal, lines: make(chan string, 10000), ended: make(chan outcome, 1)}
	said := make(chan string, 1)
	go func() {
		var all strings.Builder
		for s := bufio.NewScanner(read); s.Scan(); {
			all.WriteString(s.Text() + "\n")
			select {
			case k.lines <- s.Text():
			default: // nobody reads that far
			}
		}
		close(k.lines)
		said <- all.String()
	}()
	go func() {
		_ = cmd.Wait() // the status says it
		took := time.Since(began)
		_ = read.SetReadDeadline(time.Now().Add(time.Second)) // a child of the command may live on and hold the pipe
		status := cmd.ProcessState.Sys().(syscall.WaitStatus)
		code := status.ExitStatus()
		if status.Signaled() {
			code = 128 + int(status.Signal())
		}
		text, _ := os.ReadFile(stdout)
		k.ended <- outcome{code: code, stdout: string(text), stderr: <-said, took: took}
		_ = read.Close()
	}()
	return k
}

// says waits for a line of standard error with the words.
func (k *task) says(t *testing.T, words string) string {
	t.Helper()
	limit := time.After(3 * time.Minute)
	for {
		select {
		case line, open := <-k.lines:
			if !open {
				t.Fatalf("the command ended without saying %q: %+v", words, <-k.ended)
			}
			if strings.Contains(line, words) {
				return line
			}
		case <-limit:
			_ = k.signal(syscall.SIGKILL)
			t.Fatalf("the command does not say %q", words)
		}
	}
}

// end waits for the command's end.
func (k *task) end(t *testing.T, within time.Duration) outcome {
	t.Helper()
	select {
	case o := <-k.ended:
		return o
	case <-time.After(within):
		_ = k.signal(syscall.SIGKILL)
		t.Fatalf("the command did not end within %s", within)
		return outcome{}
	}
}

// kept is what the test puts into the cluster to see that nothing is lost.
const kept = "kept"

// keep makes the ConfigMap that inSync looks for.
func (f *fleet) keep(t *testing.T, site string) {
	t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: kept}}
	_, err := f.client(t, site, "keeper").CoreV1().ConfigMaps("default").Create(t.Context(), object, metav1.CreateOptions{})
	check(t, err)
}

// inSync brings the site up and wants it right, every program once, and the
// test's own ConfigMap in it; it returns the words for what was started.
func (f *fleet) inSync(t *testing.T, site string) []string {
	t.Helper()
	out := f.run(t, "up", "-c", site, "-o", "json").want(t, 0)
	got := out.json(t)
	if len(got.Clusters) != 1 || got.Clusters[0].State != "converged" {
		t.Fatalf("not converged: %+v", got.Clusters)
	}
	if out.took > time.Minute {
		t.Logf("took long:\n%s", out.stderr)
	}
	for name, n := range processes(t).of(f.state).names() {
		if n != 1 {
			t.Errorf("%s runs %d times", name, n)
		}
	}
	if _, err := f.client(t, site, "keeper").CoreV1().ConfigMaps("default").Get(t.Context(), kept, metav1.GetOptions{}); err != nil {
		t.Errorf("the cluster's data is gone: %v", err)
	}
	return got.Clusters[0].Started
}

func interruptedOnce(t *testing.T, f *fleet, site string) {
	up := f.begin(t, "up", "-c", site)
	up.says(t, "kube-apiserver (0.0 s)")
	check(t, up.signal(os.Interrupt))
	got := up.end(t, patience).want(t, 130)
	if !strings.Contains(got.stderr, "run the same command again to go on") {
		t.Errorf("does not say how to go on:\n%s", got.stderr)
	}
	if got.stdout != "" {
		t.Errorf("a report of half a run:\n%s", got.stdout)
	}
	left := processes(t).of(f.state)
	if len(left) == 0 {
		t.Error("nothing is left to go on with")
	}
	f.run(t, "up", "-c", site).want(t, 0)
	f.keep(t, site)
	for pid, argv := range left {
		if _, runs := processes(t).of(f.state)[pid]; !runs {
			t.Errorf("was started anew instead of kept: %s", argv)
		}
	}
}

// interruptedTwice interrupts a command whose child takes its time to end.
func interruptedTwice(t *testing.T, f *fleet, site string) {
	watch := f.begin(t, "kubectl", site, "--", "get", "pods", "-A", "--watch")
	child := 0
	for deadline := time.Now().Add(patience); child == 0; pause(t, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("kubectl does not run")
		}
		child = otherProgram(t, watch.pid)
	}
	check(t, syscall.Kill(child, syscall.SIGSTOP))
	defer func() { _ = syscall.Kill(child, syscall.SIGKILL) }()
	check(t, watch.signal(os.Interrupt))
	pause(t, 300*time.Millisecond)
	check(t, watch.signal(os.Interrupt))
	watch.end(t, 2*time.Second).want(t, 130)
}

// otherProgram gives a child of a process that runs another program than the
// process itself, or 0: Go's runtime starts short-lived copies of itself.
func otherProgram(t *testing.T, pid int) int {
	t.Helper()
	own, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	check(t, err)
	for _, tid := range threads(t, pid) {
		data, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%s/children", pid, tid))
		for _, child := range strings.Fields(string(data)) {
			program, err := os.Readlink("/proc/" + child + "/exe")
			if err != nil || program == own {
				continue
			}
			n, err := strconv.Atoi(child)
			check(t, err)
			return n
		}
	}
	return 0
}

func threads(t *testing.T, pid int) []string {
	t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	check(t, err)
	var ids []string
	for _, e := range entries {
		ids = append(ids, e.Name())
	}
	return ids
}

// twoCommands stops one command while it holds the fleet's lock.
func twoCommands(t *testing.T, f *fleet, site string) {
	first := f.begin(t, "up", "-c", site)
	first.says(t, " starting")
	check(t, first.signal(syscall.SIGSTOP))
	second := f.begin(t, "up", "-c", site)
	line := second.says(t, "waiting for process")
	for _, words := range []string{strconv.Itoa(first.pid), "platform up -c " + site} {
		if !strings.Contains(line, words) {
			t.Errorf("does not name the holder by %q: %s", words, line)
		}
	}
	third := f.begin(t, "down", "-c", site)
	third.says(t, "waiting for process")
	check(t, third.signal(os.Interrupt))
	third.end(t, patience).want(t, 130)
	check(t, first.signal(syscall.SIGCONT))
	first.end(t, 3*time.Minute).want(t, 0)
	second.end(t, 3*time.Minute).want(t, 0)
	f.inSync(t, site)
}

func kubectlStatus(t *testing.T, f *fleet, site string) {
	got := f.run(t, "kubectl", site, "--", "get", "configmap", "no-such-thing")
	if got.code != 1 || got.stdout != "" || strings.Count(got.stderr, "\n") != 1 || !strings.Contains(got.stderr, "NotFound") {
		t.Errorf("exit %d, want kubectl's 1 and its one line:\n%s%s", got.code, got.stdout, got.stderr)
	}
	f.run(t, "kubectl", "nowhere", "--", "get", "pods").want(t, 2)
}

func programLogs(t *testing.T, f *fleet, site string) {
	if got := f.run(t, "logs", site, "etcd", "--tail", "5").want(t, 0); strings.Count(got.stdout, "\n") != 5 {
		t.Errorf("want 5 lines:\n%s", got.stdout)
	}
	got := f.run(t, "logs", site, "etdc").want(t, 2)
	for _, words := range []string{`"etdc"`, "kube-apiserver", "kwok"} {
		if !strings.Contains(got.stderr, words) {
			t.Errorf("does not say %q:\n%s", words, got.stderr)
		}
	}
	if got := f.closedPipe(t, "logs", site, "etcd", "--tail", "0"); got.code != 0 || got.stderr != "" {
		t.Errorf("into a closed pipe: exit %d, %s", got.code, got.stderr)
	}
}

// settingChanges counts on gogc standing in the site's cluster.yaml.
func settingChanges(t *testing.T, f *fleet, site string) {
	before := processes(t).of(f.state)
	f.edit(t, "clusters/"+site+"/cluster.yaml", "gogc: 75", "gogc: 60")
	if got := f.inSync(t, site); !slices.Equal(got, []string{"etcd: restarted (its settings changed)"}) {
		t.Errorf("started %q, want etcd alone", got)
	}
	gone := before.minus(processes(t).of(f.state))
	if len(gone) != 1 || !strings.Contains(strings.Join(slices.Collect(maps.Values(gone)), ""), "--data-dir=") {
		t.Errorf("ended %v, want etcd alone", gone)
	}
}

func cannotStart(t *testing.T, f *fleet, site string) {
	const good, bad = "  kubernetes:\n", "  kubernetes:\n    extraArgs: {apiServer: {no-such-flag: \"1\"}}\n"
	f.edit(t, "clusters/"+site+"/cluster.yaml", good, bad)
	got := f.run(t, "up", "-c", site).want(t, 6)
	for _, words := range []string{
		"kube-apiserver ended (exit status 1)", "unknown flag: --no-such-flag", // status, last lines of its log
		"command: ", "--no-such-flag=1", "0/1 in sync", "1 failed",
	} {
		if !strings.Contains(got.stdout, words) {
			t.Errorf("does not say %q:\n%s", words, got.stdout)
		}
	}
	f.run(t, "status", "-c", site).want(t, 3) // no API server runs
	f.edit(t, "clusters/"+site+"/cluster.yaml", bad, good)
	f.inSync(t, site)
}

// identity is the file of a cluster's state that names its ports and boot.
func (f *fleet) identity(t *testing.T, site string) (path string, fields map[string]any) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(f.state, "*", site, "cluster.json"))
	if err != nil || len(files) != 1 {
		t.Fatalf("state of %s: %v %v", site, files, err)
	}
	data, err := os.ReadFile(files[0])
	check(t, err)
	check(t, json.Unmarshal(data, &fields))
	return files[0], fields
}

// endpoint takes the port of the cluster's API server once it is free.
func (f *fleet) takeEndpoint(t *testing.T, site string) net.Listener {
	t.Helper()
	_, fields := f.identity(t, site)
	port := fields["ports"].(map[string]any)["endpoint"].(float64)
	for deadline := time.Now().Add(patience); ; pause(t, 20*time.Millisecond) {
		listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp4", fmt.Sprintf("127.0.0.1:%d", int(port)))
		if err == nil {
			return listener
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

func portTaken(t *testing.T, f *fleet, site string) {
	check(t, syscall.Kill(f.pid(t, site, "kube-apiserver"), syscall.SIGKILL))
	listener := f.takeEndpoint(t, site)
	got := f.run(t, "up", "-c", site).want(t, 6)
	for _, words := range []string{"needed for endpoint, is taken by process " + strconv.Itoa(os.Getpid()), "platform stop"} {
		if !strings.Contains(got.stdout, words) {
			t.Errorf("does not say %q:\n%s", words, got.stdout)
		}
	}
	check(t, listener.Close())
	if got := f.inSync(t, site); !slices.Contains(got, "kube-apiserver: started again (it did not run)") {
		t.Errorf("started %q", got)
	}
}

func portsMoved(t *testing.T, f *fleet, site string) {
	f.run(t, "stop", "-c", site).want(t, 0)
	if left := processes(t).of(f.state); len(left) > 0 {
		t.Errorf("stop left %v", left)
	}
	listener := f.takeEndpoint(t, site)
	defer func() { check(t, listener.Close()) }()
	got := strings.Join(f.inSync(t, site), "\n")
	if !strings.Contains(got, "port of endpoint: ") || !strings.Contains(got, "is taken by another process, now ") {
		t.Errorf("does not say which port moved:\n%s", got)
	}
}

// rebooted ends every process and forgets the boot, as a reboot does.
func rebooted(t *testing.T, f *fleet, site string) {
	for pid := range processes(t).of(f.state) {
		check(t, syscall.Kill(pid, syscall.SIGKILL))
	}
	for deadline := time.Now().Add(patience); len(processes(t).of(f.state)) > 0; pause(t, 20*time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("killed processes live on")
		}
	}
	path, fields := f.identity(t, site)
	fields["boot"] = "00000000-0000-0000-0000-000000000000"
	data, err := json.Marshal(fields)
	check(t, err)
	check(t, os.WriteFile(path, data, 0o600))
	f.run(t, "status", "-c", site).want(t, 3)
	if got := f.run(t, "kubectl", site, "--", "get", "pods"); got.code == 0 || !strings.Contains(got.stderr, "`platform up` starts it") {
		t.Errorf("kubectl without a cluster: exit %d, %s", got.code, got.stderr)
	}
	if started := f.inSync(t, site); len(started) != 5 {
		t.Errorf("started %q, want five programs", started)
	}
}

// noGo works on a cluster where the programs are built and no Go is installed.
func noGo(t *testing.T, f *fleet, site string) {
	was := f.env
	defer func() { f.env = was }()
	f.env = append(slices.Clone(was), "PATH="+t.TempDir())
	f.inSync(t, site)
	f.run(t, "kubectl", site, "--", "get", "nodes").want(t, 0)
}

// podsRecover does to pods what the node controller does when their node was
// silent for a while; the simulator must make them ready again, at the same address.
func podsRecover(t *testing.T, f *fleet, site string) {
	client := f.client(t, site, "node-controller").CoreV1()
	ctx := t.Context()
	before, err := client.Pods("").List(ctx, metav1.ListOptions{})
	check(t, err)
	if len(before.Items) == 0 {
		t.Fatal("no pod runs")
	}
	ready := func(pod *corev1.Pod) *corev1.PodCondition {
		for i := range pod.Status.Conditions {
			if pod.Status.Conditions[i].Type == corev1.PodReady {
				return &pod.Status.Conditions[i]
			}
		}
		t.Fatalf("%s has no condition Ready", pod.Name)
		return nil
	}
	for _, pod := range before.Items {
		ready(&pod).Status = corev1.ConditionFalse
		_, err := client.Pods(pod.Namespace).UpdateStatus(ctx, &pod, metav1.UpdateOptions{})
		check(t, err)
	}
	for _, was := range before.Items {
		for deadline := time.Now().Add(patience); ; pause(t, 100*time.Millisecond) {
			now, err := client.Pods(was.Namespace).Get(ctx, was.Name, metav1.GetOptions{})
			check(t, err)
			if ready(now).Status == corev1.ConditionTrue {
				if now.Status.PodIP != was.Status.PodIP || !now.Status.StartTime.Equal(was.Status.StartTime) {
					t.Errorf("%s: address %s and start %s, want %s and %s", was.Name, now.Status.PodIP, now.Status.StartTime, was.Status.PodIP, was.Status.StartTime)
				}
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s stays unready", was.Name)
			}
		}
	}
	f.inSync(t, site)
}
